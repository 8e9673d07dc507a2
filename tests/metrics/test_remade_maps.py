"""ADCC, max-sensitivity and agreement: metrics of maps that are made anew, or tested."""

import numpy as np
import pytest

import xai_heatmap.metrics  # noqa: F401 - registers them
from xai_heatmap.core import tested
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.metric import METRICS, MetricEvidence
from xai_heatmap.metrics.faithfulness.adcc import correlation

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.normal(size=(2, 4, 5)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(2, 4, 5)).astype(np.float32)
SLOPES = RANDOM.normal(size=(4, 5)).astype(np.float32)


def confidence(pictures):
    return np.array([1 / (1 + np.exp(-float((WEIGHTS * x).sum()))) for x in pictures], np.float32)


def bent(x):
    """A map that hangs on the picture."""
    return np.abs((WEIGHTS * x).sum(axis=0)).astype(np.float32)


def straight(x):
    """A map that is linear in the picture."""
    return (SLOPES * x.sum(axis=0)).astype(np.float32)


def known(method, relevance=None):
    seen = []

    def again(pictures):
        for x in pictures:
            seen.append(np.array(x))
            yield method(x)

    own = MetricEvidence(
        relevance=method(IMAGE) if relevance is None else relevance,
        image=IMAGE,
        probability=float(confidence([IMAGE])[0]),
        confidence=confidence,
        again=again,
    )
    return own, seen


def scaled(values):
    low, high = min(values.ravel()), max(values.ravel())
    return np.array([[(float(v) - low) / (high - low) for v in row] for row in values])


def test_adcc_is_the_harmonic_mean_of_its_paper():
    own, seen = known(bent)
    m = scaled(bent(IMAGE))
    masked = np.array([[[IMAGE[c, i, j] * m[i, j] for j in range(5)] for i in range(4)]
                       for c in range(2)])  # fmt: skip
    second = scaled(bent(masked.astype(np.float32)))
    away, other = m - m.mean(), second - second.mean()
    r = (away * other).sum() / np.sqrt((away**2).sum() * (other**2).sum())
    y, o = own.probability, float(confidence([masked])[0])
    parts = [1 - max(0, y - o) / y, (1 + r) / 2, 1 - m.sum() / 20]
    assert METRICS["adcc"](own) == pytest.approx(3 / sum(1 / part for part in parts), rel=1e-5)
    np.testing.assert_allclose(seen, [masked], rtol=1e-5, atol=1e-6)


def test_adcc_of_maps_that_look_at_nothing():
    adcc = METRICS["adcc"]
    ones = np.ones((4, 5), np.float32)
    assert adcc(known(lambda _: ones)[0]) == 0  # it covers everything
    spot = 0 * ones
    spot[1, 2] = 1
    own, _ = known(lambda _: spot)
    drop = METRICS["average_drop"](own)
    assert adcc(own) == pytest.approx(3 / (1 / (1 - drop) + 1 + 1 / 0.95), rel=1e-5)


def test_the_scale_of_a_map_counts_for_nothing_in_adcc():
    first = METRICS["adcc"](known(bent)[0])
    other = METRICS["adcc"](known(lambda x: 5 * bent(x) + 2)[0])
    assert other == pytest.approx(first, rel=1e-4)


def test_correlation_of_what_does_not_vary():
    flat = np.ones(6)
    assert correlation(flat, flat) == 1
    assert correlation(flat, np.arange(6.0)) == 0
    assert correlation(np.arange(6.0), -np.arange(6.0)) == pytest.approx(-1)


def test_max_sensitivity_is_the_largest_of_its_draws():
    own, seen = known(bent)
    found = METRICS["max_sensitivity"](own, {"draws": 5, "radius": 0.1})
    assert len(seen) == 5
    far = 0.1 * (IMAGE.max() - IMAGE.min())
    assert 0.8 * far < np.abs(np.array(seen) - IMAGE).max() <= far * (1 + 1e-5)
    m = bent(IMAGE).astype(np.float64)
    changes = [
        np.sqrt(sum((float(a) - float(b)) ** 2 for a, b in zip(bent(x).flat, m.flat, strict=True)))
        for x in seen
    ]
    assert found == pytest.approx(max(changes) / np.sqrt((m**2).sum()), rel=1e-5)
    assert min(changes) < max(changes)


def test_max_sensitivity_of_a_linear_map_grows_with_the_radius_and_with_draws():
    ask = METRICS["max_sensitivity"]
    own = known(straight)[0]
    once = ask(own, {"radius": 0.01})
    assert ask(own, {"radius": 0.02}) == pytest.approx(2 * once, rel=1e-3)
    assert ask(own, {"radius": 0.01, "draws": 40}) >= once
    assert ask(own, {"radius": 0.01, "seed": 1}) != once
    assert ask(own, {"radius": 0.0}) == 0
    bound = 0.01 * np.ptp(IMAGE) * 2 * np.linalg.norm(SLOPES) / np.linalg.norm(straight(IMAGE))
    assert once <= bound


def test_a_map_that_never_changes_is_best_by_max_sensitivity():
    fixed = RANDOM.random((4, 5), np.float32)
    assert METRICS["max_sensitivity"](known(lambda _: fixed)[0]) == 0
    assert METRICS["max_sensitivity"](known(lambda _: 0 * fixed)[0]) == 0


def test_agreement_is_that_of_the_test_and_is_refused_where_there_is_none():
    told = MetricEvidence(tested=tested.Tested("chance", "", agreement=-0.25))
    assert METRICS["agreement"](told) == -0.25
    nothing = MetricEvidence(tested=tested.Tested("unmoved", "Nothing moves it."))
    with pytest.raises(BadArray, match="no agreement to measure"):
        METRICS["agreement"](nothing)
