"""Trained ONNX files give the maps of their PyTorch twins, with nothing but onnxruntime."""

import subprocess
import sys

import numpy as np
import pytest

import xai_heatmap as xh

pytestmark = pytest.mark.reference

PICTURE = "n01443537_goldfish.JPEG"


@pytest.fixture(scope="module")
def twins(reference):
    """Networks by file, each with its PyTorch twin and its preprocessing."""
    pytest.importorskip("torch", reason="needs PyTorch")
    sys.path.insert(0, str(reference))
    import reference_models

    models = reference / "models"
    squeezenet = models / "squeezenet1_1_torchvision.safetensors"
    mobilenet = models / "mobilenet_v1_025_224_torch.safetensors"
    yield {
        "squeezenet1_1.onnx": (reference_models.squeezenet_torch(str(squeezenet)), "imagenet"),
        "mobilenet_v1_025_224.onnx": (reference_models.mobilenet_v1_torch(str(mobilenet)), "tf"),
    }
    sys.path.remove(str(reference))


def normalised(map_: np.ndarray) -> np.ndarray:
    return map_ / np.abs(map_).max()


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "layercam", "eigencam"])
@pytest.mark.parametrize("file", ["squeezenet1_1.onnx", "mobilenet_v1_025_224.onnx"])
def test_maps_at_the_auto_layer_are_the_twins(reference, twins, file, method):
    twin, preprocess = twins[file]
    image = reference / "images" / PICTURE
    options = {"preprocess": preprocess, "method": method}
    ours = xh.explain(str(reference / "models" / file), image, **options)
    wanted = xh.explain(twin, image, **options)
    assert ours.predictions[0].index == wanted.predictions[0].index == 1
    assert ours.layer.shape == wanted.layer.shape
    np.testing.assert_allclose(normalised(ours.map), normalised(wanted.map), atol=1e-4)


def test_maps_of_squeezenet_at_every_stage_are_the_twins(reference, twins):
    twin, preprocess = twins["squeezenet1_1.onnx"]
    image = reference / "images" / PICTURE
    network = xh.network(str(reference / "models" / "squeezenet1_1.onnx"))
    ours = {
        e.layer.shape: e
        for e in xh.compare(network, image, layers="*Concat*", preprocess=preprocess)
    }
    stages = [f"features.{i}" for i in (3, 4, 6, 7, 9, 10, 11, 12)]
    wanted = {
        e.layer.shape: e for e in xh.compare(twin, image, layers=stages, preprocess=preprocess)
    }
    assert ours.keys() == wanted.keys()
    for shape, e in ours.items():
        difference = np.abs(normalised(e.map) - normalised(wanted[shape].map)).max()
        assert difference <= 1e-4, (e.layer.name, difference)


def test_no_framework_is_imported(reference):
    code = (
        "import sys, xai_heatmap as xh\n"
        f"xh.explain({str(reference / 'models' / 'squeezenet1_1.onnx')!r},"
        f" {str(reference / 'images' / PICTURE)!r}, preprocess='imagenet')\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "keras", "tensorflow", "jax"} & set(done.stdout.split())
