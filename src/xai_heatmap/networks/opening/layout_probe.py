"""Test of a guessed layout: the places of a layer that change with a few spots of the picture.

Two pictures go through a network. They are alike but for a few small spots, which lie like no
mirror image, no transpose and no windowed order of themselves. Where a layer lies as it was read,
its places under the spots move more than the others.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.shapes import Bool, Float32
from xai_heatmap.networks.opening.changes import Changes, Moves

SPOTS = ((0, 1, 2, 3, 4, 5), (1, 4, 2, 0, 5, 3), (4, 1, 5, 3, 0, 2))
"""Positions of the spots, in sixths of each axis."""

SPOT = 32
"""Ratio of the side of a picture to the side of a spot."""

LOUD = 3.0
"""Strength of a spot relative to the picture."""

FEWEST = 3
"""Least number of places beside the spots for a comparison."""

CLEAR = 0.75
"""Share of the other places than which every place under a spot has to change more."""

ALIKE, SAME = 0.6, 0.9
"""Correlations of changes with a layer of known grid, from which a layout counts as right."""

STILL = 1e-3
"""Relative change up to which a place counts as independent of the picture under it."""

COARSE = 6
"""Least places along an axis for a displacement to show."""

FINE = 24
"""Places along an axis from which on a place beside a spot counts as under the spot."""

OFF_CENTRE = 0.25
"""Distance, in places, at which a spot may still change a place."""

MISSED = 3
"""Least number of the six spots without change in a displaced layer."""

BESIDE = 0.2
"""Least share of the change beside the spots in a displaced layer."""

Standing = Literal["shown", "unclear", "still"]


def pictures(shape: Sequence[int]) -> Float32[np.ndarray, "2 ..."]:
    """A picture of shape (c, *image) in a fine regular pattern, and the same with spots."""
    channels, *image = shape
    random = np.random.default_rng(0)
    tile = random.normal(size=(channels, *(2 for _ in image))).astype(np.float32)
    plain = np.tile(tile, (1, *(-(-side // 2) for side in image)))
    plain = plain[(slice(None), *map(slice, image))]
    spotted = plain.copy()
    spot = LOUD * random.normal(size=(channels, *map(_spot, image))).astype(np.float32)
    for corner in _corners(image):
        where = tuple(
            slice(start, start + _spot(side)) for start, side in zip(corner, image, strict=True)
        )
        own = spotted[(slice(None), *where)]
        own[...] = spot[(slice(None), *map(slice, own.shape[1:]))]
    return np.stack([plain, spotted])


def standing(
    own: Layout, seen: Moves, image: Sequence[int], known: Changes | None = None
) -> Standing:
    """Verdict of the changes on a layout: right (``shown``), ``unclear``, or wrong (``still``).

    It is right where every place under a spot moves more than most others, or where the changes
    go with those that are `known` of its grid. It is wrong (``still``) where two places under a
    spot do not move, and others do.
    """
    changes = on_grid(own, seen)
    if seen.silent or changes is None:
        return "unclear"
    alike = 0.0 if known is None else likeness(changes, known)
    under, beside = _places(own.grid, image)
    at = [_at(changes, place, image) for place in under]
    if alike >= SAME or _above(at, changes[beside]):
        return "shown"
    whole = on_grid(own, seen, whole=True)
    if whole is not None and _still(whole, under, image):
        return "still"
    return "shown" if alike >= ALIKE else "unclear"


def displaced(
    own: Layout, seen: Moves, image: Sequence[int], before: Changes | None = None
) -> bool:
    """Whether a layer, most of whose places stay, changes at places that are not under the spots.

    The network crops, pads, shifts, turns or mirrors its picture, then. What moves everywhere, and
    a grid too coarse to tell one place from its neighbour, show nothing of that kind; nor does a
    ReLU that leaves a few of the places that moved `before`, in a layer that lies right.
    """
    changes = on_grid(own, seen, whole=True)
    if seen.silent or changes is None or min(own.grid) < COARSE:
        return False
    moved = changes > STILL * changes.max()
    if 2 * int(moved.sum()) > moved.size:
        return False
    if before is not None:
        others = np.square(changes[before <= STILL * before.max()]).sum()
        if float(others) <= BESIDE * float(np.square(changes).sum()):
            return False
    under = np.zeros(own.grid, bool)
    missed = 0
    for box in _boxes(own.grid, image):
        missed += not moved[box].any()
        under[box] = True
    energy = np.square(changes)
    return missed >= MISSED and float(energy[~under].sum()) > BESIDE * float(energy.sum())


def _boxes(grid: Sequence[int], image: Sequence[int]) -> list[tuple[slice, ...]]:
    """Places that each spot touches, widened by one place on a fine grid, by half a place where
    strides are no integers, else by a quarter: where strides are longer than kernels, the
    receptive field of a place is off its centre.
    """
    axes = list(zip(grid, image, strict=True))
    near = [1.0 if g >= FINE else OFF_CENTRE * (2 if s % g else 1) for g, s in axes]
    return [
        tuple(
            slice(max(math.floor(c * g / s - by), 0), math.ceil((c + _spot(s)) * g / s + by))
            for c, g, s, by in zip(corner, grid, image, near, strict=True)
        )
        for corner in _corners(image)
    ]


def likeness(one: Changes, other: Changes) -> float:
    """Pearson's correlation of two arrays, 0 where one of the arrays is constant."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0


