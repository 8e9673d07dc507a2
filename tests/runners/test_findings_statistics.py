"""Statistics of findings: each beside the same thing written a second time, slowly."""

import math

import numpy as np
import pytest

from xai_heatmap.runners.findings.statistics import (
    chance_of,
    chance_of_more,
    holm,
    mean_interval,
    share_interval,
    student_tail,
)


def slow_tail(t, freedom, steps=200_000):
    """t = √n tan θ makes Student's density cos^(n-1) θ."""

    def under(low, high):
        angles = low + (np.arange(steps) + 0.5) * (high - low) / steps
        return float((np.cos(angles) ** (freedom - 1)).sum() * (high - low) / steps)

    far = math.atan2(t, math.sqrt(freedom))
    return under(far, math.pi / 2) / under(-math.pi / 2, math.pi / 2)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 31])
@pytest.mark.parametrize("t", [-2.0, 0.0, 0.7, 3.1])
def test_tails_are_those_of_the_density(freedom, t):
    assert student_tail(t, freedom) == pytest.approx(slow_tail(t, freedom), abs=2e-6)


def test_chances_are_those_of_students_t_and_a_few_equal_numbers_prove_little():
    values = [0.5, 1.5, 0.2, 0.9, -0.3]
    t = np.mean(values) / (np.std(values, ddof=1) / math.sqrt(5))
    assert chance_of(values) == pytest.approx(max(slow_tail(t, 4), 2**-5), abs=1e-6)
    assert chance_of([1.0, 1.0, 1.0]) == 1 / 8
    assert chance_of([-1.0, -1.0, -1.0]) == 1.0
    assert chance_of([]) == chance_of([3.0]) == chance_of([1.0, math.nan]) == 1.0


def test_two_means_are_compared_as_welch_does():
    one, two = [2.0, 3.5, 2.6, 4.0, 3.0, 2.2], [0.1, 1.9, 1.0, 1.2, 0.4, 1.1, 0.9]
    a, b = np.var(one, ddof=1) / 6, np.var(two, ddof=1) / 7
    t = (np.mean(one) - np.mean(two)) / math.sqrt(a + b)
    freedom = int((a + b) ** 2 / (a * a / 5 + b * b / 6))
    assert slow_tail(t, freedom) < 2**-6 == chance_of_more(one, two)
    assert chance_of_more(one, two[:3]) > chance_of_more(one, two)
    assert chance_of_more(two, one) == pytest.approx(slow_tail(-t, freedom), abs=1e-5)
    assert chance_of_more([1.0, 1.0], [0.0, 0.0]) == 1 / 4
    assert chance_of_more([0.0, 0.0], [0.0, 0.0]) == chance_of_more([1.0], [0.0, 0.0]) == 1.0


def rejected(chances, alpha):
    """Holm's procedure as it is described: from the smallest on, until one is too large."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    said = set()
    for step, place in enumerate(order):
        if chances[place] > alpha / (len(chances) - step):
            break
        said.add(place)
    return said


def test_corrected_chances_say_what_holms_procedure_says_at_every_level():
    chance = np.random.default_rng(3)
    for _ in range(40):
        chances = (chance.random(6) ** 3).tolist()
        corrected = holm(chances)
        for alpha in (0.01, 0.05, 0.2, 0.6):
            assert {k for k, own in enumerate(corrected) if own <= alpha} == rejected(
                chances, alpha
            )
    assert holm([]) == []


def test_bounds_of_a_mean_are_students_divided_among_all():
    values = np.array([1.0, 2.0, 4.0, 3.0, 2.5, 0.5])
    narrow, wide = (mean_interval(values, level=0.05, asked=n) for n in (1, 10))
    half = (wide.high - wide.low) / 2
    assert narrow.mean == wide.mean == values.mean()
    beyond = slow_tail(half / (values.std(ddof=1) / math.sqrt(6)), 5)
    assert 2 * beyond == pytest.approx(0.05 / 10, rel=0.06)
    assert narrow.high < wide.high
    assert mean_interval([1.0], level=0.05, asked=1).high == math.inf


@pytest.mark.parametrize(
    ("p", "q", "both"), [(0.9, 0.1, 0.09), (0.5, 0.5, 0.25), (0.1, 0.05, 0.05)]
)
def test_bounds_of_a_difference_of_shares_hold_what_they_promise(p, q, both):
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(1500):
        draw = chance.random(24)
        one = draw < p
        two = (draw < both) | ((draw >= p) & (draw < p + q - both))
        found = share_interval(one, two, level=0.05, asked=1)
        held += found.low <= p - q <= found.high
    assert held >= 1500 * 0.93


def test_all_pictures_going_one_way_is_not_certainty():
    found = share_interval([True] * 10, [False] * 10, level=0.05, asked=1)
    assert found.mean == 1.0
    assert 0.5 < found.low < 0.95
    assert found.high == 1.0
    assert share_interval([True] * 10, [False] * 10, level=0.05, asked=30).low < found.low
    assert math.isnan(share_interval([], [], level=0.05, asked=1).mean)
