"""Signed distances to shapes, in the units of u and v: below 0 inside, above 0 outside.

Only sums, products, quotients and roots, which every machine rounds alike.
"""

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from xai_heatmap.core.shapes import Float32
from xai_heatmap.scenes.dice import Number, cosine, sine

Field = Float32[np.ndarray, "h w"]
"""One number for each pixel of a patch."""

Point = tuple[Number, Number]

_TINY = 1e-6


def disc(u: Field, v: Field, centre: Point, radius: Number) -> Field:
    """√((u - a)² + (v - b)²) - r."""
    x, y = u - centre[0], v - centre[1]
    return np.sqrt(x * x + y * y) - radius


def ring(u: Field, v: Field, centre: Point, radius: Number, *, width: Number) -> Field:
    """|disc| - width / 2."""
    return np.abs(disc(u, v, centre, radius)) - width / 2


def ellipse(u: Field, v: Field, centre: Point, axes: Point, *, turns: Number = 0.0) -> Field:
    """p (p - 1) / q with p = |x / axes|, q = |x / axes²|: exact near the edge."""
    x, y = turned(u - centre[0], v - centre[1], turns)
    x, y = x / axes[0], y / axes[1]
    p = np.sqrt(x * x + y * y)
    x, y = x / axes[0], y / axes[1]
    q = np.sqrt(x * x + y * y) + _TINY
    return p * (p - 1) / q


def box(
    u: Field, v: Field, centre: Point, half: Point, *, corner: Number = 0.0, turns: Number = 0.0
) -> Field:
    """A rectangle of half width and half height `half`, its corners rounded."""
    x, y = turned(u - centre[0], v - centre[1], turns)
    x, y = np.abs(x) - (half[0] - corner), np.abs(y) - (half[1] - corner)
    inside = np.minimum(np.maximum(x, y), 0)
    x, y = np.maximum(x, 0), np.maximum(y, 0)
    return np.sqrt(x * x + y * y) + inside - corner


def capsule(
    u: Field, v: Field, start: Point, end: Point, radius: Number, tip: Number = -1
) -> Field:
    """A stroke from `start` to `end`; it ends in the radius `tip`, if that is not negative."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    x, y = u - start[0], v - start[1]
    along = np.minimum(np.maximum((x * dx + y * dy) / (dx * dx + dy * dy), 0), 1)
    x, y = x - along * dx, y - along * dy
    thick = radius if tip < 0 else radius + along * (tip - radius)
    return np.sqrt(x * x + y * y) - thick


def convex(u: Field, v: Field, corners: Sequence[Point]) -> Field:
    """The largest distance to a side; corners go clockwise as seen, v pointing down."""
    sides = zip(corners, [*corners[1:], corners[0]], strict=True)
    return reduce(np.maximum, (_side(u, v, start, end) for start, end in sides))


def _side(u: Field, v: Field, start: Point, end: Point) -> Field:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(dx * dx + dy * dy)
    return (u - start[0]) * (dy / length) - (v - start[1]) * (dx / length)


def fused(a: Field, b: Field, softness: Number) -> Field:
    """min(a, b) with a fillet of that size."""
    near = np.maximum(softness - np.abs(a - b), 0)
    return np.minimum(a, b) - near * near * (0.25 / softness)


def either(*distances: Field) -> Field:
    """The union: the smallest distance."""
    return reduce(np.minimum, distances)


def both(*distances: Field) -> Field:
    """The intersection: the largest distance."""
    return reduce(np.maximum, distances)


def turned(u: Field, v: Field, turns: Number) -> tuple[Field, Field]:
    """Coordinates along axes that are turned so far."""
    if turns == 0:
        return u, v
    c, s = cosine(turns), sine(turns)
    return u * c + v * s, v * c - u * s
