"""What stands in places that are taken away, against the equations solved whole."""

import numpy as np
import pytest

from xai_heatmap.core.blur import blurred
from xai_heatmap.metrics.parts.imputation import imputation, interpolated

RANDOM = np.random.default_rng(7)


def solved_whole(image, gone):
    """Rong et al.: one equation a place, all of them in one matrix."""
    places = list(np.ndindex(gone.shape))
    number = {place: n for n, place in enumerate(places)}
    matrix = np.zeros((len(places), len(places)))
    known = np.zeros((len(places), len(image)))
    for place, n in number.items():
        matrix[n, n] = 1
        if not gone[place]:
            known[n] = image[(slice(None), *place)]
            continue
        around = [
            (other, 2.0 ** (1 - np.abs(np.subtract(place, other)).sum()))
            for other in places
            if other != place and np.abs(np.subtract(place, other)).max() == 1
        ]
        for other, weight in around:
            matrix[n, number[other]] = -weight / sum(w for _, w in around)
    return np.linalg.solve(matrix, known).T.reshape(image.shape)


@pytest.mark.parametrize("grid", [(9,), (6, 7), (3, 4, 3)])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_neighbours_fill_what_is_gone(grid, share):
    image = RANDOM.normal(size=(3, *grid)).astype(np.float32)
    gone = RANDOM.random(grid) < share
    gone.flat[0] = False
    np.testing.assert_allclose(interpolated(image, gone), solved_whole(image, gone), atol=1e-4)


def test_a_slope_is_filled_without_a_trace():
    image = np.add.outer(np.arange(8.0), 2 * np.arange(8.0))[None].astype(np.float32)
    gone = np.zeros((8, 8), bool)
    gone[2:6, 3:6] = True
    np.testing.assert_allclose(interpolated(image, gone), image, atol=1e-4)


@pytest.mark.parametrize("fill", ["mean", "blur", "linear"])
def test_nothing_gone_is_the_picture_and_what_is_left_is_kept(fill):
    image = RANDOM.normal(size=(2, 5, 6)).astype(np.float32)
    without = imputation(image, fill)
    assert np.array_equal(without(np.zeros((5, 6), bool)), image)
    gone = RANDOM.random((5, 6)) < 0.5
    found = without(gone)
    assert np.array_equal(found[:, ~gone], image[:, ~gone])
    assert not np.isclose(found[:, gone], image[:, gone]).any()


def test_everything_gone_leaves_the_mean_or_the_blurred_picture():
    image = RANDOM.normal(size=(2, 5, 6)).astype(np.float32)
    gone = np.ones((5, 6), bool)
    means = np.broadcast_to(image.mean(axis=(1, 2), keepdims=True), image.shape)
    for fill in ("mean", "linear"):
        np.testing.assert_allclose(imputation(image, fill)(gone), means, atol=1e-6)
    assert np.array_equal(imputation(image, "blur")(gone), blurred(image))
