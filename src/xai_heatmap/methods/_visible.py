"""How a score goes along with what masks leave visible."""

from dataclasses import dataclass, field

import numpy as np

from xai_heatmap.core.arrays import Values
from xai_heatmap.core.shapes import Float32, Float64

Mask = Float32[np.ndarray, "*grid"]
Sums = Float64[np.ndarray, "terms *grid"]


@dataclass
class Visible:
    """Sums over masks and the scores that they gave: all that the map and its error need."""

    grid: tuple[int, ...]
    count: int = 0
    score: float = 0.0
    square: float = 0.0
    sums: Sums = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((6, *self.grid))

    def take(self, masks: list[Mask], values: Values) -> None:
        """Add masks and the scores that they gave."""
        if not masks:
            return
        scores = values.astype(np.float64)
        visible, powers = np.stack(masks), np.stack([np.ones_like(scores), scores, scores**2])
        for place, own in enumerate((visible, visible * visible)):
            self.sums[3 * place : 3 * place + 3] += np.einsum("pi,i...->p...", powers, own)
        self.score += float(scores.sum())
        self.square += float((scores**2).sum())
        self.count += len(masks)

    def __add__(self, other: "Visible") -> "Visible":
        """Both together."""
        both = Visible(self.grid, self.count + other.count)
        both.score, both.square = self.score + other.score, self.square + other.square
        both.sums = self.sums + other.sums
        return both

    def map(self) -> Float64[np.ndarray, "*grid"]:
        """The score where a place is visible, less the score on average."""
        return self._seen() - self._mean

    def error(self) -> float:
        """Of the map, to first order: √ of the mean over places of Var(d) / N, where the i-th mask
        adds d_i = M_i (y_i - seen) / mean M - (y_i - mean y).
        """
        seen, mean, n = self._seen(), self._mean, max(self.count, 1)
        visible, scored, squares, *own = self.sums
        share = np.maximum(visible / n, np.finfo(np.float64).tiny)
        first = (own[2] - 2 * seen * own[1] + seen**2 * own[0]) / share**2
        both = (squares - (seen + mean) * scored + seen * mean * visible) / share
        second = self.square - n * mean**2
        return float(np.sqrt(np.maximum(first - 2 * both + second, 0).mean()) / n)

    @property
    def _mean(self) -> float:
        return self.score / max(self.count, 1)

    def _seen(self) -> Float64[np.ndarray, "*grid"]:
        visible, scored = self.sums[:2]
        alone = np.full(self.grid, self._mean)
        return np.divide(scored, visible, out=alone, where=visible > 0)


def reliability(one: Visible, other: Visible) -> float:
    """How far the map of both together can be relied on."""
    return agreement(one.map(), other.map())


def agreement(one: Float64[np.ndarray, "..."], other: Float64[np.ndarray, "..."]) -> float:
    """Correlation r of two maps, as 2r / (1 + r) for both together; 0 where there is none."""
    apart = [map_ - map_.mean() for map_ in (one, other)]
    lengths = [float(np.sqrt((map_**2).sum())) for map_ in apart]
    r = float((apart[0] * apart[1]).sum()) / (lengths[0] * lengths[1]) if all(lengths) else 0.0
    return 2 * r / (1 + r) if r > 0 else 0.0
