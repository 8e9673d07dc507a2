"""A raw map, drawn out over the original image."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Heat, Map
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.product import product
from xai_heatmap.render.smooth import Span, interpolation, mixed, smoothed, within
from xai_heatmap.render.turned import turned


def heat(map_: Map, geometry: Geometry, *, smooth: bool = False) -> Heat:
    """The map at the size of the original image, where the network looked; 0 elsewhere.

    Bilinear between the centres of the map's cells (``align_corners=False``), constant beyond the
    outermost ones. Values are not normalised: that is ``scaled``.

    Parameters
    ----------
    map_
        Finite, (h, w).
    geometry
        Which rectangle of the image the map covers.
    smooth
        True: cubic between the centres, for the eye; see `render.smooth`.
    """
    if map_.ndim != 2 or not map_.size:
        raise BadArray(
            f"A map that can be drawn on a picture is (h, w), at least 1x1; received {map_.shape}. "
            "That of a signal or a volume is drawn out by `render.heat.drawn_out(map_, lengths)`."
        )
    if not np.isfinite(map_).all():
        raise BadArray("A map that can be drawn is finite; received NaN or infinity.")
    if geometry.matrix is not None:
        return turned(map_, geometry, smooth=smooth)
    left, top, right, bottom = geometry.box
    rows, columns = geometry.image_size
    spans = Span(rows, top, bottom), Span(columns, left, right)
    if smooth:
        return smoothed(map_, spans)
    places, inner = zip(*map(within, spans), strict=True)
    down, along = (
        interpolation(own.pixels, cells, start=own.start, stop=own.stop)
        for own, cells in zip(inner, map_.shape, strict=True)
    )
    drawn = product(product(down, map_), along.T)
    if drawn.shape == (rows, columns):
        return drawn
    whole = np.zeros((rows, columns), drawn.dtype)
    whole[places] = drawn
    return whole


def drawn_out(map_: Map, lengths: Sequence[int], *, smooth: bool = False) -> DrawnOut:
    """The map of a signal or a volume at its full length along every axis, as `heat` does it."""
    if not np.isfinite(map_).all():
        raise BadArray("A map that can be drawn is finite; received NaN or infinity.")
    if smooth:
        return smoothed(map_, [Span(length, 0.0, float(length)) for length in lengths])
    for axis, (cells, length) in enumerate(zip(map_.shape, lengths, strict=True)):
        if cells != length:
            weights = interpolation(length, cells, start=0.0, stop=float(length))
            map_ = mixed(weights, map_, axis)
    return np.ascontiguousarray(map_, np.float32)


def scaled(heat: DrawnOut, *, to: str | float = "max", signed: bool = False) -> DrawnOut:
    """The heat in [0, 1], or in [-1, 1] if signed; all 0 where there is nothing to show.

    Parameters
    ----------
    heat
        Finite, in any units.
    to
        What becomes 1: ``"max"``, the heat's own maximum; ``"p99"``, its 99th percentile (one hot
        pixel then hides nothing); or a number above 0, so that several pictures share one scale.
    signed
        True: negative values are kept, and "maximum" means of the magnitude. False: they become 0.
    """
    highest = _top(heat, to, signed=signed)
    if not highest:
        return np.zeros_like(heat)
    with np.errstate(over="ignore"):  # beyond the top is 1, however far beyond
        share = np.divide(heat, highest, dtype=np.result_type(heat, highest))
    return np.clip(share, -1 if signed else 0, 1, out=share)


def top(heat: DrawnOut, *, to: str | float = "max", signed: bool = False) -> float:
    """The relevance that `scaled` makes 1; 0 where there is nothing to show."""
    return float(_top(heat, to, signed=signed))


def _top(heat: DrawnOut, to: str | float, *, signed: bool) -> np.float32:
    lowest, largest = heat.min(), heat.max()
    largest = np.maximum(largest, -lowest if signed else np.zeros_like(largest))
    if not np.isfinite(largest) or np.isnan(lowest):
        raise BadArray("A heat that can be scaled is finite; received NaN or infinity.")
    if to == "max":
        return largest
    if to == "p99":
        magnitude = np.abs(heat) if signed else np.maximum(heat, 0)
        return np.float32(np.quantile(magnitude, 0.99)) or largest
    if isinstance(to, str) or not 0 < np.float32(to) < np.inf:
        raise BadOption(f"A heat is scaled to 'max', 'p99' or a number above 0; received {to!r}.")
    return np.float32(to)
