"""Maps as they lie over the picture, whichever way the network was given it."""

import math
from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.layers.placing import Extent
from xai_heatmap.core.shapes import Float32
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.render.heat import bordered

CELLS = 64
"""Cells of a side on which a map is drawn out whose picture went in at a slant."""

Fitted = Float32[np.ndarray, "..."]
"""Cells of a map that lie on the picture."""

ROUNDING = 1e-6
"""Part of a cell that is none."""


def upright(one: Explanation) -> tuple[Map, list[float] | None]:
    """The map of an explanation with the rectangle of the picture that it lies over: left, top,
    right, bottom; None: all of the picture, or no picture.

    Of a picture that went in flipped, or turned by quarters, the cells are those of the layer.
    """
    geometry, map_ = one.geometry, np.asarray(one.map, np.float32)
    if geometry is None or map_.ndim != one.axes:
        return map_, None
    straight, extent = map_, one.extent
    if extent is not None:
        straight, extent = _covering(map_, extent, geometry.input_size)
    if geometry.matrix is not None:
        turned = _straight(straight, geometry)
        if turned is not None:
            return turned, _box(geometry, extent)
    else:
        return straight, _box(geometry, extent)
    whole = np.asarray(one.heat(scale="none"), np.float32)
    rows, columns = (min(CELLS, side) for side in whole.shape)
    down = (np.arange(rows) + 0.5) * whole.shape[0] / rows
    across = (np.arange(columns) + 0.5) * whole.shape[1] / columns
    return np.ascontiguousarray(whole[np.ix_(down.astype(int), across.astype(int))]), None


def seen_of(one: Explanation) -> list[float] | None:
    """Left, top, right and bottom of what the network saw of the picture, where the cells of the
    map reach beyond it; None where they end with it.
    """
    if one.geometry is None or one.extent is None:
        return None
    return list(one.geometry.box)


def _covering(map_: Map, extent: Extent, lengths: Sequence[int]) -> tuple[Fitted, Extent]:
    """The cells that lie on the input, with cells of 0 up to its ends, and where they lie: by less
    than a cell beyond it.
    """
    map_, own = bordered(map_, lengths, extent)
    extent = own or extent
    spans = list[tuple[float, float]]()
    for axis, ((start, stop), length) in enumerate(zip(extent, lengths, strict=True)):
        cells = map_.shape[axis]
        step = (stop - start) / cells
        first = math.floor(-start / step + ROUNDING)
        last = math.ceil((length - start) / step - ROUNDING)
        map_ = map_.take(np.clip(np.arange(first, last), 0, cells - 1), axis)
        spans.append((start + first * step, start + last * step))
    return np.ascontiguousarray(map_), tuple(spans)


def _box(geometry: Geometry, extent: Extent | None) -> list[float]:
    """Left, top, right and bottom of the picture's rectangle that cells cover."""
    if extent is None:
        return list(geometry.box)
    (top, bottom), (left, right) = extent
    corners = geometry.to_image(left, top), geometry.to_image(right, bottom)
    (one, other), (above, below) = zip(*corners, strict=True)
    return [min(one, other), min(above, below), max(one, other), max(above, below)]


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
