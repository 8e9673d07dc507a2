"""Layout of a layer's own output: where the feature maps and the grid stand.

A layout is a bijection between that output and ``k *grid``. Methods only ever see ``k *grid``.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import Activations, Native
from xai_heatmap.core.shapes import Float32, Shaped

MOST_PREFIX_TOKENS = 16
"""Class, distillation and register tokens in front of the patches; no published network has
more."""

FEW_TOKENS = 5
"""Most tokens in front of a grid that no layer before had: anything can be taken for a grid with
enough tokens to spare."""

OPEN_AXIS = {1: 1024, 2: 224, 3: 32}
"""Length that stands in for an axis that a model leaves open, by the number of grid axes."""

A_TOKEN, NEVER_SEEN = 0.05, 0.2
"""Penalty of a token in front of the patches, and of a grid that no layer before had; uneven steps
count by their logarithm."""

EVEN = 0.25
"""Logarithm of how uneven the steps of a grid that no layer before had may be."""

THIRD = 0.1
"""Weight of the spread of steps over all three axes of a volume."""


@dataclass(frozen=True)
class Layout:
    """Layout of one layer's output: its feature maps and its grid.

    Parameters
    ----------
    kind
        ``channels_first`` (n, k, *grid), ``channels_last`` (n, *grid, k), ``tokens`` (n,
        prefix + h·w, k), ``places`` (n, *grid), which is one feature map, or ``whole`` (n, ...),
        as a layer without a grid answers.
    grid
        Length of each grid axis.
    prefix
        Tokens that stand before the patches and belong to no place: class, distillation, registers.
    suffix
        Tokens that stand behind them, the boxes that a detector looks for.
    """

    kind: Literal["channels_first", "channels_last", "tokens", "places", "whole"]
    grid: tuple[int, ...]
    prefix: int = 0
    suffix: int = 0

    @property
    def rows(self) -> int:
        """Number of rows of the output for one image."""
        return 1

    def to_grid(self, native: Native) -> Activations:
        """The layer's output as float32 ``n k *grid``; a view wherever the dtype allows."""
        if self.kind == "places":
            native = native[:, None]
        if self.kind == "tokens":
            patches = native[:, self.prefix : native.shape[1] - self.suffix]
            native = patches.reshape(len(native), *self.grid, native.shape[-1])
        if self.kind in ("channels_last", "tokens"):
            native = np.moveaxis(native, -1, 1)
        return native.astype(np.float32, copy=False)

    def to_native(
        self, activation: Float32[np.ndarray, "m k *grid"], *, like: Shaped[np.ndarray, "1 ..."]
    ) -> Shaped[np.ndarray, "m ..."]:
        """`activation` in the layer's own layout and dtype, with the prefix tokens of `like` put
        back.

        `like` is the recorded output of the one image that the activations stand for: (1, ...).
        """
        if self.kind == "places":
            activation = activation[:, 0]
        if self.kind in ("channels_last", "tokens"):
            activation = np.moveaxis(activation, 1, -1)
        if self.kind == "tokens":
            patches = activation.reshape(len(activation), -1, activation.shape[-1])
            before, behind = like[:, : self.prefix], like[:, like.shape[1] - self.suffix :]
            beside = [
                np.broadcast_to(own, (len(patches), *own.shape[1:])) for own in (before, behind)
            ]
            activation = np.concatenate([beside[0], patches, beside[1]], axis=1)
        return np.ascontiguousarray(activation, dtype=like.dtype)


WHOLE = Layout("whole", ())
"""Layout of a layer without a grid."""


def layout(
    shape: Sequence[int],
    *,
    images: int,
    image: Sequence[int],
    channels_last: bool,
    grids: Collection[tuple[int, ...]] = (),
    queries: int | None = None,
) -> Layout | None:
    """The layout of an output of that `shape`, or None where it has no grid.

    Parameters
    ----------
    shape
        The layer's whole output, images first.
    images
        How many images went in. An output with another first axis mixes images or cuts them up: no
        grid.
    image
        Length of the picture's own axes: (H, W); (L,) for signals, (D, H, W) for volumes.
    channels_last
        What to believe where the shape could be read either way.
    grids
        Grids of the layers before. Tokens lie on one of these unless another fits clearly better;
        (n, k, places) of one of them, as on the way from a convolution to tokens, is not tokens.
    queries
        How many boxes a detector answers; None of any other network. Its tokens lie on grids of
        layers before, alone or with so many others behind them: boxes have no grid.
    """
    rank = len(image)
    if len(shape) < 3 or shape[0] != images or min(shape) < 1:
        return None
    if len(shape) == rank + 2:
        own = _with_channels(tuple(shape[1:]), image=image, channels_last=channels_last)
        uneven = own is not None and queries in own.grid and len(set(own.grid)) > 1
        return None if uneven else own  # a number a box
    if len(shape) == 3 and rank > 1:
        known = _on_known_grids(shape[1], grids=grids, rank=rank)
        if shape[2] == 1 or (not known and shape[2] in map(math.prod, grids)):
            return None  # feature maps averaged to one place, or flattened with their places last
        if queries in shape[1:]:
            return None  # one row a box
        if queries is not None:
            behind = _on_known_grids(shape[1] - queries, grids=grids, rank=rank)
            known += [replace(found, suffix=queries) for found in behind]
            return min(known, key=lambda found: found.prefix, default=None)
        return _tokens(shape[1], image=image, known=known)
    return None


