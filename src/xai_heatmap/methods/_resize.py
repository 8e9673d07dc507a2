"""Arrays over a grid, drawn out to another grid, and scaled."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

OnGrid = Float32[np.ndarray, "..."]


def resized(values: OnGrid, grid: Sequence[int]) -> OnGrid:
    """The last axes linearly between the centres of cells (``align_corners=False``), constant
    beyond the outermost ones; axes before them stay as they are.
    """
    for axis, length in zip(range(values.ndim - len(grid), values.ndim), grid, strict=True):
        cells = values.shape[axis]
        place = np.clip((np.arange(length) + 0.5) / length * cells - 0.5, 0, cells - 1)
        first = np.minimum(place.astype(int), max(cells - 2, 0))
        share = (place - first).astype(np.float32).reshape(-1, *[1] * (values.ndim - axis - 1))
        after = np.minimum(first + 1, cells - 1)
        low, high = values.take(first, axis), values.take(after, axis)
        values = low + share * (high - low)
    return values


def scaled(map_: OnGrid) -> OnGrid:
    """From 0 at the lowest place to 1 at the highest, which has to be another."""
    low, high = map_.min(), map_.max()
    return (map_ - low) / (high - low)
