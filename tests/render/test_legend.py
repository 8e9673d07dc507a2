import numpy as np
import pytest

from xai_heatmap.core.errors import BadOption, UnknownColormap
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.legend import legend, with_legend


def ink(picture):
    return (picture.max(axis=-1) < 100).sum()


def bar_colours(picture):
    """The row through the middle of the bar: the one with most colours."""
    rows = [len(np.unique(row, axis=0)) for row in picture]
    return picture[int(np.argmax(rows))]


@pytest.mark.parametrize("colormap", ["inferno", "bluered"])
def test_the_bar_runs_through_the_whole_map(colormap):
    table = named(colormap).table.astype(int)
    row = bar_colours(legend(low=0.0, high=1.0, colormap=colormap, width=600)).astype(int)
    for color in (table[2], table[64], table[128], table[253]):
        assert np.abs(row - color).sum(axis=-1).min() < 8


def test_colours_go_from_low_to_high():
    row = bar_colours(legend(low=0.0, high=1.0, width=600))
    assert row[20].sum() < row[300].sum() < row[580].sum()


def test_the_numbers_are_those_given():
    assert not np.array_equal(legend(low=0.0, high=1.0), legend(low=0.0, high=2.0))
    assert not np.array_equal(legend(low=0.0, high=1.0), legend(low=-1.0, high=1.0))
    np.testing.assert_array_equal(legend(low=0.0, high=1.0), legend(low=0.0, high=1.0001))


def test_width_text_and_title_are_obeyed():
    small, large = legend(low=0.0, high=1.0, text=12), legend(low=0.0, high=1.0, text=24)
    assert legend(low=0.0, high=1.0, width=300).shape[1] == 300
    assert large.shape[0] > 1.7 * small.shape[0]
    titled = legend(low=0.0, high=1.0, text=12, title="evidence for tabby")
    assert titled.shape[0] > small.shape[0]
    assert ink(titled[:20]) > 30


@pytest.mark.parametrize("width", [100, 640])
def test_a_picture_keeps_its_pixels_above_its_legend(width):
    picture = np.random.default_rng(0).integers(0, 256, (50, width, 3), dtype=np.uint8)
    both = with_legend(picture, low=0.0, high=1.0, colormap="viridis", title="t")
    left = (both.shape[1] - width) // 2
    np.testing.assert_array_equal(both[:50, left : left + width], picture)
    below = with_legend(picture, low=0.0, high=1.0, colormap="viridis", title="another")
    assert not np.array_equal(both, below)
    assert not np.array_equal(both, with_legend(picture, low=0.0, high=3.0, title="t"))


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_a_range_that_makes_no_sense_is_refused(low, high):
    with pytest.raises(BadOption, match="from low to high"):
        legend(low=low, high=high)


def test_a_legend_without_room_is_refused():
    with pytest.raises(BadOption, match="8 letters"):
        legend(low=0.0, high=1.0, width=50, text=16)


def test_an_unknown_colour_map_is_refused():
    with pytest.raises(UnknownColormap):
        legend(low=0.0, high=1.0, colormap="rainbow")
