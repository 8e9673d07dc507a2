"""A coarse map between the centres of its cells: in straight lines, or smoothly for the eye."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from xai_heatmap.core.arrays import DrawnOut, Map
from xai_heatmap.core.product import product

Drawn = Float32[np.ndarray, "..."]
"""Array drawn out along some of its axes."""

Weights = Float32[np.ndarray, "pixels cells"]

BEND = -0.5
"""Parameter a of Keys' cubic (1981), with which straight lines stay straight."""

COARSE = 2.0
"""Pixels of a cell from which on it is drawn smoothly; finer ones are straight lines anyway."""

AT_ONCE = 1 << 20
"""Pixels that are drawn at a time."""


@dataclass(frozen=True)
class Span:
    """One axis: how many pixels there are, and between which places the cells lie side by side."""

    pixels: int
    start: float
    stop: float


def smoothed(map_: Map, spans: Sequence[Span]) -> DrawnOut:
    """The map drawn out by cubic curves through the centres of its cells; 0 beyond the spans.

    Straight lines between the cells of a coarse grid show as stars and creases, which say nothing.
    The curves go through the same values; where they would leave the range of the cells around a
    place they are cut off there, so that nothing is drawn higher, lower or of another sign than
    what lies beside it.
    """
    drawn, low, high = (np.asarray(map_, np.float32),) * 3
    for axis, span in list(enumerate(spans))[1:]:
        drawn, low, high = _along(axis, span, range(span.pixels), drawn, low, high)
    whole = np.empty([span.pixels for span in spans], np.float32)
    step = max(1, AT_ONCE * spans[0].pixels // whole.size)
    for start in range(0, len(whole), step):
        rows = range(start, min(start + step, len(whole)))
        part, least, most = _along(0, spans[0], rows, drawn, low, high)
        np.clip(part, least, most, out=whole[start : rows.stop])
    for axis, span in enumerate(spans):
        np.moveaxis(whole, axis, 0)[~_inside(span)] = 0
    return whole


def _along(
    axis: int, span: Span, which: range, drawn: Drawn, low: Drawn, high: Drawn
) -> tuple[Drawn, Drawn, Drawn]:
    """Some pixels of one axis, with the lowest and highest of the cells around each."""
    cells = drawn.shape[axis]
    own = slice(which.start, which.stop)
    make = curves if span.stop - span.start >= COARSE * cells else interpolation
    weights = make(span.pixels, cells, start=span.start, stop=span.stop)[own]
    first = _places(span, cells)[1][own]
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
    span = Span(pixels, start, stop)
    place, first = _places(span, cells)
    rest = place - first
    weights = np.zeros((pixels, cells), np.float32)
    pixel = np.arange(pixels)
    weights[pixel, first] = 1 - rest
    weights[pixel, np.minimum(first + 1, cells - 1)] += rest
    return weights * _inside(span)[:, None].astype(np.float32)


def curves(pixels: int, cells: int, *, start: float, stop: float) -> Weights:
    """Weights of cubic curves, each from the four cells around; at an end the last counts for what
    is not there.
    """
    span = Span(pixels, start, stop)
    place, first = _places(span, cells)
    weights = np.zeros((pixels, cells), np.float32)
    pixel = np.arange(pixels)
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
    return (centres >= span.start) & (centres < span.stop)


def _places(span: Span, cells: int) -> tuple[np.ndarray, Int[np.ndarray, " pixels"]]:
    """Position of each pixel among the cells' centres, and the index of the centre before."""
    centres = np.arange(span.pixels) + 0.5
    share = (centres - span.start) / (span.stop - span.start)
    place = np.clip(share * cells - 0.5, 0, cells - 1)
    return place, np.minimum(place.astype(int), max(cells - 2, 0))
