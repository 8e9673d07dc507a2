import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.geometry import Geometry, cropped, letterboxed, stretched
from xai_heatmap.render.heat import heat, scaled
from xai_heatmap.testing.oracles import heat_by_loops


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


GEOMETRIES = [
    stretched((23, 31), (14, 14)),
    cropped((40, 29), (14, 14)),
    cropped((17, 50), (14, 28), ratio=0.7),
    letterboxed((20, 33), (14, 14)),
    letterboxed((33, 11), (14, 20)),
    stretched((5, 4), (14, 14)),
    Geometry(image_size=(19, 23), box=(-3.2, 2.9, 15.7, 30.1), input_size=(8, 8)),
]


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("grid", [(7, 7), (1, 1), (1, 5), (4, 1), (3, 9), (30, 40)])
def test_agrees_with_the_slow_loops(geometry, grid):
    map_ = noise(*grid)
    drawn = heat(map_, geometry)
    assert drawn.dtype == np.float32
    assert drawn.shape == geometry.image_size
    np.testing.assert_allclose(drawn, heat_by_loops(map_, geometry), atol=2e-6)


def test_agrees_with_opencv_where_all_was_seen():
    map_ = noise(7, 9)
    wanted = cv2.resize(map_, (120, 80), interpolation=cv2.INTER_LINEAR)
    drawn = heat(map_, stretched((80, 120), (224, 224)))
    np.testing.assert_allclose(drawn, wanted, atol=1e-5)


def test_is_zero_exactly_where_the_network_did_not_look():
    geometry = cropped((40, 100), (32, 32))
    drawn = heat(np.ones((3, 3), np.float32), geometry)
    left, top, right, bottom = geometry.seen
    assert (drawn[top:bottom, left:right] == 1).all()
    drawn[top:bottom, left:right] = 0
    assert not drawn.any()
    assert 0 < left < right < 100


def test_a_letterbox_border_is_cut_off():
    map_ = np.zeros((4, 4), np.float32)
    map_[1:3] = 1
    drawn = heat(map_, letterboxed((20, 40), (8, 8)))
    np.testing.assert_allclose(drawn[5:15], 1)


def test_the_peak_is_drawn_over_what_the_network_looked_at():
    map_ = np.zeros((7, 7), np.float32)
    map_[2, 5] = 1
    geometry = cropped((480, 640), (224, 224))
    row, column = np.unravel_index(heat(map_, geometry).argmax(), (480, 640))
    x, y = geometry.to_input(column + 0.5, row + 0.5)
    assert (x, y) == pytest.approx((5.5 * 32, 2.5 * 32), abs=1)


@pytest.mark.slow
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 6)),
        elements=st.floats(-9, 9, width=32),
    ),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_stays_between_the_extremes_of_the_map(map_, size):
    drawn = heat(map_, stretched(size, (8, 8)))
    assert drawn.max() <= map_.max() + 1e-4
    assert drawn.min() >= map_.min() - 1e-4


@given(st.integers(1, 12), st.integers(1, 12), st.sampled_from(GEOMETRIES))
def test_a_constant_stays_constant(h, w, geometry):
    drawn = heat(np.full((h, w), 2.5, np.float32), geometry)
    left, top, right, bottom = geometry.seen
    np.testing.assert_allclose(drawn[top:bottom, left:right], 2.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_is_refused(bad):
    with pytest.raises(BadArray, match="finite"):
        heat(np.float32([[1, bad]]), stretched((4, 4), (4, 4)))


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 3)])
def test_a_map_that_is_no_picture_is_refused(shape):
    with pytest.raises(BadArray, match=r"\(h, w\).*received"):
        heat(np.zeros(shape, np.float32), stretched((4, 4), (4, 4)))


def test_scaled_to_its_maximum():
    np.testing.assert_array_equal(scaled(np.float32([[-3, 0, 1, 2]])), [[0, 0, 0.5, 1]])


def test_scaled_with_its_sign():
    shown = scaled(np.float32([[-4, 0, 1, 2]]), signed=True)
    np.testing.assert_array_equal(shown, [[-1, 0, 0.25, 0.5]])


def test_scaled_to_a_number_so_that_pictures_compare():
    weak, strong = np.float32([[0, 1]]), np.float32([[0, 8]])
    np.testing.assert_array_equal(scaled(weak, to=4.0), [[0, 0.25]])
    np.testing.assert_array_equal(scaled(strong, to=4.0), [[0, 1]])
    np.testing.assert_array_equal(scaled(-strong, to=4.0, signed=True), [[0, -1]])


def test_scaled_to_a_percentile_so_that_one_hot_pixel_hides_nothing():
    values = np.full((20, 20), 1, np.float32)
    values[3, 3] = 1000
    assert np.median(scaled(values, to="p99")) == 1
    assert np.median(scaled(values)) < 0.01
    alone = np.zeros((20, 20), np.float32)
    alone[3, 3] = 5
    assert scaled(alone, to="p99").max() == 1


@pytest.mark.parametrize("to", ["max", "p99", 2.0])
@pytest.mark.parametrize("value", [0.0, -1.0])
def test_nothing_to_show_is_zero_and_never_nan(to, value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = scaled(np.full((3, 3), value, np.float32), to=to)
    assert shown.dtype == np.float32
    assert not shown.any()


@pytest.mark.parametrize("to", ["max", "p99", 1e-30])
@pytest.mark.parametrize("signed", [False, True])
@given(
    values=arrays(
        np.float32, (3, 4), elements=st.floats(allow_nan=False, allow_infinity=False, width=32)
    )
)
def test_any_finite_heat_is_scaled_without_warning(values, to, signed):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = scaled(values, to=to, signed=signed)
    assert shown.dtype == np.float32
    assert shown.max() <= 1
    assert shown.min() >= (-1 if signed else 0)
    if to == "max" and (signed or values.max() > 0):
        assert np.abs(shown).max() == bool(values.any())


def test_scaling_leaves_its_argument_alone():
    values = np.float32([[1, 2]])
    scaled(values)[...] = 7
    np.testing.assert_array_equal(values, [[1, 2]])


@pytest.mark.parametrize("to", ["min", 0.0, -1.0, float("nan"), float("inf"), 1e-60])
def test_a_scale_that_makes_no_sense_is_refused(to):
    with pytest.raises(BadOption, match="'max', 'p99' or a number above 0"):
        scaled(np.ones((2, 2), np.float32), to=to)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_heat_that_is_not_finite_is_refused(bad):
    with pytest.raises(BadArray, match="finite"):
        scaled(np.float32([[1, bad]]))
