"""Agreement of a map with what the explained number does when halves of the input are taken away.

Of a pair of halves the map predicts m, half the difference of its sums over what either half takes;
the number moves by d, half the difference of its falls. What both halves share cancels in both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import permutations, product

import numpy as np

from xai_heatmap.core.shapes import Float64, Int
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


@dataclass(frozen=True)
class OfCopies:
    """T of any map and of every shifted and mirrored copy of it.

    Σ m d of all copies is one product with weights that are found once; √Σ m² is found of one copy
    for all that are alike (`_alike`).

    Parameters
    ----------
    halves, moved
        What was taken away, and how the number moved by it.
    """

    halves: Halves
    moved: Moves

    @cached_property
    def weights(self) -> Float64[np.ndarray, "copies patches"]:
        """What each patch of a map counts for in Σ m d of each copy."""
        own = copies(self.halves.shape[1:])
        found = np.empty(own.shape)
        each = predicted(np.eye(own.shape[1]), self.halves) @ self.moved
        np.put_along_axis(found, own, np.broadcast_to(each, own.shape), axis=1)
        return found

    def __call__(self, patches: Patches) -> Float64[np.ndarray, " copies"]:
        """T of each copy, the map itself first; 0 of one that predicts nothing."""
        first, of = _alike(patches.shape, self.halves.tobytes())
        predictions = predicted(patches.ravel()[copies(patches.shape)[first]], self.halves)
        size = np.sqrt((predictions**2).sum(-1) * (self.moved @ self.moved))
        each = np.where(size > 0, 1 / np.where(size > 0, size, 1), 0.0)
        return (self.weights @ patches.ravel()) * each[of]


def share_as_good(found: Float64[np.ndarray, " copies"]) -> float:
    """p, the share of copies that agree as well as the first or better, the first included."""
    return float((found >= found[0] - SAME).mean())


PROBES = 2
"""Maps of random numbers by which copies are held against each other."""


@lru_cache(16)
def _alike(
    shape: Sequence[int], taken: bytes
) -> tuple[Int[np.ndarray, " kinds"], Int[np.ndarray, " copies"]]:
    """Copies whose Σ m² over the pairs is that of another copy whatever the map: one of each kind,
    and the kind of each.

    Σ m² is a quadratic form of the map; two such forms that agree on maps of random numbers are the
    same. The rows of a Hadamard matrix make most of them so: all that counts is where blocks begin.
    """
    halves = np.frombuffer(taken, bool).reshape(-1, *shape)
    probes = np.random.default_rng(0).random((PROBES, int(np.prod(shape))))
    found = [(predicted(own[copies(shape)], halves) ** 2).sum(-1) for own in probes]
    _, first, of = np.unique(np.round(found, 6), axis=1, return_index=True, return_inverse=True)
    return first, of.ravel()


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
