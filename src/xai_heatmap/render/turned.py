"""A map of an input that was given flipped or turned, drawn out over the image."""

from collections.abc import Iterator

import numpy as np

from xai_heatmap.core.arrays import Heat, Map
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.shapes import Bool
from xai_heatmap.render.smooth import cubic

AT_ONCE = 1 << 20
"""Pixels that are placed at a time."""


def turned(
    map_: Map, geometry: Geometry, *, smooth: bool = False, extent: Extent | None = None
) -> Heat:
    """Heat of a picture as by `render.heat.heat`, each pixel of the image looked up at its own
    place of the input.
    """
    rows, columns = geometry.input_size
    spans = extent or ((0.0, float(rows)), (0.0, float(columns)))
    drawn = np.empty(geometry.image_size, np.float32)
    for some, x, y in _places(geometry):
        drawn[some] = _at(map_, geometry, spans, x, y, smooth=smooth)
    return drawn


def seen(geometry: Geometry) -> Bool[np.ndarray, "H W"]:
    """Mask of the image's pixels that the network was given: their centres lie on the input."""
    found = np.empty(geometry.image_size, bool)
    for rows, x, y in _places(geometry):
        found[rows] = _within(geometry, *_on_the_input(geometry, x, y))
    return found


def _places(geometry: Geometry) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Some rows of the image at a time, with x and y of their pixels' centres."""
    rows, columns = geometry.image_size
    step = max(1, AT_ONCE // columns)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        y, x = np.mgrid[start:stop, 0:columns] + 0.5
        yield slice(start, stop), x, y


def _at(
    map_: Map, geometry: Geometry, spans: Extent, x: np.ndarray, y: np.ndarray, *, smooth: bool
) -> np.ndarray:
    u, v = _on_the_input(geometry, x, y)
    (first, second, down), (before, behind, along) = (
        _between((place - start) / (stop - start) * cells - 0.5, cells)
        for place, (start, stop), cells in zip((v, u), spans, map_.shape, strict=True)
    )
    corners = [map_[row, column] for row in (first, second) for column in (before, behind)]
    if smooth:
        drawn = np.zeros(x.shape, np.float32)
        for row in range(-1, 3):
            for column in range(-1, 3):
                own = map_[_kept(first + row, map_.shape[0]), _kept(before + column, map_.shape[1])]
                drawn += own * cubic(down - row) * cubic(along - column)
        drawn = np.clip(drawn, np.minimum.reduce(corners), np.maximum.reduce(corners))
    else:
        upper = corners[0] * (1 - along) + corners[1] * along
        lower = corners[2] * (1 - along) + corners[3] * along
        drawn = upper * (1 - down) + lower * down
    return drawn * _within(geometry, u, v)


def _on_the_input(
    geometry: Geometry, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates on the input of places of the image: x, then y."""
    start, right, below = (
        np.array(geometry.to_input(*at)) for at in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    )
    u, v = (start[i] + (right - start)[i] * x + (below - start)[i] * y for i in (0, 1))
    return u, v


def _within(geometry: Geometry, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    height, width = geometry.input_size
    return (u >= 0) & (u < width) & (v >= 0) & (v < height)


def _kept(cell: np.ndarray, cells: int) -> np.ndarray:
    return np.clip(cell, 0, cells - 1)


def _between(place: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cells at both sides of each place, and how far it is from the first to the second."""
    place = np.clip(place, 0, cells - 1)
    first = np.minimum(place.astype(int), max(cells - 2, 0))
    return first, np.minimum(first + 1, cells - 1), place - first
