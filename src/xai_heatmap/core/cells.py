"""Means over the cells of a coarser grid."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from xai_heatmap.core.shapes import Float, Float64

Overlap = Float64[np.ndarray, "cells places"]
"""Part of each cell that each place of an axis covers; rows sum to 1."""


@lru_cache(64)
def overlap(cells: int, places: int) -> Overlap:
    """Part of each cell that each place of an axis covers."""
    edges = np.arange(cells + 1) * places / cells
    place = np.arange(places)
    covered = np.minimum(edges[1:, None], place + 1) - np.maximum(edges[:-1, None], place)
    return np.clip(covered, 0, None) * cells / places


def cell_means(
    values: Float[np.ndarray, "..."], cells: Sequence[int]
) -> Float64[np.ndarray, "..."]:
    """Means over the cells of the last axes, places that two cells share by their parts; axes
    before them stay as they are.
    """
    found = values.astype(np.float64)
    for axis, length in enumerate(cells, start=values.ndim - len(cells)):
        weights = overlap(length, found.shape[axis])
        found = np.moveaxis(np.tensordot(weights, found, axes=(1, axis)), 0, axis)
    return found