def _with_channels(
    shape: tuple[int, ...], *, image: Sequence[int], channels_last: bool
) -> Layout | None:
    first, last = Layout("channels_first", shape[1:]), Layout("channels_last", shape[:-1])
    error = {x: _distortion(x.grid, image) for x in (first, last)}
    preferred, other = (last, first) if channels_last else (first, last)
    best = other if error[other] + 1e-6 < error[preferred] else preferred
    return best if plausible(best.grid, image) else None


def plausible(grid: tuple[int, ...], image: Sequence[int]) -> bool:
    """Whether one step on the grid can be about the same distance along every axis of the
    picture; of a volume along two, since time and the distance of slices have steps of their own.
    """
    if all(g == 1 for g in grid):
        return True
    if len(grid) == 3:
        return any(plausible(own, of) for own, of in _pairs(grid, image))
    low = max((i / (g + 1)) for g, i in zip(grid, image, strict=True))
    high = min((i / max(g - 1, 0.5)) for g, i in zip(grid, image, strict=True))
    return low <= high * 2


def _distortion(grid: tuple[int, ...], image: Sequence[int]) -> float:
    """Spread of the logarithms of the grid's steps along all axes; 0 where all steps are equal.

    Of a volume the two axes that are most alike count, and what sets the third apart by a tenth.
    """
    steps = [math.log(i / g) for g, i in zip(grid, image, strict=True)]
    spread = max(steps) - min(steps)
    if len(grid) != 3:
        return spread
    return min(_distortion(own, of) for own, of in _pairs(grid, image)) + THIRD * spread


def _pairs(grid: tuple[int, ...], image: Sequence[int]) -> list[tuple[tuple[int, ...], list[int]]]:
    """Every two of three axes, of the grid and of the volume."""
    return [
        ((grid[one], grid[other]), [image[one], image[other]])
        for one, other in ((1, 2), (0, 1), (0, 2))
    ]


def _on_known_grids(count: int, *, grids: Collection[tuple[int, ...]], rank: int) -> list[Layout]:
    """Every way to lay that many tokens on a grid that was seen, the latest first."""
    return [
        Layout("tokens", grid, count - math.prod(grid))
        for grid in reversed(list(grids))
        if len(grid) == rank
        and 0 <= count - math.prod(grid) <= MOST_PREFIX_TOKENS
        and math.prod(grid) > 1
    ]


def _tokens(count: int, *, image: Sequence[int], known: Sequence[Layout]) -> Layout | None:
    """The grid with the fewest tokens in front of it and the evenest steps."""
    candidates = [(A_TOKEN * found.prefix, found) for found in known] + [
        (NEVER_SEEN + A_TOKEN * prefix + _distortion(grid, image), Layout("tokens", grid, prefix))
        for prefix in range(min(FEW_TOKENS, count - 1) + 1)
        if (grid := _even_grid(count - prefix, image)) is not None
    ]
    return min(candidates, key=lambda c: c[0])[1] if candidates else None


def _even_grid(places: int, image: Sequence[int]) -> tuple[int, int] | None:
    """The factorisation of `places` into rows and columns that fits the picture's sides by whole
    strides, if one does.
    """
    if len(image) != 2 or places < 4:
        return None
    rows = [r for r in range(2, places + 1) if places % r == 0 and places // r > 1]
    even = [(r, places // r) for r in rows if _distortion((r, places // r), image) < EVEN]
    grids = [grid for grid in even if _strides(grid, image)]
    return min(grids, key=lambda g: _distortion(g, image), default=None)


def own_layout(shape: Sequence[int], *, images: int, channels_last: bool) -> Layout | None:
    """The layout of a two-dimensional convolution's output on a grid of its own, inside a network
    of signals or volumes: a spectrogram, frames that are read as channels.
    """
    if len(shape) != 4 or shape[0] != images or min(shape) < 1:
        return None
    if channels_last:
        return Layout("channels_last", tuple(shape[1:3]))
    return Layout("channels_first", tuple(shape[2:]))


def _strides(grid: Sequence[int], image: Sequence[int]) -> bool:
    """Whether strides of one whole length make such a grid, with or without a remainder."""
    least = min(side // (places + 1) for places, side in zip(grid, image, strict=True)) or 1
    most = max(side // places for places, side in zip(grid, image, strict=True)) + 1
    return any(
        all(g in (side // step, -(-side // step)) for g, side in zip(grid, image, strict=True))
        for step in range(least, most + 1)
    )


def readings(
    shape: Sequence[int], own: Layout, *, image: Sequence[int], ends: bool = False
) -> list[Layout]:
    """Every way to read an output of that `shape` for which as much speaks as for `own`, which
    comes first: the channels at the other end, or the tokens of no place behind the patches, and
    with `ends` some in front and some behind.
    """
    if own.kind == "tokens":
        if not own.prefix or own.suffix:
            return [own]
        split = range(1, own.prefix) if ends and own.prefix <= FEW_TOKENS else ()
        return [own] + [
            replace(own, prefix=before, suffix=own.prefix - before) for before in (0, *split)
        ]
    first = own.kind == "channels_last"
    other = Layout(
        "channels_first" if first else "channels_last", tuple(shape[2:] if first else shape[1:-1])
    )
    even = _distortion(other.grid, image) <= _distortion(own.grid, image) + 1e-6
    return [own, other] if even and own.grid != () else [own]
