"""Chance that falls the same on every machine, and with every numpy.

``RandomState`` is frozen by numpy's own policy. Of it only what needs no logarithm is used, and
angles have a sine of their own: what remains is rounded alike everywhere.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from xai_heatmap.core.shapes import Float32

Thing = TypeVar("Thing")

Number = float | int
"""Where 1 may be written for 1.0."""


class Dice:
    """A stream of chance of its own for each pair of a seed and a purpose."""

    def __init__(self, seed: int, purpose: int) -> None:
        self._state = np.random.RandomState([seed & 0xFFFFFFFF, seed >> 32, purpose])

    def between(self, low: Number, high: Number) -> float:
        """Evenly in [low, high)."""
        return low + (high - low) * float(self._state.random_sample())

    def chance(self, share: Number) -> bool:
        """True in that share of the throws."""
        return float(self._state.random_sample()) < share

    def below(self, count: int) -> int:
        """A whole number in [0, count)."""
        return int(float(self._state.random_sample()) * count)

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """One of the things given, by chance."""
        return things[self.below(len(things))]

    def grid(self, rows: int, columns: int) -> Float32[np.ndarray, "rows columns"]:
        """Numbers in [0, 1)."""
        return self._state.random_sample((rows, columns)).astype(np.float32)


def sine(turns: Number) -> float:
    """sin(2π turns), to 1e-8, without the platform's own."""
    around = turns - math.floor(turns + 0.5)
    if abs(around) > 0.25:
        around = math.copysign(0.5, around) - around
    x = 6.283185307179586 * around
    s = x * x
    inner = 1 - s / 72 * (1 - s / 110 * (1 - s / 156))
    return x * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * inner)))


def cosine(turns: Number) -> float:
    """cos(2π turns), likewise."""
    return sine(turns + 0.25)
