"""Changes of a layer's output between the two pictures of a survey, measured at every place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.shapes import Float32

ENOUGH = 32
"""Most feature maps of a layer that are compared."""

EVEN = 0.3
"""Largest excess unevenness of a grid that is compared."""

SILENT = 1e-6
"""Relative size of changes up to which changes count as rounding."""

Changes = Float32[np.ndarray, "..."]


@dataclass(frozen=True)
class Moves:
    """Change of the entries of an output between two pictures.

    Parameters
    ----------
    first, last
        Length of the change along the first axis behind that of the images, and along the last
        one, at every place of the others: without what all places have in common, and with it.
        None where places of that kind would be less even than the others.
    silent
        Whether nothing moved but by rounding.
    """

    first: Changes | None
    last: Changes | None
    silent: bool


class Room:
    """Memory for the changes of one output after the other: new memory takes longer than what is
    computed in it.
    """

    def __init__(self) -> None:
        self._numbers = np.empty(0, np.float32)

    def of(self, shape: tuple[int, ...]) -> Changes:
        """Array of some shape, whose numbers stand until the next one is asked for."""
        size = math.prod(shape)
        if self._numbers.size < size:
            self._numbers = np.empty(size, np.float32)
        return self._numbers[:size].reshape(shape)


def moves(outputs: Native, image: Sequence[int], room: Room | None = None) -> Moves | None:
    """Change of a layer's output between two pictures; None without axes of places."""
    rank, room = len(image), room or Room()
    whole = outputs.ndim == rank + 2
    if len(outputs) != 2 or 0 in outputs.shape or not (whole or outputs.ndim == 3):
        return None
    *first, last = outputs.shape[1:]
    uneven = [_spread(grid, image) for grid in ((*first[1:], last), first)] if whole else [0, 0]
    kept: list[Changes | None] = [None, None]
    silent = True
    for end in (0, 1):
        if uneven[end] <= min(uneven) + EVEN:
            before, after = _a_few(outputs, last=bool(end))
            with np.errstate(invalid="ignore"):
                change = np.subtract(after, before, out=room.of(before.shape))
            largest = _largest(change)
            if not np.isfinite(largest):
                return None
            silent = silent and largest <= SILENT * _largest(before)
            kept[end] = _lengths(change, largest, last=bool(end))
    return Moves(kept[0], kept[1], silent)


def _a_few(outputs: Native, *, last: bool) -> Native:
    """A few feature maps, evenly chosen along the last axis, or along the first behind images."""
    step = -(-outputs.shape[-1 if last else 1] // ENOUGH)
    some = outputs[..., ::step] if last else outputs[:, ::step]
    return some.astype(np.float32, copy=False)


def _largest(numbers: Native) -> float:
    return max(float(numbers.max()), -float(numbers.min()))


def _spread(grid: Sequence[int], image: Sequence[int]) -> float:
    """Log ratio of the largest to the smallest stride of a grid over the axes of a picture."""
    steps = [math.log(side / places) for side, places in zip(image, grid, strict=True)]
    return max(steps) - min(steps)


def _lengths(change: Changes, largest: float, *, last: bool) -> Float32[np.ndarray, "2 ..."]:
    """Euclidean norms along the first axis, or the last: of the change minus its mean over all
    places, and of the whole change, which is overwritten.

    Lengths are shares of the largest change: the squares of small numbers would be none.
    """
    grid = change.shape[:-1] if last else change.shape[1:]
    rows = change.reshape(-1, change.shape[-1]) if last else change.reshape(len(change), -1)
    rows /= np.float32(largest or 1)
    squares = "nc,nc->n" if last else "cn,cn->n"
    lengths = np.empty((2, math.prod(grid)), np.float32)
    np.einsum(squares, rows, rows, out=lengths[1])
    rows -= rows.mean(axis=0 if last else 1, keepdims=True)
    np.einsum(squares, rows, rows, out=lengths[0])
    return np.sqrt(lengths, out=lengths).reshape(2, *grid)
