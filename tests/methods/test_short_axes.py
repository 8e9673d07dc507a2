"""Methods that cover parts resolve every axis, however short it is beside the others."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.registry import find_method
from xai_heatmap.methods._cells import cells_of
from xai_heatmap.methods._regions import ranked
from xai_heatmap.methods.occlusion import COVERED
from xai_heatmap.methods.xrai import xrai
from xai_heatmap.testing.short_options import TELLING


def of_one_place(axis, place):
    """A function whose score is the mean of one slice: nothing else counts."""

    def scores(x):
        own = np.take(x[:, 0], place, axis=axis + 1)
        return np.stack([own.reshape(len(x), -1).mean(axis=1), np.zeros(len(x))], 1)

    return scores


def along(map_, axis):
    others = tuple(a for a in range(map_.ndim) if a != axis)
    return np.maximum(map_, 0).sum(axis=others)


GRIDS = {
    "frames first": ((4, 24, 24), 0),
    "eight frames": ((8, 24, 24), 0),
    "sixteen frames": ((16, 32, 32), 0),
    "slices last": ((24, 24, 6), 2),
    "rows of leads": ((5, 40), 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", TELLING)
@pytest.mark.parametrize("name", GRIDS)
def test_the_one_slice_that_counts_has_the_largest_share(name, method):
    grid, axis = GRIDS[name]
    place = 2
    x = np.ones((1, 1, *grid), np.float32)
    found = xh.maps(of_one_place(axis, place), x, method=method, target=0, options=TELLING[method])[
        0
    ]
    assert found.shape == grid
    share = along(found, axis)
    assert int(share.argmax()) == place
    assert (
        share[place - 1 : place + 2].sum() > (0.9 if method == "occlusion" else 0.6) * share.sum()
    )


def test_windows_and_cells_are_one_number_or_one_for_each_axis():
    passes = []

    def counted(x):
        passes.append(len(x))
        return np.stack([x[:, 0, 1].mean(axis=(1, 2)), np.zeros(len(x))], 1)

    x = np.ones((1, 1, 4, 8, 8), np.float32)
    asked = {"method": "occlusion", "target": 0}
    xh.maps(counted, x, **asked, options={"window": 8})
    beside = sum(passes) - 1  # what one window takes, but for that window
    for window, number in (((1, 4, 4), 4 * 3 * 3), ("2x8x8", 3)):
        passes.clear()
        xh.maps(counted, x, **asked, options={"window": window})
        assert sum(passes) == number + beside
    with pytest.raises(BadOption, match="3 axes of the grid; received 2"):
        xh.maps(counted, x, method="occlusion", target=0, options={"window": (1, 4)})
    with pytest.raises(BadOption, match="at least 0"):
        xh.maps(counted, x, method="occlusion", target=0, options={"window": (1, -4, 4)})
    assert cells_of((4, 64, 64), (2, 5, 5)).along == (2, 5, 5)
    assert cells_of((4, 64, 64), 5).along == (4, 5, 5)
    assert cells_of((16, 14, 14), 7).along == (7, 7, 7)
    assert cells_of((1, 12), 7).along == (1, 7)


def test_squares_are_cut_as_ever():
    assert cells_of((14, 14), 7).along == (7, 7)
    counts = []

    def counted(x):
        counts.append(len(x))
        return np.stack([x.mean(axis=(1, 2, 3)), np.zeros(len(x))], 1)

    x = np.ones((1, 1, 64, 64), np.float32)
    xh.maps(counted, x, method="occlusion", target=0, options={"window": 64})
    beside = sum(counts) - 1
    counts.clear()
    xh.maps(counted, x, method="occlusion", target=0)
    assert sum(counts) == 225 + beside


def test_a_window_that_covers_an_axis_whole_is_counted():
    x = np.ones((1, 4, 16, 16), np.float32)
    network = xh.network(of_one_place(0, 1), image_shape=x.shape)
    whole = xh.explain(network, x, method="occlusion", target=0, options={"window": (4, 2, 2)})
    assert whole.verdict.figures[COVERED] == 1
    assert any(COVERED in note for note in whole.notes)
    resolved = xh.explain(network, x, method="occlusion", target=0)
    assert COVERED not in resolved.verdict.figures


def test_text_on_the_command_line_is_read_axis_by_axis():
    option = find_method("occlusion").taken["window"]
    assert option.read("2x16x16", "occlusion") == (2, 16, 16)
    assert option.read("3", "occlusion") == 3
    assert "one for each axis" in str(option)


class OfOneFrame:
    """The mean of frame 2 of the first channel, with its slopes."""

    def __call__(self, many):
        return np.array([float(x[0, 2].mean()) for x in many])

    def gradients(self, many):
        for x in many:
            slopes = np.zeros_like(x)
            slopes[0, 2] = 1 / x[0, 2].size
            yield float(x[0, 2].mean()), slopes


@pytest.mark.parametrize("frames", [4, pytest.param(9, marks=pytest.mark.slow)])
def test_regions_of_xrai_hold_to_the_frame_that_counts(frames):
    """Frames are neither blurred into one another nor widened by a share of the rows."""
    video = np.random.default_rng(0).random((1, frames, 20, 20)).astype(np.float32) * 0.05
    video[0, 2, 8:13, 8:13] = 1
    share = along(xrai(video, OfOneFrame(), steps=2).map, 0)
    assert int(share.argmax()) == 2
    assert share[2] > 0.9 * share.sum()


def test_regions_may_be_widened_by_another_number_along_every_axis():
    labels = np.zeros((5, 5), np.int64) - 1
    labels[2, 2] = 0
    added = np.zeros((5, 5))
    added[2, 1:4] = 3
    found = ranked(added, [labels], around=(0, 1))
    np.testing.assert_array_equal(found, added)
