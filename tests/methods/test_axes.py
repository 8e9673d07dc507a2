"""Signals and volumes: every method sums over whatever axes the grid has, on every backend."""

import math
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("keras", reason="needs Keras")

import keras
import torch

import xai_heatmap as xh
import xai_heatmap.methods
from crossing import crossed
from xai_heatmap.core.registry import METHODS as EVERY
from xai_heatmap.core.registry import find_method
from xai_heatmap.testing.networks.axes import (
    CHANNELS,
    LONG,
    MADE,
    in_torch,
    patched_transformer,
    weights,
)
from xai_heatmap.testing.short_options import SHORT

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ATTENDING = [name for name, method in EVERY.items() if "attentions" in method.needs]
NAMES = [*(n for n in EVERY if n not in ATTENDING), "smooth:layercam", "vary:saliency"]
"""Every method that a convolutional network has, and some that are made of others."""

MASKED = {"groupcam", "iscam", "scorecam", "sscam"}
"""Whose map of class 2 is empty on the volumes: none of what they show of them raises its score."""

OWN = {"rise", "reciprocam"}
"""What reads off how many axes there are: RISE's grid of cells has as many, and a Gaussian falls
off along each, so that a flat axis counts too. They have tests of their own below."""

FLAT = {
    "signal": ((24,), (1, 24)),
    "one slice": ((1, 12, 10), (12, 10)),
    "one row a slice": ((12, 1, 10), (12, 10)),
    "one column a slice": ((12, 10, 1), (12, 10)),
}
"""Grids, and the picture that each is."""


def inputs(grid, *, n=1, seed=0):
    return np.random.default_rng(seed).normal(size=(n, CHANNELS, *grid)).astype(np.float32)


def window(grid):
    return tuple(3 if length > 1 else 1 for length in grid)


@cache
def opened(kind, grid):
    own = weights(tuple(n for n in window(grid) if n > 1)).on(window(grid))
    return xh.network(MADE[kind](own), image_shape=(CHANNELS, *grid))


def mapped(network, x, name, **more):
    layer = "auto" if find_method(name).auto == "input" else "relu2" if name == "cam" else "conv"
    native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x
    masked = name in MASKED and len(x.shape) == 5 and min(x.shape[2:]) > 1
    target = 3 if masked else 2
    how = {"layer": layer, "target": target, "options": SHORT.get(name, {})} | more
    return xh.maps(network, native, method=name, **how)


def assert_alike(found, wanted, *, rtol=1e-5):
    scale = np.abs(wanted).max()
    assert scale > 0
    np.testing.assert_allclose(found, wanted, atol=rtol * scale)


@pytest.mark.parametrize("grid", FLAT)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OWN])
def test_a_flat_axis_changes_no_map(name, grid):
    own, picture = FLAT[grid]
    x = inputs(picture)
    found = mapped(opened("torch", own), x.reshape(1, CHANNELS, *own), name)
    wanted = mapped(opened("torch", picture), x, name)
    assert len(found.shape) == 1 + len(own)
    assert_alike(found.reshape(wanted.shape), wanted)


RANDOM = {"hsic", "smooth:layercam", "smooth_gradcam_pp", "smoothgrad", "sobol", "sscam",
          "vargrad", "vary:saliency", "rise"}  # fmt: skip
"""Whose chance falls on other places where axes change."""


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RANDOM])
def test_axes_that_change_places_do_so_in_the_map(name):
    grid, turned = (8, 6, 4), (2, 0, 1)
    own = weights((3, 3, 3))
    there = tuple(axis + 2 for axis in turned)
    other = type(own)(
        own.first.transpose(0, 1, *there), own.first_bias, own.second.transpose(0, 1, *there),
        own.second_bias, own.linear, own.linear_bias,
    )  # fmt: skip
    x = inputs(grid)
    found = mapped(xh.network(in_torch(other)), x.transpose(0, 1, *there), name)
    wanted = mapped(xh.network(in_torch(own)), x, name)
    assert_alike(found, wanted.transpose(0, *(axis + 1 for axis in turned)), rtol=1e-4)


BACKENDS = [
    (name, kind, axes)
    for axes in (1, 3)
    for name, kind in crossed(NAMES, ("onnx", "keras"), full=("onnx",) if axes == 3 else ())
    if name != "liftcam" or kind != "keras" or keras.backend.backend() != "tensorflow"
    if name != "guided_ig" or axes == 1
]
"""Guided IG goes along the smallest gradients first: among the many of a volume some differ by
rounding alone, and which is smaller then hangs on the order of a sum. That Keras on TensorFlow has
no LIFT-CAM is tested in tests/methods/test_liftcam.py."""


