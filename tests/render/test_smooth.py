import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xai_heatmap.core.geometry import Geometry, cropped, letterboxed, placed, stretched
from xai_heatmap.render.heat import drawn_out, heat

MAPS = arrays(
    np.float32,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.floats(-9, 9, width=32),
)
TURNED = placed((60, 90), (0.0, 1.5, 0.0, -1.0, 0.0, 60.0), (60, 60))


def keys(x):
    """Keys' cubic of 1981 with a = -1/2, as it is printed."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def by_loops(map_, geometry):
    """Every pixel from the sixteen cells around its own place of the input."""
    drawn = np.zeros(geometry.image_size)
    sizes = list(zip(geometry.input_size, map_.shape, strict=True))
    for row, column in np.ndindex(*drawn.shape):
        u, v = geometry.to_input(column + 0.5, row + 0.5)
        if not (0 <= u < geometry.input_size[1] and 0 <= v < geometry.input_size[0]):
            continue
        taps = []
        for place, (length, cells) in zip((v, u), sizes, strict=True):
            at = min(max(place / length * cells - 0.5, 0), cells - 1)
            first = min(int(at), max(cells - 2, 0))
            taps.append([(min(max(c, 0), cells - 1), keys(at - c), c - first in (0, 1))
                         for c in range(first - 1, first + 3)])  # fmt: skip
        pairs = [(r, c, wr * wc, a and b) for r, wr, a in taps[0] for c, wc, b in taps[1]]
        value = sum(map_[r, c] * weight for r, c, weight, _ in pairs)
        near = [map_[r, c] for r, c, _, beside in pairs if beside]
        drawn[row, column] = min(max(value, min(near)), max(near))
    return drawn


@pytest.mark.parametrize(
    "geometry",
    [
        stretched((40, 30), (14, 14)),
        cropped((40, 29), (14, 14)),
        letterboxed((33, 21), (14, 20)),
        Geometry(image_size=(39, 43), box=(-3.2, 2.9, 35.7, 50.1), input_size=(8, 8)),
        TURNED,
    ],
)
@pytest.mark.parametrize("grid", [(5, 4), (1, 1), (1, 5), (2, 3)])
def test_agrees_with_the_slow_loops(geometry, grid):
    map_ = np.random.default_rng(0).normal(size=grid).astype(np.float32)
    drawn = heat(map_, geometry, smooth=True)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, by_loops(map_, geometry), atol=2e-5)


@given(MAPS)
def test_nothing_is_drawn_beyond_the_cells_beside_it(map_):
    geometry = stretched((48, 48), (48, 48))
    drawn = heat(map_, geometry, smooth=True)
    assert drawn.max() <= map_.max()
    assert drawn.min() >= map_.min()


def test_the_values_of_the_cells_stay_where_they_are():
    map_ = np.random.default_rng(1).random((5, 7)).astype(np.float32)
    drawn = heat(map_, stretched((45, 63), (5, 7)), smooth=True)  # 9 pixels a cell
    np.testing.assert_allclose(drawn[4::9, 4::9], map_, atol=1e-6)


def test_one_cell_is_drawn_round_and_not_as_a_star():
    """Half of its height lies about as far away along the diagonal as along the rows."""
    map_ = np.zeros((7, 7), np.float32)
    map_[3, 3] = 1
    geometry = stretched((140, 140), (7, 7))

    def reach(drawn):
        middle = drawn[70]
        diagonal = drawn[np.arange(140), np.arange(140)]
        return (diagonal >= 0.5).sum() * np.sqrt(2) / (middle >= 0.5).sum()

    assert reach(heat(map_, geometry)) < 0.88
    assert 0.95 < reach(heat(map_, geometry, smooth=True)) < 1.05


def test_a_grid_as_fine_as_the_pixels_is_as_it_was():
    map_ = np.random.default_rng(2).random((20, 24)).astype(np.float32)
    geometry = stretched((30, 40), (20, 24))
    np.testing.assert_allclose(heat(map_, geometry, smooth=True), heat(map_, geometry), atol=1e-6)


@pytest.mark.parametrize("lengths", [(50,), (9, 30, 40)])
def test_signals_and_volumes_are_drawn_smoothly_too(lengths):
    map_ = np.random.default_rng(3).random([4] * len(lengths)).astype(np.float32)
    smooth, straight = (drawn_out(map_, lengths, smooth=own) for own in (True, False))
    assert smooth.shape == lengths
    assert np.abs(smooth - straight).max() > 0.01
    assert smooth.max() <= map_.max()


def test_a_large_picture_is_drawn_in_parts(monkeypatch):
    from xai_heatmap.render import smooth

    map_ = np.random.default_rng(4).random((6, 5)).astype(np.float32)
    geometry = cropped((90, 70), (14, 14))
    whole = heat(map_, geometry, smooth=True)
    monkeypatch.setattr(smooth, "AT_ONCE", 200)
    np.testing.assert_array_equal(heat(map_, geometry, smooth=True), whole)
