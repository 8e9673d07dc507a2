"""Maps as they lie over the picture, whichever way the network was given it."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.explaining.explanation import Explanation

CELLS = 64
"""Cells of a side on which a map is drawn out whose picture went in at a slant."""


def upright(one: Explanation) -> tuple[Map, list[float] | None]:
    """The map of an explanation with the rectangle of the picture that it lies over: left, top,
    right, bottom; None: all of the picture, or no picture.

    Of a picture that went in flipped, or turned by quarters, the cells are those of the layer.
    """
    geometry, map_ = one.geometry, np.asarray(one.map, np.float32)
    if geometry is None or map_.ndim != one.axes:
        return map_, None
    straight = map_ if geometry.matrix is None else _straight(map_, geometry)
    if straight is not None:
        return straight, list(geometry.box)
    whole = np.asarray(one.heat(scale="none"), np.float32)
    rows, columns = (min(CELLS, side) for side in whole.shape)
    down = (np.arange(rows) + 0.5) * whole.shape[0] / rows
    across = (np.arange(columns) + 0.5) * whole.shape[1] / columns
    return np.ascontiguousarray(whole[np.ix_(down.astype(int), across.astype(int))]), None


def _straight(map_: Map, geometry: Geometry) -> Map | None:
    """The cells of a picture that was flipped or turned by quarters, upright; None at a slant."""
    a, b, _, d, e, _ = geometry.matrix or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    height, width = geometry.input_size
    if abs(b) * height <= abs(a) / 2 and abs(d) * width <= abs(e) / 2:  # half a pixel of the input
        own, across, down = map_, a, e
    elif abs(a) * width <= abs(b) / 2 and abs(e) * height <= abs(d) / 2:
        own, across, down = map_.T, b, d
    else:
        return None
    own = own if across > 0 else own[:, ::-1]
    return np.ascontiguousarray(own if down > 0 else own[::-1])
