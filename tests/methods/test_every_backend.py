"""Every method gives the same on every backend, for several pictures as for each, in as many passes
as it says."""

import os
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh
import xai_heatmap.methods
from crossing import crossed
from xai_heatmap.core.evidence import Head
from xai_heatmap.core.registry import METHODS as EVERY
from xai_heatmap.core.registry import find_method
from xai_heatmap.networks.opening import head_check
from xai_heatmap.networks.opening.recording import OpenedRecording
from xai_heatmap.testing.conformance import SHAPE, images
from xai_heatmap.testing.networks.twins import TWINS
from xai_heatmap.testing.short_options import SHORT

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

METHODS = {name: method for name, method in EVERY.items() if "attentions" not in method.needs}
"""Those of attention are compared on transformers, in tests/networks/test_attention.py."""

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
"""Keras's own, which is not asked: where only PyTorch and ONNX are tested it is not started."""

LAYERS = {"cam": "relu"}
"""Where a method can't explain `conv`, whose output a ReLU cuts off."""
NAMES = [*METHODS, "smooth:layercam", "smooth:ablationcam", "vary:saliency"]
"""Every method, and some that are made of others."""

PAIRS = [
    (name, kind)
    for name, kind in crossed(NAMES, TWINS)
    if name != "liftcam" or kind != "keras" or BACKEND != "tensorflow"
]
"""Where Keras has no LIFT-CAM is said in test_liftcam.py."""


@cache
def opened(kind):
    if kind == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    model, twin = TWINS[kind]()
    return xh.network(model, image_shape=SHAPE), xh.network(twin, image_shape=SHAPE), twin


def mapped(network, x, name, **options):
    layer = "auto" if find_method(name).auto == "input" else LAYERS.get(name, "conv")
    native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x
    options = {"layer": layer, "options": SHORT.get(name, {}), **options}
    return xh.maps(network, native, method=name, **options)


@pytest.mark.parametrize(("name", "kind"), [pair for pair in PAIRS if pair[1] != "torch"])
def test_map_is_that_of_the_same_weights_in_pytorch(name, kind):
    network, twin, _ = opened(kind)
    x = images(3)
    found, wanted = mapped(network, x, name), mapped(twin, x, name)
    scale = np.abs(wanted).max()
    assert scale > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * scale)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_three_pictures_give_what_each_gives(name, kind):
    network, _, _ = opened(kind)
    x = images(3)
    targets = [0, 2, 1]
    together = mapped(network, x, name, target=targets)
    each = [
        mapped(network, x[row : row + 1], name, target=target)[0]
        for row, target in enumerate(targets)
    ]
    np.testing.assert_allclose(together, each, atol=1e-5 * np.abs(together).max())


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_method_repeats_itself(name, kind):
    network, _, _ = opened(kind)
    first, second = (mapped(network, images(1), name) for _ in range(2))
    np.testing.assert_array_equal(first, second)


ROWS = {
    "ablationcam": {"relu": [6]},  # 5 feature maps and the whole
    "groupcam": {"input": [5]},  # 4 groups that speak for the class, and the blurred picture
    "feature_factors": {"relu": [5]},  # 4 parts and the whole
    "guided_ig": {"input": [1, 1, 1, 1, 1]},  # each where the last one leads
    "hsic": {"input": [32, 32]},
    "integrated": {"relu": [5, 2]},  # `steps` and both ends
    "integrated_gradients": {"input": [5, 2]},
    "iscam": {"input": [16]},  # 5 feature maps, 3 steps each, and nothing
    "occlusion": {"input": [10]},  # 3 x 3 windows and the whole
    "reciprocam": {"relu": [32, 5]},  # 6 x 6 places and nothing
    "rise": {"input": [32, 18, 14]},  # 64 masks, 50 of them before the first look
    "scorecam": {"input": [6]},  # 5 feature maps and nothing
    "shapleycam": {"relu": [2]},
    "smooth:ablationcam": {"relu": [6] * 25},
    "smoothgrad": {"input": [5]},
    "sobol": {"input": [32, 32, 24]},  # 9 blocks and both designs, 8 each
    "sscam": {"input": [16]},
    "vargrad": {"input": [5]},
    "xrai": {"input": [5, 2, 5, 2]},
}
"""What every method replays: at which layer how many rows, batch by batch."""
AGAIN = {
    "smooth:ablationcam": [25, *[1] * 25],  # up to the layer, once for the replays of each
    "smooth:layercam": [5],
    "smooth_gradcam_pp": [5],
    "vary:saliency": [5],
}
"""What every method sends through the whole network beside, with noise on it."""


CLOSED: dict[str, list[int]] = {
    **{key: [] for key in ("ablationcam", "integrated", "liftcam", "reciprocam", "shapleycam")},
    "smooth:ablationcam": [25],
}
"""What methods send through the network beside where the head is affine; they replay nothing."""


def passes(name, monkeypatch):
    """Rows of every replay, by layer, and of every run of the first convolution."""
    network, _, model = opened("torch")
    network._state.heads.clear()  # of a network that other tests see, too
    layer = "auto" if find_method(name).auto == "input" else "relu"
    mapped(network, images(1), name, layer=layer)  # what is learnt at first is not counted
    replayed = {}
    replay = OpenedRecording.replay

    def counted(self, layer, activation, *, row):
        replayed.setdefault(layer, []).append(len(activation))
        return replay(self, layer, activation, row=row)

    convolved = []
    convolution = model.conv._conv_forward

    def convolving(x, *weights):
        convolved.append(len(x))
        return convolution(x, *weights)

    monkeypatch.setattr(OpenedRecording, "replay", counted)
    monkeypatch.setattr(model.conv, "_conv_forward", convolving)
    mapped(network, images(1), name, layer=layer)
    return replayed, convolved


@pytest.mark.parametrize("name", NAMES)
def test_passes_are_as_many_as_the_method_says(name, monkeypatch):
    monkeypatch.setattr(Head, "affine", None)
    monkeypatch.setattr(head_check, "_affine", lambda head: None)
    replayed, convolved = passes(name, monkeypatch)
    assert replayed == ROWS.get(name, {})
    balanced = [1] if "balanced" in find_method(name).needs else []
    again = AGAIN.get(name, [])  # heads start from what the recorded pass left
    assert convolved == [1, *balanced, *again, *replayed.get("input", [])]


@pytest.mark.parametrize("name", CLOSED)
def test_a_head_that_is_affine_is_not_run(name, monkeypatch):
    assert passes(name, monkeypatch) == ({}, [1, *CLOSED[name]])
