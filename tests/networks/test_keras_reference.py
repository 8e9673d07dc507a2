"""Trained networks and a photograph: the same map from Keras, on any backend, and PyTorch."""

import importlib.util

import numpy as np
import PIL.Image
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("torch")

from xai_heatmap.methods.gradcam import gradcam  # noqa: E402
from xai_heatmap.networks.keras.model import open_keras  # noqa: E402
from xai_heatmap.networks.torch.model import open_torch  # noqa: E402

GOLDFISH = 1
NETWORKS = {
    "squeezenet1_1.keras": (
        "squeezenet_torch",
        "squeezenet1_1_torchvision.safetensors",
        "imagenet",
        ("fire9_concat", "features.12"),
        None,
    ),
    "mobilenet_v1_025_224.keras": (
        "mobilenet_v1_torch",
        "mobilenet_v1_025_224_torch.safetensors",
        "tf",
        ("conv_pw_13_relu", "conv_pw_13_relu"),
        "tf",
    ),
}


def heat(network, x, layer):
    recording = network.record(x, [layer])
    cotangent = np.zeros_like(recording.scores)
    cotangent[:, GOLDFISH] = 1
    gradient = recording.pullback(cotangent)[layer]
    map_ = gradcam(recording.activations[layer][0], gradient[0])
    return recording.scores, map_ / map_.max()


@pytest.mark.reference
@pytest.mark.parametrize("file", NETWORKS)
def test_keras_and_its_pytorch_twin_give_the_same_map(reference, file):
    factory, weights, kind, (layer, twin_layer), preprocess = NETWORKS[file]
    spec = importlib.util.spec_from_file_location("models", reference / "reference_models.py")
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    network = open_keras(keras.saving.load_model(reference / "models" / file))
    twin = open_torch(getattr(models, factory)(reference / "models" / weights))
    assert network.declared.preprocess == preprocess
    assert network.declared.input_shape == (3, 224, 224)
    photograph = PIL.Image.open(reference / "images" / "n01443537_goldfish.JPEG")
    x = np.moveaxis(models.preprocess(photograph, kind), -1, 0)[None].astype(np.float32)
    scores, map_ = heat(network, x, layer)
    twin_scores, twin_map = heat(twin, x, twin_layer)
    assert scores.argmax() == twin_scores.argmax() == GOLDFISH
    np.testing.assert_allclose(scores, twin_scores, atol=1e-3)
    assert np.abs(map_ - twin_map).max() <= 1e-4
