"""The explained number while places are taken from a picture, or given back, in a map's order."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.shapes import Bool, Float64, Int
from xai_heatmap.metrics.parts.imputation import Fill, Places, imputation


@dataclass(frozen=True)
class Curve:
    """The explained number at growing shares of the places.

    Parameters
    ----------
    shares
        Of the places, from 0 to 1.
    values
        The explained number there.
    """

    shares: Float64[np.ndarray, " points"]
    values: Float64[np.ndarray, " points"]

    @property
    def area(self) -> float:
        """The area below the curve by trapezia: the mean of the number over all shares."""
        heights = (self.values[1:] + self.values[:-1]) / 2
        return float((heights * np.diff(self.shares)).sum())


def curve(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    inserting: bool,
    fill: Fill,
    steps: int,
    block: int,
    ties: int,
    seed: int,
) -> Curve:
    """The number while the strongest places are inserted first into an emptied picture, or deleted
    first from the whole one; both ends are part of it.

    Parameters
    ----------
    relevance, image
        The map over the input, and the input.
    score, model
        The number of the whole picture, and of others.
    inserting
        Whether places are inserted or deleted.
    fill
        What stands in places that are away.
    steps
        How many equal parts of the places go at a time; fewer where there are fewer places.
    block
        Side of the squares that go as one, with the mean of the map over them.
    ties
        Where places of one value are cut in two by a step, every choice among them counts alike;
        where there are more choices than this, so many are drawn.
    seed
        Of the draws.
    """
    squares, values = _squares(relevance, block)
    without = imputation(image, fill)
    counts = np.unique(np.round(np.linspace(0, len(values), min(steps, len(values)) + 1)))
    random = np.random.default_rng(seed)
    points: list[float] = []
    choices: list[list[Bool[np.ndarray, " squares"]]] = [
        list(_strongest(values, int(count), ties, random)) for count in counts
    ]
    whole = len(values) if inserting else 0

    def pictures() -> Iterator[Input]:
        for count, own in zip(counts, choices, strict=True):
            for chosen in own if count != whole else ():
                taken: Places = chosen[squares]
                yield without(~taken if inserting else taken)

    found = iter(model(pictures()))
    for count, own in zip(counts, choices, strict=True):
        same = count == whole
        points.append(score if same else float(np.mean([float(next(found)) for _ in own])))
    return Curve(counts / len(values), np.array(points, np.float64))


def _squares(
    relevance: DrawnOut, block: int
) -> tuple[Int[np.ndarray, "*image"], Float64[np.ndarray, " squares"]]:
    """The square that each place belongs to, and the mean of the map over each square."""
    lengths = [-(-length // block) for length in relevance.shape]
    at = np.indices(relevance.shape) // block
    squares = np.asarray(np.ravel_multi_index(tuple(at), lengths))
    totals = np.bincount(squares.ravel(), relevance.ravel().astype(np.float64))
    return squares, totals / np.bincount(squares.ravel())


def _strongest(
    values: Float64[np.ndarray, " squares"], count: int, ties: int, random: np.random.Generator
) -> Iterator[Bool[np.ndarray, " squares"]]:
    """Choices of so many squares with the highest values: every choice among those that tie at the
    border, or some choices drawn.
    """
    if count == 0:
        yield np.zeros(len(values), bool)
        return
    border = np.sort(values)[::-1][count - 1]
    above, tied = values > border, np.flatnonzero(values == border)
    left = count - int(above.sum())
    for own in _choices(tied, left, ties, random):
        chosen = above.copy()
        chosen[own] = True
        yield chosen


def _choices(
    tied: Int[np.ndarray, " tied"], left: int, ties: int, random: np.random.Generator
) -> Iterator[Int[np.ndarray, " left"]]:
    if comb(len(tied), left) <= ties:
        for own in combinations(tied.tolist(), left):
            yield np.array(own, np.int64)
        return
    for _ in range(ties):
        yield random.choice(tied, left, replace=False)
