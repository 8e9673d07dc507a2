"""Agreement of a map with what the explained number does when halves of the input are taken away.

Of a pair of halves the map predicts m, half the difference of its sums over what either half takes;
the number moves by d, half the difference of its falls. What both halves share cancels in both.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from jaxtyping import Float64, Int

from xai_heatmap.metrics.parts.blocks import Patches
from xai_heatmap.metrics.parts.halving import Halves

FLAT = 1e-5
"""A map whose patches differ by less than this share of the largest is the same everywhere."""

SAME = 1e-6
"""Copies whose agreement is less by no more than this are as good as the map."""

Moves = Float64[np.ndarray, " pairs"]
"""One number for each pair of halves."""


def flat(patches: Patches) -> bool:
    """Whether the patches are the same everywhere, but for rounding."""
    return float(np.ptp(patches)) <= FLAT * float(np.abs(patches).max(initial=0))


def predicted(
    patches: Float64[np.ndarray, "... patches"], halves: Halves
) -> Float64[np.ndarray, "... pairs"]:
    """Half the difference of a map's sums over both halves of each pair, of one map or several."""
    signs = np.where(halves.reshape(len(halves), -1), 0.5, -0.5)
    return patches @ signs.T


def cosine(
    some: Float64[np.ndarray, "... pairs"], others: Float64[np.ndarray, "*more pairs"]
) -> Float64[np.ndarray, "..."]:
    """Σ m d / √(Σ m² Σ d²), in [-1, 1]; 0 where either is 0 throughout."""
    size = np.sqrt((some**2).sum(-1) * (others**2).sum(-1))
    return np.where(size > 0, (some * others).sum(-1) / np.where(size > 0, size, 1), 0.0)


def agreement(patches: Patches, halves: Halves, moved: Moves) -> float:
    """T, the cosine of what the map predicts and what moved; 0 of a map that is flat."""
    if flat(patches):
        return 0.0
    return float(cosine(predicted(patches.ravel(), halves), moved))


def spread(patches: Patches, halves: Halves, moved: Moves) -> float:
    """Standard error of T over the pairs, by leaving out one pair after the other (jackknife)."""
    if flat(patches):
        return 0.0
    own = predicted(patches.ravel(), halves)
    n, products, some, others = len(own), own * moved, own**2, moved**2
    sizes = np.maximum((some.sum() - some) * (others.sum() - others), 0)
    without = np.where(sizes > 0, products.sum() - products, 0) / np.sqrt(np.where(sizes, sizes, 1))
    return float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))


def of_copies(patches: Patches, halves: Halves, moved: Moves) -> Float64[np.ndarray, " copies"]:
    """T of the map and of every shifted and mirrored copy of it, the map itself first."""
    found = predicted(patches.ravel()[copies(patches.shape)], halves)
    size = np.sqrt(np.einsum("cp,cp->c", found, found) * (moved @ moved))
    return np.where(size > 0, found @ moved, 0.0) / np.where(size > 0, size, 1)


def share_as_good(found: Float64[np.ndarray, " copies"]) -> float:
    """p, the share of copies that agree as well as the first or better, the first included."""
    return float((found >= found[0] - SAME).mean())


@lru_cache(8)
def copies(shape: Sequence[int]) -> Int[np.ndarray, "copies patches"]:
    """Numbers of the patches in every cyclic shift of every mirrored or turned copy; a turn swaps
    axes that have the same number of patches. The first is the map itself.
    """
    own = np.arange(int(np.prod(shape))).reshape(shape)
    rows = [
        np.roll(turned, shift, axis=tuple(range(len(shape)))).ravel()
        for turned in _turned(own)
        for shift in product(*map(range, shape))
    ]
    return np.array(rows)


def _turned(own: Int[np.ndarray, "*patches"]) -> Iterator[Int[np.ndarray, "*patches"]]:
    axes = range(own.ndim)
    for order in permutations(axes):
        swapped = own.transpose(order)
        if swapped.shape != own.shape:
            continue
        for mirrored in product((False, True), repeat=own.ndim):
            yield np.flip(swapped, tuple(axis for axis in axes if mirrored[axis]))