def spread_out(changes: Changes, grid: Sequence[int]) -> Changes:
    """Changes repeated on a finer grid."""
    own = [np.arange(g) * c // g for g, c in zip(grid, changes.shape, strict=True)]
    return changes[np.ix_(*own)]


def _still(changes: Changes, under: Sequence[tuple[int, ...]], image: Sequence[int]) -> bool:
    """Whether two places under spots do not change at all, while other places do."""
    still = {place for place in under if _at(changes, place, image) <= STILL * changes.max()}
    return len(still) > 1


def _above(at: Sequence[float], others: Changes) -> bool:
    """Whether each of a few places changes more than most others; ties count half."""
    if len(others) < FEWEST:
        return False
    ranked = np.sort(others)
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    below = [sum(int(np.searchsorted(ranked, value, side)) for side in sides) for value in at]
    return min(below) >= CLEAR * 2 * len(ranked)


def on_grid(own: Layout, seen: Moves, *, whole: bool = False) -> Changes | None:
    """Changes of a layer on the grid of a layout, without the mean over all places unless `whole`;
    None where the changes have no such axes.
    """
    ends = seen.first if own.kind == "channels_first" else seen.last
    if ends is None:
        return None
    changes = ends[int(whole)]
    if own.kind == "tokens":
        changes = changes[own.prefix : len(changes) - own.suffix].reshape(own.grid)
    return changes


def _at(changes: Changes, place: tuple[int, ...], image: Sequence[int]) -> float:
    """Change at a place of the grid; where a stride is no integer, the largest nearby."""
    near = tuple(
        slice(p, p + 1) if side % places == 0 else slice(max(p - 1, 0), p + 2)
        for p, places, side in zip(place, changes.shape, image, strict=True)
    )
    return float(changes[near].max())


def _places(
    grid: Sequence[int], image: Sequence[int]
) -> tuple[list[tuple[int, ...]], Bool[np.ndarray, "*grid"]]:
    """The places under the middle of each spot, and which lie apart from all spots.

    Those right beside a spot count as apart only where few others would be left.
    """
    under, near, on = list[tuple[int, ...]](), np.zeros(grid, bool), np.zeros(grid, bool)
    for corner in _corners(image):
        sides = [(c, min(c + _spot(s), s)) for c, s in zip(corner, image, strict=True)]
        axes = list(zip(sides, grid, image, strict=True))
        under.append(tuple(int((a + b) / 2 * g / s) for (a, b), g, s in axes))
        ends = [(a * g // s, -(-b * g // s)) for (a, b), g, s in axes]
        on[tuple(slice(a, b) for a, b in ends)] = True
        near[tuple(slice(max(a - 1, 0), b + 1) for a, b in ends)] = True
    apart = ~near
    return under, apart if apart.sum() >= max(near.sum() // 2, FEWEST) else ~on


def _corners(image: Sequence[int]) -> list[tuple[int, ...]]:
    """First corner of each spot."""
    return [
        tuple(int((sixth + 0.45) / 6 * side) for sixth, side in zip(sixths, image, strict=True))
        for sixths in zip(*SPOTS[: len(image)], strict=True)
    ]


def _spot(side: int) -> int:
    return max(math.ceil(side / SPOT), 1)
