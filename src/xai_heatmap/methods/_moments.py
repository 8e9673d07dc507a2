"""Mean and variance of maps that come one by one, and how far chance moves them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.shapes import Float64

Grid = Float64[np.ndarray, "*grid"]


@dataclass(frozen=True)
class Moments:
    """Of maps, place by place; the central moments without a correction for their number."""

    count: int
    mean: Grid
    second: Grid
    fourth: Grid

    def error_of_mean(self) -> float:
        """√ of the mean over places of Var / (n - 1); 0 of a single map, which tells nothing."""
        return float(np.sqrt(self.second.mean() / max(self.count - 1, 1)))

    def error_of_variance(self) -> float:
        """√ of the mean over places of (m₄ - m₂²) / n, to first order."""
        spread = np.maximum(self.fourth - self.second**2, 0)
        return float(np.sqrt(spread.mean() / self.count))


def moments(maps: Iterable[Map]) -> Moments:
    """Of one or more maps; sums are taken of what each differs from the first, so that nothing is
    lost where all are alike.
    """
    rest: Iterator[Map] = iter(maps)
    first, count = next(rest).astype(np.float64), 1
    sums = np.zeros((4, *first.shape))
    for count, map_ in enumerate(rest, start=2):  # noqa: B007 - the last one is the number of maps
        apart = map_ - first
        sums += np.stack([apart, apart**2, apart**3, apart**4])
    one, two, three, four = sums / count
    second = np.maximum(two - one**2, 0)
    fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
    return Moments(count, first + one, second, np.maximum(fourth, 0))
