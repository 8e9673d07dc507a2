"""Parts of an input that are taken away, the same for every map: windows, tiles, halves."""

from collections.abc import Sequence
from itertools import product
from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import DrawnOut
from xai_heatmap.core.metric import Taken, Without
from xai_heatmap.core.shapes import Float64
from xai_heatmap.metrics.parts.blocks import OF_A_BLOCK, Blocks, blocks_of
from xai_heatmap.metrics.parts.halving import halves, whole_draws
from xai_heatmap.metrics.parts.imputation import Fill

Form = Literal["windows", "tiles", "halves", "scattered", "eighths"]

SIDES = ((2, 1), (4, 2))
"""Patches of a window along each axis, and from one window to the next."""

Numbers = Float64[np.ndarray, " masks"]
"""One number for each time that something is taken away."""


def taken_away(blocks: Blocks, form: Form, masks: int, seed: int) -> Taken:
    """Patches that are taken away together, time after time.

    ``windows`` are those of 2 and of 4 patches a side, ``tiles`` the blocks one at a time,
    ``halves`` those of the test of maps, in whole draws, ``scattered`` half of the patches drawn at
    random and then the other half, ``eighths`` an eighth of them. The first two are as many as
    there are.
    """
    if form == "windows":
        return windows(blocks.patches)
    if form == "tiles":
        return windows(blocks.patches, ((OF_A_BLOCK, OF_A_BLOCK),))
    if form == "halves":
        pairs = halves(blocks, whole_draws(blocks, max(masks // 2, 1)), seed=seed)
        return np.stack([pairs, ~pairs], axis=1).reshape(-1, *blocks.patches)
    random, count = np.random.default_rng(seed), int(np.prod(blocks.patches))
    parts = 2 if form == "scattered" else 8
    rows = []
    while len(rows) < masks:
        order = random.permutation(count).reshape(parts, -1)
        rows += [np.isin(np.arange(count), own) for own in order]
    return np.array(rows[:masks]).reshape(-1, *blocks.patches)


def windows(patches: Sequence[int], sides: Sequence[tuple[int, int]] = SIDES) -> Taken:
    """Windows of so many patches a side, each so many after the one before."""
    found = []
    for side, step in sides:
        for start in product(*(range(0, n - side + 1, step) for n in patches)):
            own = np.zeros(patches, bool)
            own[tuple(slice(s, s + side) for s in start)] = True
            found.append(own)
    return np.array(found)


def sums_and_falls(
    relevance: DrawnOut,
    score: float,
    without: Without,
    *,
    form: Form,
    masks: int,
    fill: Fill,
    seed: int,
) -> tuple[Numbers, Numbers]:
    """What the map has in all that is taken away together, and how far the number falls by it."""
    blocks = blocks_of(relevance.shape)
    taken = taken_away(blocks, form, masks, seed)
    each = np.bincount(
        blocks.owners.ravel(), relevance.ravel().astype(np.float64), int(np.prod(blocks.patches))
    )
    sums = taken.reshape(len(taken), -1) @ each
    return sums, score - without(taken, fill).astype(np.float64)
