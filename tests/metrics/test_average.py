"""Average drop, increase and gain against their papers' sums over pictures, in plain loops."""

import numpy as np
import pytest

import xai_heatmap.metrics  # noqa: F401 - registers them
from xai_heatmap.core.metric import METRICS, MetricEvidence

RANDOM = np.random.default_rng(3)
PICTURES = RANDOM.normal(size=(20, 3, 4, 5)).astype(np.float32)
MAPS = RANDOM.normal(size=(20, 4, 5)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(3, 4, 5))


def confidence(pictures):
    return np.array([1 / (1 + np.exp(-float((WEIGHTS * x).sum()))) for x in pictures], np.float32)


def known(picture, relevance, model=confidence):
    own = float(model([picture])[0])
    return MetricEvidence(relevance=relevance, image=picture, probability=own, confidence=model)


def by_loops(picture, relevance):
    """Y of the whole picture and O of the picture times the map from 0 to 1."""
    low, high = min(relevance.ravel()), max(relevance.ravel())
    masked = np.zeros(picture.shape)
    for c in range(3):
        for i in range(4):
            for j in range(5):
                masked[c, i, j] = picture[c, i, j] * (relevance[i, j] - low) / (high - low)
    return float(confidence([picture])[0]), float(confidence([masked])[0])


def test_the_means_over_pictures_are_those_of_the_papers():
    drop = increase = gain = 0.0
    for picture, relevance in zip(PICTURES, MAPS, strict=True):
        y, o = by_loops(picture, relevance)
        drop += max(0, y - o) / y
        increase += 1 if y < o else 0
        gain += max(0, o - y) / (1 - y)
    pairs = [known(x, m) for x, m in zip(PICTURES, MAPS, strict=True)]
    told = {
        name: np.mean([METRICS[f"average_{name}"](one) for one in pairs])
        for name in ("drop", "increase", "gain")
    }
    assert told["drop"] == pytest.approx(drop / 20, rel=1e-4)
    assert told["increase"] == pytest.approx(increase / 20)
    assert told["gain"] == pytest.approx(gain / 20, rel=1e-4)
    assert 0 < told["increase"] < 1


def test_one_of_drop_and_gain_is_nothing():
    for x, m in zip(PICTURES, MAPS, strict=True):
        found = [METRICS[f"average_{name}"](known(x, m)) for name in ("drop", "gain")]
        assert min(found) == 0
        assert (METRICS["average_increase"](known(x, m)) == 1) == (found[1] > 0)


@pytest.mark.parametrize("name", ["average_drop", "average_increase", "average_gain"])
def test_the_scale_of_a_map_counts_for_nothing_and_one_pass_is_made(name):
    seen = []

    def model(pictures):
        held = list(pictures)
        seen.extend(held)
        return confidence(held)

    first = METRICS[name](known(PICTURES[0], MAPS[0], model))
    assert len(seen) == 2  # one of them of this test, for the picture itself
    assert METRICS[name](known(PICTURES[0], 7 * MAPS[0] + 3)) == pytest.approx(first, abs=1e-5)


def test_a_constant_map_loses_nothing_and_an_empty_one_shows_nothing():
    ones, nothing = np.full((4, 5), 0.3, np.float32), np.zeros((4, 5), np.float32)
    surest = PICTURES[np.argmax(confidence(PICTURES))]
    drop = METRICS["average_drop"]
    assert drop(known(surest, ones)) == 0
    y = float(confidence([surest])[0])
    assert drop(known(surest, nothing)) == pytest.approx((y - 0.5) / y, rel=1e-5)


@pytest.mark.parametrize(("name", "sure"), [("average_drop", 0.0), ("average_gain", 1.0)])
def test_where_nothing_can_be_lost_or_won_it_is_0(name, sure):
    own = MetricEvidence(
        relevance=MAPS[0],
        image=PICTURES[0],
        probability=sure,
        confidence=lambda pictures: np.array([0.5 for _ in pictures], np.float32),
    )
    assert METRICS[name](own) == 0