@pytest.mark.parametrize(("name", "kind", "axes"), BACKENDS)
def test_every_backend_maps_signals_and_volumes_as_pytorch_does(name, kind, axes):
    x = inputs(LONG[axes], n=2)
    found = mapped(opened(kind, LONG[axes]), x, name)
    assert_alike(found, mapped(opened("torch", LONG[axes]), x, name), rtol=1e-4)


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("axes", [1, 3])
def test_auto_is_the_last_layer_that_all_paths_cross(kind, axes):
    network = opened(kind, LONG[axes])
    survey = network.survey((CHANNELS, *LONG[axes]))
    assert survey.auto == "relu2"
    half = tuple(length // 2 for length in LONG[axes])
    assert survey.layers["relu2"].shape == (6, *half)
    assert survey.layers["conv"].shape == (5, *LONG[axes])
    assert survey.layers["fc"].grid is None


@pytest.mark.parametrize("axes", [1, 3])
def test_reciprocam_weighs_neighbours_along_every_axis(axes):
    model = in_torch(weights((3,) * axes))
    x = inputs(LONG[axes])
    with torch.no_grad():
        activation = model.relu(model.conv(torch.tensor(x)))[0].numpy()

    def score(one):
        with torch.no_grad():
            behind = model.relu2(model.last(model.pool(torch.tensor(one[None]))))
            return float(model.fc(behind.flatten(2).mean(2))[0, 2])

    wanted = np.zeros(LONG[axes])
    for place in np.ndindex(*LONG[axes]):
        kept = np.zeros_like(activation)
        for other in np.ndindex(*LONG[axes]):
            steps = [abs(a - b) for a, b in zip(place, other, strict=True)]
            if max(steps) <= 1:
                share = math.prod(0.5 if step == 0 else 0.25 for step in steps)
                kept[:, *other] = share * activation[:, *other]
        wanted[place] = score(kept) - score(np.zeros_like(activation))
    assert_alike(mapped(xh.network(model), x, "reciprocam", layer="relu")[0], wanted)


@pytest.mark.parametrize("axes", [1, 3])
def test_rise_covers_every_axis_and_finds_what_the_network_reads(axes):
    """A network that adds up a part of its input is told by the masks that show that part."""
    grid = {1: (24,), 3: (8, 8, 8)}[axes]
    part = tuple(slice(length // 4, length // 2) for length in grid)
    seen = []

    def reads(x):
        seen.extend(x[:, 0].copy())
        return np.stack([x[:, 0, *part].reshape(len(x), -1).sum(axis=1)] * 2, axis=1)

    x = np.ones((1, 1, *grid), np.float32)
    found = xh.maps(xh.network(reads, image_shape=x.shape[1:]), x, method="rise", target=0,
                    options={"samples": 600, "cells": 4})[0]  # fmt: skip
    masks = np.array(seen[-600:])  # behind the picture, and noise that tells what scores mean
    assert masks.min() >= 0
    assert masks.max() <= 1
    assert masks.mean() == pytest.approx(0.5, abs=0.02)
    for axis in range(1, axes + 1):
        assert np.abs(np.diff(masks, axis=axis)).max() > 0.1, "each axis has cells of its own"
    values = masks[:, *part].reshape(len(masks), -1).sum(axis=1, dtype=np.float64)
    wanted = np.einsum("m,m...->...", values, masks) / masks.sum(axis=0) - values.mean()
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    inside = np.zeros(grid, bool)
    inside[part] = True
    assert inside[np.unravel_index(found.argmax(), grid)]


@pytest.mark.parametrize("name", ATTENDING)
@pytest.mark.parametrize("axes", [1, 3])
def test_attention_lies_on_the_tokens_of_signals_and_volumes(name, axes):
    """A transformer of flat patches sees the same tokens as the picture that it is."""
    grid, picture = {1: ((32,), (1, 32)), 3: ((1, 16, 8), (16, 8))}[axes]
    x = inputs(picture)
    found = xh.maps(patched_transformer(grid), x.reshape(1, CHANNELS, *grid), method=name)
    wanted = xh.maps(patched_transformer(picture), x, method=name)
    assert found.shape == (1, *(max(length // 4, 1) for length in grid))
    assert_alike(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(("target", "empty"), [(2, True), (1, False)])
def test_sscam_of_a_volume_is_empty_just_where_no_feature_map_raises_the_score(target, empty):
    model, x = in_torch(weights((3, 3, 3))), inputs(LONG[3])
    with torch.no_grad():
        maps = model.conv(torch.tensor(x))[0]
        low, high = (ends(maps.flatten(1), dim=1) for ends in (torch.amin, torch.amax))
        shown = (maps - low[:, None, None, None]) / (high - low)[:, None, None, None]
        nothing = model(torch.zeros(1, *x.shape[1:]))[0, target]
        increases = [model(torch.tensor(x) * one)[0, target] - nothing for one in shown]
    assert (max(increases) <= 0) == empty
    how = {"target": target, "options": {"noise": 0.0, "samples": 1}}
    assert mapped(xh.network(model), x, "sscam", **how).any() != empty
