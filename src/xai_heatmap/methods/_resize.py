"""Arrays over a grid, drawn out to another grid, and scaled."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.shapes import Float32, Int

OnGrid = Float32[np.ndarray, "..."]


def resized(values: OnGrid, grid: Sequence[int]) -> OnGrid:
    """The last axes linearly between the centres of cells (``align_corners=False``), constant
    beyond the outermost ones; axes before them stay as they are.
    """
    for axis, length in zip(range(values.ndim - len(grid), values.ndim), grid, strict=True):
        cells = values.shape[axis]
        first, share = _between(cells, length)
        share = share.reshape(-1, *[1] * (values.ndim - axis - 1))
        after = np.minimum(first + 1, cells - 1)
        low, high = values.take(first, axis), values.take(after, axis)
        values = low + share * (high - low)
    return values


def shared_out(map_: OnGrid, grid: Sequence[int]) -> OnGrid:
    """As `resized`, but the sum stays: a cell's own is shared among the places that show it."""
    for axis, length in enumerate(grid):
        cells = map_.shape[axis]
        first, share = _between(cells, length)
        shown = np.bincount(first, 1 - share, cells)
        shown += np.bincount(np.minimum(first + 1, cells - 1), share, cells)
        each = np.maximum(shown, np.finfo(np.float32).tiny).astype(np.float32)
        map_ = map_ / each.reshape(-1, *[1] * (map_.ndim - axis - 1))
    return resized(map_, grid)


def _between(
    cells: int, length: int
) -> tuple[Int[np.ndarray, " length"], Float32[np.ndarray, " length"]]:
    """Of every place the cell before it, and how far it is on the way to the next."""
    place = np.clip((np.arange(length) + 0.5) / length * cells - 0.5, 0, cells - 1)
    first = np.minimum(place.astype(int), max(cells - 2, 0))
    return first, (place - first).astype(np.float32)


def scaled(map_: OnGrid) -> OnGrid:
    """From 0 at the lowest place to 1 at the highest, which has to be another."""
    low, high = map_.min(), map_.max()
    return (map_ - low) / (high - low)
