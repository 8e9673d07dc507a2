"""Figures of several pictures: shares with intervals, correlations, which of two does better."""

from collections.abc import Sequence
from math import comb, sqrt

import numpy as np

from xai_heatmap.core.shapes import Float64

Z = 1.959964
"""Standard deviations of a normal distribution within which 95 % of it lies."""

Numbers = Sequence[float] | Float64[np.ndarray, "..."]

FLAT = 1e-5
"""Numbers that differ by less than this part of the largest are the same, but for rounding."""


def wilson(passed: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); 0 to 1 of no pictures at all.

    >>> [round(one, 3) for one in wilson(9, 10)]
    [0.596, 0.982]
    """
    if of == 0:
        return 0.0, 1.0
    share, spread = passed / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def correlation(some: Numbers, others: Numbers) -> float | None:
    """Pearson's correlation; None where either is the same everywhere.

    >>> correlation([1, 2, 3], [2, 4, 6.5]) > 0.99, correlation([1, 1], [0, 1])
    (True, None)
    """
    a, b = (np.asarray(own, np.float64).ravel() for own in (some, others))
    for own in (a, b):
        if own.size < 2 or np.ptp(own) <= FLAT * np.abs(own).max():
            return None
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))


def sign_test(better: int, worse: int) -> float:
    """p, two-sided, of so many pictures for one side and so many for the other if a coin decided.

    >>> sign_test(8, 0), sign_test(3, 3)
    (0.0078125, 1.0)
    """
    n, fewer = better + worse, min(better, worse)
    if n == 0:
        return 1.0
    return min(1.0, 2 * sum(comb(n, k) for k in range(fewer + 1)) / 2**n)


def mean(values: Sequence[float | None]) -> float | None:
    """Mean of those that are numbers; None where none is."""
    own = [one for one in values if one is not None and np.isfinite(one)]
    return float(np.mean(own)) if own else None


def median(values: Sequence[float | None]) -> float | None:
    """Median of those that are numbers; None where none is."""
    own = [one for one in values if one is not None and np.isfinite(one)]
    return float(np.median(own)) if own else None


def error_of_mean(values: Sequence[float]) -> float:
    """Standard error of a mean; 0 of fewer than two values."""
    return float(np.std(values, ddof=1) / sqrt(len(values))) if len(values) > 1 else 0.0
