"""Geometry of a preprocessing, measured by sending pictures of coordinates through.

Nothing of the preprocessing is parsed. Two ramps, grey from left to right and from top to bottom,
spell the column and the row that each place of the input shows. Each goes through twice, the second
time as its negative: both add up to white, which undoes the scaling at that place, and rounding
down cancels out of their difference. A plane through each of the two is the geometry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.geometry import Geometry, Matrix, Size, placed
from xai_heatmap.core.shapes import Bool, Float, Float32

FAINT = 0.05
"""Share of the strongest contrast below which a place of the input shows a border."""

RIM = 0.04
"""Share of the picture at each of its edges that the planes are not fitted to: there resizing takes
pixels from one side alone."""

STRAIGHT = 1.0
"""Input pixels by which a place may lie off the plane, beyond what 8 bits leave open."""

Plane = Float[np.ndarray, "H W"]

Coefficients = Float[np.ndarray, "3"]
"""a, b, c of a u + b v + c."""

Pair = tuple[Float32[np.ndarray, "..."], Float32[np.ndarray, "..."]]
"""Inputs (c, H, W), made of a ramp and of its negative."""

See = Callable[[Image], Input]
"""A preprocessing, from a picture to the input (c, H, W)."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurement of a preprocessing on pictures of one size.

    Parameters
    ----------
    geometry
        Where the input lies on the picture; None where no plane fits.
    black, white
        What it makes of a picture of nothing but that.
    random
        Whether it answered the same picture in two ways.
    """

    geometry: Geometry | None
    black: Input
    white: Input
    random: bool = False

    def seen(self, x: Input) -> Input | None:
        """An input with its scaling undone, in [0, 1] where that is known; None where it isn't."""
        contrast = self.white - self.black
        if x.shape != contrast.shape or not np.isfinite(contrast).all():
            return None
        strongest = np.abs(contrast).max(axis=(1, 2), keepdims=True)
        shown = np.abs(contrast) > FAINT * strongest
        if not strongest.all():
            return None
        share = np.where(shown, (x - self.black) / np.where(shown, contrast, 1), 0)
        return np.clip(share, 0, 1).astype(np.float32)


def measured(see: See, size: Size) -> Measured:
    """The geometry of a preprocessing for pictures of that size (rows, columns).

    Parameters
    ----------
    see
        Called six times, and four times more where it sees a small part of the picture.
    size
        Of the pictures.

    Raises
    ------
    BadArray
        If it answers inputs of several sizes.
    """
    black = _of(see, np.zeros((*size, 3), np.uint8))
    pairs = [_pair(see, size, axis, 0.0, float(size[axis])) for axis in (0, 1)]
    again = _of(see, _ramp(size, 1, 0.0, float(size[1])))
    shapes = {own.shape for pair in pairs for own in pair} | {black.shape}
    if len(shapes) > 1:
        raise BadArray(
            "A preprocessing answers one size for pictures of one size; this one answered "
            f"{', '.join('x'.join(map(str, shape)) for shape in sorted(shapes))} for pictures of "
            f"{size[0]}x{size[1]}. Leave out what draws at random or looks at the picture."
        )
    first = pairs[1][0]
    random = again.shape != first.shape or not np.array_equal(again, first, equal_nan=True)
    white = pairs[1][0] + pairs[1][1] - black
    matrix = None if random else _fitted(see, size, white - black, pairs)
    geometry = None if matrix is None else placed(size, matrix, (black.shape[1], black.shape[2]))
    return Measured(geometry, black, white, random)


def _pair(see: See, size: Size, axis: int, start: float, stop: float) -> Pair:
    """Inputs that the preprocessing makes of a ramp and of its negative."""
    ramp = _ramp(size, axis, start, stop)
    return _of(see, ramp), _of(see, 255 - ramp)


def _of(see: See, picture: Image) -> Input:
    with np.errstate(all="ignore"):  # a picture of one grey may well have no deviation
        return np.asarray(see(picture), np.float32)


