"""Halves of an input, drawn so that every block's effect is measured as well as every other's."""

from itertools import cycle, product

import numpy as np

from xai_heatmap.core.shapes import Bool, Float64
from xai_heatmap.metrics.parts.blocks import OF_A_BLOCK, Blocks

Halves = Bool[np.ndarray, "pairs *patches"]
"""For each pair the patches that its first half takes away; the second half takes the others."""


def halves(blocks: Blocks, pairs: int, *, seed: int = 0) -> Halves:
    """Pairs of halves, each of half of the blocks.

    The blocks that a pair takes are a row of a Hadamard matrix whose columns are shuffled: within
    as many rows as there are blocks, less one, any two pairs are orthogonal, so that what one block
    does is never taken for another's. Further rows are of the matrix shuffled anew, on blocks that
    begin a patch later along some axes and go on at the other edge, so that what lies across the
    edges of blocks is seen too.
    """
    random = np.random.default_rng(seed)
    matrix = hadamard(blocks.count)[1:] < 0
    found: list[Bool[np.ndarray, "*patches"]] = []
    shifts = cycle(_shifts(len(blocks.along)))
    while len(found) < pairs:
        rows = matrix[random.permutation(len(matrix))][:, random.permutation(blocks.count)]
        shift = next(shifts)
        for row in rows[: pairs - len(found)]:
            taken = row.reshape(blocks.along)
            for axis, by in enumerate(shift):
                taken = np.roll(taken.repeat(OF_A_BLOCK, axis), by, axis)
            found.append(taken)
    return np.stack(found)


def whole_draws(blocks: Blocks, pairs: int) -> int:
    """The most pairs, and no more than so many, that are whole sets of orthogonal ones."""
    each = blocks.count - 1
    return pairs - pairs % each if pairs > each else pairs


def _shifts(axes: int) -> list[tuple[int, ...]]:
    """Along which axes blocks begin a patch later: none, all, then each choice of some."""
    every = list(product(range(OF_A_BLOCK), repeat=axes))
    return [every[0], every[-1], *every[1:-1]]


def hadamard(n: int) -> Float64[np.ndarray, "n n"]:
    """Matrix of 1 and -1 whose rows are orthogonal (Sylvester 1867), n a power of two."""
    matrix = np.ones((1, 1))
    while len(matrix) < n:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix
