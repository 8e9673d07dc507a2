"""A raw map, drawn out over the original image."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Heat, Map
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.layers.placing import NEAR, Extent
from xai_heatmap.core.product import product
from xai_heatmap.core.shapes import Float
from xai_heatmap.render.smooth import Span, lines, mixed, smoothed, within
from xai_heatmap.render.turned import turned

OnGrid = Float[np.ndarray, "..."]
"""Map of any number of cells."""


def heat(
    map_: Map, geometry: Geometry, *, smooth: bool = False, extent: Extent | None = None
) -> Heat:
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
    extent
        Between which places of the input the map's cells lie, down the rows and along the columns,
        as `Layer.extent`; None: from one end of the input to the other.
    """
    if map_.ndim != 2 or not map_.size:
        raise BadArray(
            f"A map that can be drawn on a picture is (h, w), at least 1x1; received {map_.shape}. "
            "That of a signal or a volume is drawn out by `render.heat.drawn_out(map_, lengths)`."
        )
    if not np.isfinite(map_).all():
        raise BadArray("A map that can be drawn is finite; received NaN or infinity.")
    if geometry.matrix is not None:
        map_, extent = bordered(map_, geometry.input_size, extent)
        return turned(map_, geometry, smooth=smooth, extent=extent)
    map_, extent = bordered(map_, geometry.input_size, extent)
    spans = _spans(geometry, extent)
    rows, columns = geometry.image_size
    if smooth:
        return smoothed(map_, spans)
    places, inner = zip(*map(within, spans), strict=True)
    down, along = (lines(own, cells) for own, cells in zip(inner, map_.shape, strict=True))
    drawn = product(product(down, map_), along.T)
    if drawn.shape == (rows, columns):
        return drawn
    whole = np.zeros((rows, columns), drawn.dtype)
    whole[places] = drawn
    return whole


def _spans(geometry: Geometry, extent: Extent | None) -> tuple[Span, Span]:
    """Where the cells lie on the image, down its rows and along its columns."""
    left, top, right, bottom = geometry.box
    rows, columns = geometry.image_size
    if extent is None:
        return Span(rows, top, bottom), Span(columns, left, right)
    (down, along), (own_rows, own_columns) = geometry.scale, extent
    start, stop = (top + place / down for place in own_rows)
    first, last = (left + place / along for place in own_columns)
    return Span(rows, start, stop, (top, bottom)), Span(columns, first, last, (left, right))


def drawn_out(
    map_: Map, lengths: Sequence[int], *, smooth: bool = False, extent: Extent | None = None
) -> DrawnOut:
    """The map of a signal or a volume at its full length along every axis, as `heat` does it."""
    if not np.isfinite(map_).all():
        raise BadArray("A map that can be drawn is finite; received NaN or infinity.")
    map_, extent = bordered(map_, lengths, extent)
    if smooth:
        return smoothed(map_, spans_over(lengths, extent))
    for axis, (cells, span) in enumerate(zip(map_.shape, spans_over(lengths, extent), strict=True)):
        if cells != span.pixels or extent is not None:
            map_ = mixed(lines(span, cells), map_, axis)
    return np.ascontiguousarray(map_, np.float32)


def bordered(
    map_: OnGrid, lengths: Sequence[int], extent: Extent | None
) -> tuple[OnGrid, Extent | None]:
    """A map with a cell of 0 at each end that its cells do not reach, and where its cells lie then.

    No cell answers for what lies there. Drawn on from the outermost cells, maps of real networks
    predict less of what moves a score: docs/decisions/336-cells-lie-by-their-strides.md.
    """
    if extent is None:
        return map_, None
    more, spans = list[tuple[int, int]](), list[tuple[float, float]]()
    for cells, (start, stop), length in zip(map_.shape, extent, lengths, strict=True):
        step = (stop - start) / cells
        before, behind = start > NEAR * length, stop < length - NEAR * length
        more.append((int(before), int(behind)))
        spans.append((start - step * before, stop + step * behind))
    return np.pad(map_, more), tuple(spans)


def spans_over(lengths: Sequence[int], extent: Extent | None) -> list[Span]:
    """Spans of cells over an input of those lengths, all of which is drawn."""
    if extent is None:
        return [Span(length, 0.0, float(length)) for length in lengths]
    return [
        Span(length, *own, (0.0, float(length)))
        for length, own in zip(lengths, extent, strict=True)
    ]


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
