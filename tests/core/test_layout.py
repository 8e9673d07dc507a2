"""A layout is a bijection, found from shapes alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_heatmap.core.layers.layout import Layout, layout


def found(shape, *, image=(224, 224), last=False, grids=()):
    return layout(shape, images=2, image=image, channels_last=last, grids=grids)


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((2, 512, 7, 7), {}, Layout("channels_first", (7, 7))),
        ((2, 7, 7, 512), {}, Layout("channels_last", (7, 7))),  # Swin keeps channels last in torch
        ((2, 7, 7, 512), {"last": True}, Layout("channels_last", (7, 7))),
        ((2, 7, 7, 7), {}, Layout("channels_first", (7, 7))),
        ((2, 7, 7, 7), {"last": True}, Layout("channels_last", (7, 7))),
        ((2, 64, 1, 1), {}, Layout("channels_first", (1, 1))),
        ((2, 10, 8, 64), {"image": (320, 256)}, Layout("channels_last", (10, 8))),
        ((2, 197, 192), {}, Layout("tokens", (14, 14), 1)),
        ((2, 198, 192), {}, Layout("tokens", (14, 14), 2)),
        ((2, 196, 192), {}, Layout("tokens", (14, 14), 0)),
        ((2, 201, 192), {}, Layout("tokens", (14, 14), 5)),
        ((2, 241, 64), {"image": (192, 320)}, Layout("tokens", (12, 20), 1)),
        ((2, 241, 64), {"image": (192, 320), "grids": [(12, 20)]}, Layout("tokens", (12, 20), 1)),
        ((2, 24, 8), {"image": (16, 24), "grids": [(4, 6), (2, 4)]}, Layout("tokens", (4, 6), 0)),
        ((2, 24, 8), {"image": (16, 24), "grids": [(2, 4)]}, Layout("tokens", (4, 6), 0)),
        ((2, 65, 64), {"grids": [(8, 8)]}, Layout("tokens", (8, 8), 1)),
        ((2, 201, 196), {"grids": [(14, 14)]}, Layout("tokens", (14, 14), 5)),
        ((2, 16, 100), {"image": (100,)}, Layout("channels_first", (100,))),
        ((2, 100, 16), {"image": (100,), "last": True}, Layout("channels_last", (100,))),
        ((2, 8, 4, 8, 8), {"image": (16, 32, 32)}, Layout("channels_first", (4, 8, 8))),
        # video networks that keep the frames, or halve them less often than the sides
        ((2, 64, 16, 7, 7), {"image": (16, 112, 112)}, Layout("channels_first", (16, 7, 7))),
        ((2, 64, 8, 28, 28), {"image": (16, 224, 224)}, Layout("channels_first", (8, 28, 28))),
        ((2, 16, 32, 7, 7), {"image": (32, 56, 56)}, Layout("channels_first", (32, 7, 7))),
        ((2, 8, 28, 28, 96), {"image": (16, 112, 112)}, Layout("channels_last", (8, 28, 28))),
        ((2, 16, 16, 16, 64), {"image": (32, 32, 32)}, Layout("channels_last", (16, 16, 16))),
        ((2, 9, 64), {"image": (4, 16, 16), "grids": [(2, 2, 2)]}, Layout("tokens", (2, 2, 2), 1)),
    ],
)
def test_found_from_the_shape(shape, options, expected):
    assert found(shape, **options) == expected


@pytest.mark.parametrize(
    "shape",
    [(2, 1000), (2, 768, 1), (128, 64, 7, 7), (2,), (2, 512, 0, 7), (2, 3, 64, 3136), (2, 2, 192)],
)
def test_no_grid_where_there_is_none(shape):
    assert found(shape) is None


def test_a_flattened_convolution_is_not_taken_for_tokens():
    assert found((2, 192, 196), grids=[(14, 14)]) is None


@given(
    kind=st.sampled_from(["channels_first", "channels_last", "tokens"]),
    grid=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    k=st.integers(1, 4),
    prefix=st.integers(0, 3),
    m=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_there_and_back(kind, grid, k, prefix, m):
    own = Layout(kind, grid, prefix if kind == "tokens" else 0)
    shape = {
        "channels_first": (k, *grid),
        "channels_last": (*grid, k),
        "tokens": (prefix + grid[0] * grid[1], k),
    }[kind]
    native = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    activation = own.to_grid(native)
    assert activation.shape == (1, k, *grid)
    np.testing.assert_array_equal(own.to_native(activation, like=native), native)
    others = np.random.default_rng(1).normal(size=(m, k, *grid)).astype(np.float32)
    back = own.to_native(others, like=native)
    np.testing.assert_array_equal(own.to_grid(back), others)
    if kind == "tokens":
        np.testing.assert_array_equal(back[:, :prefix], np.repeat(native[:, :prefix], m, axis=0))


def test_half_precision_goes_back_as_half_precision():
    own = Layout("channels_first", (2, 2))
    native = np.ones((1, 3, 2, 2), np.float16)
    assert own.to_grid(native).dtype == np.float32
    assert own.to_native(own.to_grid(native), like=native).dtype == np.float16
