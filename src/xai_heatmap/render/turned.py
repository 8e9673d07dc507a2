"""A map of an input that was given flipped or turned, drawn out over the image."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Map
from xai_heatmap.core.geometry import Geometry

AT_ONCE = 1 << 20
"""Pixels that are placed at a time."""


def turned(map_: Map, geometry: Geometry) -> Heat:
    """As `render.heat.heat`, each pixel of the image looked up at its own place of the input."""
    rows, columns = geometry.image_size
    drawn = np.empty((rows, columns), np.float32)
    step = max(1, AT_ONCE // columns)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        y, x = np.mgrid[start:stop, 0:columns] + 0.5
        drawn[start:stop] = _at(map_, geometry, x, y)
    return drawn


def _at(map_: Map, geometry: Geometry, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    start, right, below = (
        np.array(geometry.to_input(*at)) for at in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    )
    u, v = (start[i] + (right - start)[i] * x + (below - start)[i] * y for i in (0, 1))
    height, width = geometry.input_size
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    (first, second, down), (before, behind, along) = (
        _between(place / length * cells - 0.5, cells)
        for place, length, cells in zip((v, u), (height, width), map_.shape, strict=True)
    )
    upper = map_[first, before] * (1 - along) + map_[first, behind] * along
    lower = map_[second, before] * (1 - along) + map_[second, behind] * along
    return (upper * (1 - down) + lower * down) * inside


def _between(place: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells at both sides of each place, and how far it is from the first to the second."""
    place = np.clip(place, 0, cells - 1)
    first = np.minimum(place.astype(int), max(cells - 2, 0))
    return first, np.minimum(first + 1, cells - 1), place - first
