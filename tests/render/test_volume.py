import numpy as np
import pytest

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.render import volume as drawing
from xai_heatmap.render.arrays import drawn
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.heat import drawn_out
from xai_heatmap.render.volume import TILE, slices, spread


@pytest.fixture
def tiles(monkeypatch):
    """What stands on the sheet, with its titles."""
    seen = {}

    def caught(pictures, titles, **how):
        seen.update(pictures=pictures, titles=titles)
        return pictures[0]

    monkeypatch.setattr(drawing, "sheet", caught)
    return seen


def cold(shape):
    return np.zeros(shape, np.float32)


def test_slices_are_cut_along_the_axis_and_told_by_number(tiles):
    values = np.zeros((1, 4, 3, 2), np.float32)
    values[0, 2] = 1
    slices(values, cold((4, 3, 2)), which=[1, 2])
    assert tiles["titles"] == ["slice 2 of 4", "slice 3 of 4"]
    assert [picture.max() for picture in tiles["pictures"]] == [0, 255]
    assert tiles["pictures"][0].shape == (TILE, TILE * 2 // 3, 3)
    slices(values, cold((4, 3, 2)), axis=2, which=[0])
    assert tiles["titles"] == ["slice 1 of 2"]
    assert tiles["pictures"][0].shape == (TILE, TILE * 3 // 4, 3)
    np.testing.assert_array_equal(tiles["pictures"][0][:, :, 0].max(axis=1)[[30, 150, 230]],
                                  [0, 255, 0])  # fmt: skip


def test_grey_is_on_one_scale_over_all_slices(tiles):
    values = np.repeat(np.arange(5, dtype=np.float32), 16).reshape(1, 5, 4, 4)
    slices(values, cold((5, 4, 4)), which=range(5))
    means = [picture.mean() for picture in tiles["pictures"]]
    np.testing.assert_allclose(means, [0, 64, 128, 191, 255], atol=1)


def test_heat_is_on_one_scale_over_all_slices(tiles):
    heat = cold((3, 4, 4))
    heat[0], heat[1] = 1, 0.5
    slices(np.zeros((1, 3, 4, 4), np.float32), heat, which=[0, 1, 2], alpha=1.0)
    centres = [picture[TILE // 2, TILE // 2] for picture in tiles["pictures"]]
    table = named("inferno").table
    np.testing.assert_array_equal(centres[0], table[255])
    np.testing.assert_allclose(centres[1], table[128] / 2, atol=2)
    np.testing.assert_array_equal(centres[2], 0)


def test_three_channels_are_colours_and_their_slices_frames(tiles):
    video = np.zeros((3, 2, 4, 4), np.float32)
    video[0, 0], video[2, 1] = 1, 1
    slices(video, cold((2, 4, 4)), which=[0, 1])
    assert tiles["titles"] == ["frame 1 of 2", "frame 2 of 2"]
    assert [tuple(picture[0, 0]) for picture in tiles["pictures"]] == [(255, 0, 0), (0, 0, 255)]
    slices(video, cold((2, 4, 4)), axis=1, which=[0])
    assert tiles["titles"] == ["slice 1 of 4"]


def test_of_other_channels_the_mean_is_shown_each_in_its_own_range(tiles):
    values = np.zeros((2, 2, 4, 4), np.float32)
    values[0, 1], values[1, 1] = 1, 1000
    values[1, 0, :2] = 1000
    slices(values, cold((2, 4, 4)), which=[0, 1])
    first, second = (picture[..., 0] for picture in tiles["pictures"])
    assert (second == 255).all()
    assert set(np.unique(first)) == {0, 128}


def test_opacity_colours_and_outline_are_obeyed(tiles):
    values, heat = np.ones((1, 1, 8, 8), np.float32), cold((1, 8, 8))
    heat[0, 2:5, 2:5] = 1

    def drawn_with(**how):
        slices(values, heat, which=[0], **how)
        return tiles["pictures"][0]

    usual = drawn_with()
    for how in ({"alpha": 0.2}, {"colormap": "viridis"}, {"outlined": True}):
        assert (drawn_with(**how) != usual).any(), how


def test_which_slices_are_spread_evenly_with_the_hottest():
    heat = cold((40, 2, 2))
    heat[27] = 1
    found = spread(heat, axis=0)
    assert 27 in found
    assert len(found) == drawing.MOST
    steps = np.diff(found)
    assert steps.min() >= 2
    assert steps.max() <= 5
    assert spread(cold((40, 2, 2)), axis=0, most=4) == [5, 15, 25, 35]
    assert spread(heat, axis=1) == [0, 1]
    against = cold((9, 1, 1))
    against[3] = -1
    assert 3 in spread(against, axis=0, most=2)


@pytest.mark.parametrize("shape", [(5, 4, 3), (1, 1, 1), (2, 9, 30)])
def test_a_map_is_drawn_out_as_interpolation_along_each_axis_says(shape):
    map_ = np.random.default_rng(0).normal(size=(2, 3, 2)).astype(np.float32)
    found = drawn_out(map_, shape)
    for place in np.ndindex(*shape):
        at = [np.clip((p + 0.5) / n * c - 0.5, 0, c - 1)
              for p, n, c in zip(place, shape, map_.shape, strict=True)]  # fmt: skip
        wanted = 0.0
        for corner in np.ndindex(*map_.shape):
            near = [max(0.0, 1 - abs(a - c)) for a, c in zip(at, corner, strict=True)]
            wanted += float(np.prod(near)) * map_[corner]
        assert found[place] == pytest.approx(wanted, abs=1e-6)


def test_numbers_of_slices_are_counted_from_one(tiles):
    values = np.zeros((1, 6, 4, 4), np.float32)
    drawn(values, cold((6, 4, 4)), slices=[1, 6])
    assert tiles["titles"] == ["slice 1 of 6", "slice 6 of 6"]
    drawn(values, cold((6, 4, 4)), slices=2)
    assert tiles["titles"] == ["slice 2 of 6", "slice 5 of 6"]
    with pytest.raises(BadOption, match="1 to 6"):
        drawn(values, cold((6, 4, 4)), slices=[0])


def test_a_heat_of_another_shape_is_refused(unchecked):
    with pytest.raises(BadArray, match="volume of"):
        slices(np.zeros((1, 4, 4, 4), np.float32), cold((4, 4, 3)), which=[0])
