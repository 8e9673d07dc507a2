"""Pieces of a map: the hottest windows of one size, which do not overlap."""

from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Map

SIDE = 0.2
"""Side of a window, as a share of the grid's: it covers about a twentieth of the picture."""

MOST = 4
"""Windows of one map."""

WEAKEST = 0.35
"""Heat of a window beside that of the hottest, at least."""


@dataclass(frozen=True)
class Window:
    """Rectangle of a grid, or of pixels.

    Parameters
    ----------
    top, left, height, width
        The last two are at least 1.
    """

    top: int
    left: int
    height: int
    width: int

    def of(self, array: np.ndarray) -> np.ndarray:
        """The part of an array (..., rows, columns) that lies in the window."""
        return array[
            ..., self.top : self.top + self.height, self.left : self.left + self.width
        ]  # fmt: skip

    def meets(self, other: "Window") -> bool:
        """Whether the two overlap."""
        return (
            self.top < other.top + other.height
            and other.top < self.top + self.height
            and self.left < other.left + other.width
            and other.left < self.left + self.width
        )

    def drawn_out(self, grid: tuple[int, int], pixels: tuple[int, int]) -> "Window":
        """The same window on finer lines: windows of one size on the grid are of one size there."""
        height, top = _along(self.height, self.top, grid[0], pixels[0])
        width, left = _along(self.width, self.left, grid[1], pixels[1])
        return Window(top, left, height, width)

    def middle(self, grid: tuple[int, int]) -> tuple[float, float]:
        """Middle of the window as shares of the grid, from the top and from the left."""
        return (self.top + self.height / 2) / grid[0], (self.left + self.width / 2) / grid[1]


@dataclass(frozen=True)
class Piece:
    """One window of a map.

    Parameters
    ----------
    window
        Where, on the map's grid.
    heat
        Share of the map's heat that lies in it, in (0, 1].
    """

    window: Window
    heat: float


def side(length: int) -> int:
    """Places along a window's side, on a grid of that length.

    >>> [side(length) for length in (1, 4, 7, 8, 14, 16)]
    [1, 1, 2, 2, 3, 3]
    """
    return max(round(SIDE * length), 2 if length >= 6 else 1)


def heat_of(map_: Map) -> np.ndarray:
    """Evidence for the class as shares of 1; all 0 where there is none."""
    heat = np.maximum(np.asarray(map_, float), 0)
    total = float(heat.sum())
    return heat / total if total > 0 and np.isfinite(total) else np.zeros_like(heat)


def pieces(heat: np.ndarray) -> list[Piece]:
    """The hottest windows of a map (h, w), the hottest first; none without heat."""
    sums = window_sums(heat)
    size = side(heat.shape[0]), side(heat.shape[1])
    found: list[Piece] = []
    left = sums.copy()
    while len(found) < MOST:
        top, column = np.unravel_index(int(left.argmax()), left.shape)
        own = float(left[top, column])
        if own <= 0 or (found and own < WEAKEST * found[0].heat):
            break
        window = Window(int(top), int(column), *size)
        found.append(Piece(window, own))
        taken = overlapping(window, left.shape)
        left[taken] = -1
    return found


def window_sums(heat: np.ndarray) -> np.ndarray:
    """Heat of every window of the usual size, by its top left place."""
    rows, columns = side(heat.shape[0]), side(heat.shape[1])
    total = np.pad(heat, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return (
        total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns]
        + total[:-rows, :-columns]
    )  # fmt: skip


def overlapping(window: Window, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Top left places of windows of the same size that overlap one."""
    return (
        slice(max(window.top - window.height + 1, 0), min(window.top + window.height, shape[0])),
        slice(max(window.left - window.width + 1, 0), min(window.left + window.width, shape[1])),
    )


def coldest(heat: np.ndarray, avoided: list[Window], chance: np.random.Generator) -> Window | None:
    """A window with as little heat as any, away from what is avoided; None where none is left."""
    return _chosen(window_sums(heat), heat.shape, avoided, chance, coldest=True)


def elsewhere(
    heat: np.ndarray, avoided: list[Window], chance: np.random.Generator
) -> Window | None:
    """Any window away from what is avoided, each as likely; None where none is left."""
    return _chosen(window_sums(heat), heat.shape, avoided, chance, coldest=False)


def _chosen(
    sums: np.ndarray, shape: tuple[int, ...], avoided: list[Window], chance: np.random.Generator,
    *, coldest: bool,
) -> Window | None:  # fmt: skip
    free = np.ones(sums.shape, bool)
    for window in avoided:
        free[overlapping(window, sums.shape)] = False
    if not free.any():
        return None
    if coldest:
        free &= sums <= sums[free].min() + 1e-9
    places = np.argwhere(free)
    top, left = (int(one) for one in places[chance.integers(len(places))])
    return Window(top, left, side(shape[0]), side(shape[1]))


def _along(size: int, start: int, places: int, pixels: int) -> tuple[int, int]:
    """Length and start of a window along one axis of pixels."""
    length = max(round(size * pixels / places), 1)
    return length, min(round(start * pixels / places), pixels - length)
