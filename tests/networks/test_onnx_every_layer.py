"""Grad-CAM at every layer of trained ONNX files, against PyTorch twins in double precision.

Layers before a unit that is 0 up to rounding are the exception: one runtime opens its ReLU, the
other does not. There the twin's own map moves further when its input changes by 1e-6.
"""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.methods.gradcam import gradcam

torch = pytest.importorskip("torch", reason="needs PyTorch")

pytestmark = pytest.mark.reference

CLOSE = 1e-4
NETWORKS = {
    "squeezenet1_1.onnx": (
        "squeezenet_torch",
        "squeezenet1_1_torchvision.safetensors",
        "imagenet",
        set(),
    ),
    "mobilenet_v1_025_224.onnx": (
        "mobilenet_v1_torch",
        "mobilenet_v1_025_224_torch.safetensors",
        "tf",
        {"Pad"},  # a call of a function in the twin, which is no part of it
    ),
}
PHOTOGRAPHS = ("n01443537_goldfish.JPEG", "n02123045_tabby.JPEG")


def loaders(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("models", folder / "reference_models.py")
    models = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(models)
    return models


def heat(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    map_ = gradcam(activation[0], gradient[0])
    return map_ / max(float(map_.max()), np.finfo(np.float32).tiny)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("photograph", PHOTOGRAPHS)
@pytest.mark.parametrize("file", NETWORKS)
def test_every_layer_is_the_twins(reference, file, photograph):
    factory, weights, kind, without_twin = NETWORKS[file]
    models = loaders(reference)
    twin = xh.network(getattr(models, factory)(str(reference / "models" / weights)).double())
    network = xh.network(reference / "models" / file)
    picture = models.preprocess(PIL.Image.open(reference / "images" / photograph), kind)
    x = np.moveaxis(picture, -1, 0)[None].astype(np.float32)
    own, parts = network.record(x, "all"), twin.record(x, "all")
    cotangent = np.eye(1000, dtype=np.float32)[parts.scores.argmax(axis=1)]
    gradients, expected = own.pullback(cotangent), parts.pullback(cotangent)
    compared, kinked = 0, {}
    for layer, activation in own.activations.items():
        scale = np.abs(activation).max()
        same = [
            name
            for name, value in parts.activations.items()
            if value.shape == activation.shape and distance(value, activation) <= CLOSE * scale
        ]
        if not same:
            assert network.layers[layer].kind in without_twin, layer
            continue
        compared += 1
        maps = {name: heat(parts.activations[name], expected[name]) for name in same}
        found = heat(activation, gradients[layer])
        name = min(same, key=lambda name: distance(maps[name], found))
        if distance(maps[name], found) > CLOSE:
            kinked[name] = distance(maps[name], found), maps[name]
    assert compared > 50
    assert len(kinked) <= 2
    if kinked:
        moved = [nudged(twin, x, list(kinked), cotangent, seed) for seed in range(3)]
        for name, (off, map_) in kinked.items():
            assert off < 1e-3, name
            assert off < max(distance(one[name], map_) for one in moved), name


def nudged(
    twin: xh.Network, x: np.ndarray, names: list[str], cotangent: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """The twin's maps for a picture that differs by a millionth of its range."""
    noise = np.random.default_rng(seed).normal(size=x.shape).astype(np.float32)
    recording = twin.record(x + 1e-6 * np.abs(x).max() * noise, names)
    gradients = recording.pullback(cotangent)
    return {name: heat(recording.activations[name], gradients[name]) for name in names}