def _ramp(size: Size, axis: int, start: float, stop: float) -> Image:
    """Grey that grows along an axis, from black at `start` to white at `stop`."""
    centres = np.arange(size[axis]) + 0.5
    levels = np.rint(255 * np.clip((centres - start) / (stop - start), 0, 1)).astype(np.uint8)
    shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
    return np.ascontiguousarray(np.broadcast_to(levels.reshape(shape), (*size, 3)))


def _fitted(see: See, size: Size, contrast: Input, pairs: list[Pair]) -> Matrix | None:
    """a, b, c, d, e, f of x = a u + b v + c and y = d u + e v + f; None where no plane fits."""
    power = (contrast**2).sum(axis=0, dtype=np.float64)
    if not np.isfinite(power).all() or not power.max() > 0:
        return None
    shown = power > FAINT**2 * power.max()
    spans = [(0.0, float(length)) for length in size]
    places = [_places(pair, contrast, power) for pair in pairs]
    rows = _planes(places, shown, spans, spans)
    if rows is None:
        return None
    near = [_span(plane, shown, length) for plane, length in zip(rows[0], size, strict=True)]
    if any(stop - start < length / 3 for (start, stop), length in zip(near, size, strict=True)):
        finer = [_pair(see, size, axis, *near[axis]) for axis in (0, 1)]
        places = [_places(pair, contrast, power) for pair in finer]
        rows = _planes(places, shown, near, spans)
    if rows is None:
        return None
    (down, along), off = rows
    scale = abs(along[0] * down[1] - along[1] * down[0]) ** 0.5
    coarse = max(stop - start for start, stop in near) / 255
    if (
        not scale > 0 or off > STRAIGHT * scale + coarse + 0.5
    ):  # half a pixel of the picture: nearest
        return None
    a, b, c, d, e, f = (float(number) for number in chain(along, down))
    return a, b, c, d, e, f


def _places(pair: Pair, contrast: Input, power: Plane) -> Plane:
    """Position along its ramp of each place of the input, in [0, 1]; channels count by contrast."""
    ramp, negative = pair
    weighed = ((ramp - negative) * contrast).sum(axis=0, dtype=np.float64)
    return 0.5 + 0.5 * weighed / np.where(power > 0, power, 1)


def _planes(
    places: list[Plane],
    shown: Bool[np.ndarray, "H W"],
    near: list[tuple[float, float]],
    whole: list[tuple[float, float]],
) -> tuple[list[Coefficients], float] | None:
    """The planes of rows and of columns, and how far off them nearly all places lie.

    Parameters
    ----------
    places, shown
        What was read at each place of the input, and which places show the picture.
    near
        Where the ramps of rows and of columns begin and end.
    whole
        Where the picture does.
    """
    at = [own * (stop - start) + start for own, (start, stop) in zip(places, near, strict=True)]
    inner = shown.copy()
    for own, (start, stop), (_, length) in zip(places, near, whole, strict=True):
        rim = [RIM if start <= 0 else 0.01, RIM if stop >= length else 0.01]
        inner &= (own > rim[0]) & (own < 1 - rim[1])
    kept = inner if np.count_nonzero(inner) >= 9 else shown
    rows, columns = np.nonzero(kept)
    if not len(rows):
        return None
    spanned = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1)
    planes: list[Coefficients] = []
    off = 0.0
    for own in at:
        read = own[kept]
        if not np.isfinite(read).all():
            return None
        plane = np.linalg.lstsq(spanned, read, rcond=None)[0]
        planes.append(plane)
        off = max(off, float(np.quantile(np.abs(spanned @ plane - read), 0.99)))
    return planes, off


def _span(plane: Coefficients, shown: Bool[np.ndarray, "H W"], length: int) -> tuple[float, float]:
    """Interval of an axis of the picture that holds the shown places, and a margin."""
    rows, columns = np.nonzero(shown)
    reached = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))], axis=1) @ plane
    margin = 0.1 * (reached.max() - reached.min()) + 1
    start, stop = max(reached.min() - margin, 0.0), min(reached.max() + margin, float(length))
    return (float(start), float(stop)) if stop - start > 1 else (0.0, float(length))
