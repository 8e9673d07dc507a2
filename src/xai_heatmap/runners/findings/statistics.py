"""Intervals and tests of paired differences, corrected for the number of questions asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from xai_heatmap.runners.batch.drift import student


@dataclass(frozen=True)
class Moved:
    """Mean of paired differences, with bounds.

    Parameters
    ----------
    mean
        Of the differences.
    low, high
        Bounds that hold for all questions together at the level that was asked.
    """

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float] | np.ndarray, *, level: float, asked: int) -> Moved:
    """Student's interval of a mean; the level is divided among all that is asked (Bonferroni).

    Parameters
    ----------
    values
        Differences, one a picture; of fewer than two the bounds are infinite.
    level
        Chance that any of all intervals misses its mean, in (0, 1).
    asked
        How many intervals there are.
    """
    own = np.asarray(values, float)
    mean = float(own.mean()) if len(own) else math.nan
    if len(own) < 2:
        return Moved(mean, -math.inf, math.inf)
    half = student(1 - level / 2 / max(asked, 1), len(own) - 1) * float(own.std(ddof=1))
    half /= math.sqrt(len(own))
    return Moved(mean, mean - half, mean + half)


def share_interval(
    first: Sequence[bool] | np.ndarray, second: Sequence[bool] | np.ndarray, *, level: float,
    asked: int,
) -> Moved:  # fmt: skip
    """Interval of the difference of two shares of the same pictures, first - second.

    Half a picture is added to each of the four ways in which the two can turn out (Agresti and Min
    2005, "Simple improved confidence intervals for comparing matched proportions"), so that all
    pictures going one way is not taken for certainty.

    Parameters
    ----------
    first, second
        Of each picture, whether it did.
    level, asked
        As of `mean_interval`.
    """
    one, two = np.asarray(first, bool), np.asarray(second, bool)
    count = len(one)
    gained, lost = int((one & ~two).sum()), int((two & ~one).sum())
    mean = (gained - lost) / count if count else math.nan
    total, up, down = count + 2, gained + 0.5, lost + 0.5
    middle = (up - down) / total
    spread = math.sqrt(max((up + down) - (up - down) ** 2 / total, 0)) / total
    half = NormalDist().inv_cdf(1 - level / 2 / max(asked, 1)) * spread
    return Moved(mean, max(middle - half, -1.0), min(middle + half, 1.0))


def chance_of(values: Sequence[float] | np.ndarray) -> float:
    """Chance that differences with mean 0 have a mean as high as that of `values`.

    By Student's t; never less than that all of so many signs agree, 2^-n, so that a few equal
    numbers are no proof.
    """
    own = np.asarray(values, float)
    if len(own) < 2 or not np.isfinite(own).all():
        return 1.0
    least = 2.0 ** -len(own)
    mean, error = float(own.mean()), float(own.std(ddof=1)) / math.sqrt(len(own))
    if error == 0:
        return least if mean > 0 else 1.0
    return max(student_tail(mean / error, len(own) - 1), least)


def chance_of_more(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray
) -> float:
    """Chance that the mean of `first` is that far above the mean of `second` where both are equal,
    their spreads unequal (Welch 1947); never less than by the signs of the fewer.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    if min(len(one), len(two)) < 2:
        return 1.0
    least = 2.0 ** -min(len(one), len(two))
    own, other = float(one.var(ddof=1)) / len(one), float(two.var(ddof=1)) / len(two)
    far = float(one.mean() - two.mean())
    if own + other == 0:
        return least if far > 0 else 1.0
    freedom = (own + other) ** 2 / (own**2 / (len(one) - 1) + other**2 / (len(two) - 1))
    return max(student_tail(far / math.sqrt(own + other), max(int(freedom), 1)), least)


def student_tail(t: float, freedom: int) -> float:
    """Chance that a number of Student's distribution lies above t, by its finite series for a whole
    number of degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4).

    >>> round(student_tail(2.262, 9), 4)
    0.025
    """
    angle = math.atan2(t, math.sqrt(freedom))
    squared = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for n in range(3 if odd else 2, freedom - 1, 2):
        term *= squared * (n - 1) / n
        total += term
    between = math.sin(angle) * total
    if odd:
        between = 2 / math.pi * (angle + between)
    return min(max((1 - between) / 2, 0.0), 1.0)


def holm(chances: Sequence[float]) -> list[float]:
    """Chances of several questions, corrected for their number (Holm 1979): whoever takes what is
    below 0.05 is wrong anywhere in 5 % of cases, at most.

    >>> [round(one, 3) for one in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    found, highest = [1.0] * len(chances), 0.0
    for step, place in enumerate(order):
        highest = max(highest, min((len(chances) - step) * chances[place], 1.0))
        found[place] = highest
    return found
