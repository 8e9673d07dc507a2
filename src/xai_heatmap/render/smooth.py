"""A coarse map between the centres of its cells: in straight lines, or smoothly for the eye."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Map
from xai_heatmap.core.product import product
from xai_heatmap.core.shapes import Float32, Int

Drawn = Float32[np.ndarray, "..."]
"""Array drawn out along some of its axes."""

Weights = Float32[np.ndarray, "pixels cells"]

BEND = -0.5
"""Parameter a of Keys' cubic (1981), with which straight lines stay straight."""

COARSE = 2.0
"""Pixels of a cell from which on it is drawn smoothly; finer ones are straight lines anyway."""

AT_ONCE = 1 << 17
"""Pixels that are drawn at a time."""

SMALL = 1 << 16
"""Weights that are kept for the next picture, at most, of each axis; those of coarse grids."""


@dataclass(frozen=True)
class Span:
    """One axis: how many pixels there are, and between which places the cells lie side by side.

    Parameters
    ----------
    pixels, start, stop
        In pixels.
    shown
        Between which places the cells are drawn, where that is not from their start to their stop:
        cells of a padding are cut off, and the outermost go on to an end that none reaches.
    """

    pixels: int
    start: float
    stop: float
    shown: tuple[float, float] | None = None


def smoothed(map_: Map, spans: Sequence[Span]) -> DrawnOut:
    """The map drawn out by cubic curves through the centres of its cells; 0 beyond the spans.

    Straight lines between the cells of a coarse grid show as stars and creases, which say nothing.
    The curves go through the same values; where they would leave the range of the cells around a
    place they are cut off there, so that nothing is drawn higher, lower or of another sign than
    what lies beside it.
    """
    whole = np.zeros([span.pixels for span in spans], np.float32)
    places, inner = zip(*map(within, spans), strict=True)
    if (part := whole[places]).size:
        _smooth(map_, inner, out=part)
    return whole


def within(span: Span) -> tuple[slice, Span]:
    """The pixels of an axis that lie in the span, and these as an axis of their own."""
    inside = np.flatnonzero(_inside(span))
    first, last = (int(inside[0]), int(inside[-1])) if len(inside) else (0, -1)
    shown = None if span.shown is None else (span.shown[0] - first, span.shown[1] - first)
    own = Span(last + 1 - first, span.start - first, span.stop - first, shown)
    return slice(first, last + 1), own


def _smooth(map_: Map, spans: Sequence[Span], *, out: Drawn) -> None:
    """Draw a map out over spans without anything beyond them."""
    drawn, low, high = (np.asarray(map_, np.float32),) * 3
    for axis, span in list(enumerate(spans))[1:]:
        drawn, low, high = _along(axis, span, drawn, low, high)
    weights, first = _weights(spans[0], len(drawn))
    second = np.minimum(np.arange(len(drawn)) + 1, len(drawn) - 1)
    low, high = np.minimum(low, low[second]), np.maximum(high, high[second])
    step = max(1, AT_ONCE * len(out) // out.size)
    for start in range(0, len(out), step):
        between = first[start : start + step]
        own = mixed(weights[start : start + step], drawn, 0)
        turns = np.flatnonzero(np.diff(between)) + 1  # rows between the same two cells are alike
        for top, bottom in pairwise([0, *turns.tolist(), len(between)]):
            cell, rows = between[top], slice(start + top, start + bottom)
            np.clip(own[top:bottom], low[cell], high[cell], out=out[rows])


def _weights(span: Span, cells: int) -> tuple[Weights, Int[np.ndarray, " pixels"]]:
    """Weights of the cells for each pixel of an axis, and the cell before each."""
    return (_kept_weights if span.pixels * cells <= SMALL else _new_weights)(span, cells)


def _new_weights(span: Span, cells: int) -> tuple[Weights, Int[np.ndarray, " pixels"]]:
    make = curves if span.stop - span.start >= COARSE * cells else lines
    weights = make(span, cells)
    first = _places(span, cells)[1]
    for own in (weights, first):
        own.flags.writeable = False
    return weights, first


_kept_weights = lru_cache(maxsize=16)(_new_weights)
"""The same, kept: pictures of a folder often have one size."""


def _along(
    axis: int, span: Span, drawn: Drawn, low: Drawn, high: Drawn
) -> tuple[Drawn, Drawn, Drawn]:
    """Pixels of one axis, with the lowest and highest of the cells around each."""
    cells = drawn.shape[axis]
    weights, first = _weights(span, cells)
    second = np.minimum(first + 1, cells - 1)
    return (
        mixed(weights, drawn, axis),
        np.minimum(low.take(first, axis), low.take(second, axis)),
        np.maximum(high.take(first, axis), high.take(second, axis)),
    )


def mixed(weights: Weights, values: Drawn, axis: int) -> Drawn:
    """Values of each pixel along an axis: the weighted sum of those of its cells."""
    first = np.moveaxis(values, axis, 0)
    flat = product(weights, np.ascontiguousarray(first).reshape(len(first), -1))
    return np.moveaxis(flat.reshape(len(weights), *first.shape[1:]), 0, axis)


def interpolation(pixels: int, cells: int, *, start: float, stop: float) -> Weights:
    """Weights of each cell of a row for each pixel, the cells lying side by side in a span.

    Straight lines between the cells' centres. Rows sum to 1; to 0 where the pixel's centre is
    outside the span.
    """
    return lines(Span(pixels, start, stop), cells)


def lines(span: Span, cells: int) -> Weights:
    """Weights as of `interpolation`, for the cells of a span."""
    place, first = _places(span, cells)
    rest = place - first
    weights = np.zeros((span.pixels, cells), np.float32)
    pixel = np.arange(span.pixels)
    weights[pixel, first] = 1 - rest
    weights[pixel, np.minimum(first + 1, cells - 1)] += rest
    return weights * _inside(span)[:, None].astype(np.float32)


def curves(span: Span, cells: int) -> Weights:
    """Weights of cubic curves, each from the four cells around; at an end the last counts for what
    is not there.
    """
    place, first = _places(span, cells)
    weights = np.zeros((span.pixels, cells), np.float32)
    pixel = np.arange(span.pixels)
    for cell in range(-1, 3):
        own = np.clip(first + cell, 0, cells - 1)
        np.add.at(weights, (pixel, own), cubic(place - first - cell))
    return weights * _inside(span)[:, None].astype(np.float32)


def cubic(distance: np.ndarray) -> np.ndarray:
    """Weight of a cell at a distance from the cell's centre, in cells (Keys 1981)."""
    x = np.abs(distance)
    near = ((BEND + 2) * x - (BEND + 3)) * x * x + 1
    far = ((BEND * x - 5 * BEND) * x + 8 * BEND) * x - 4 * BEND
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _inside(span: Span) -> np.ndarray:
    centres = np.arange(span.pixels) + 0.5
    start, stop = span.shown or (span.start, span.stop)
    return (centres >= start) & (centres < stop)


def _places(span: Span, cells: int) -> tuple[np.ndarray, Int[np.ndarray, " pixels"]]:
    """Position of each pixel among the cells' centres, and the index of the centre before."""
    centres = np.arange(span.pixels) + 0.5
    share = (centres - span.start) / (span.stop - span.start)
    place = np.clip(share * cells - 0.5, 0, cells - 1)
    return place, np.minimum(place.astype(int), max(cells - 2, 0))
