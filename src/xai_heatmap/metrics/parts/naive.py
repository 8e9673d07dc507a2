"""Maps that know nothing of a network: the edges of an input, and a blob in its middle."""

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.metrics.parts.blocks import Blocks, Patches, patch_means

MIDDLE = 0.25
"""Standard deviation of the blob in the middle, as a part of each axis."""


def edges(x: Input, blocks: Blocks) -> Patches:
    """How much the input changes from place to place, the mean over each patch: what a map that
    knows nothing of the network would show.
    """
    gray = x.astype(np.float64).mean(axis=0)
    slopes = np.stack(np.gradient(gray)) if gray.ndim > 1 else np.gradient(gray)[None]
    return patch_means(np.sqrt((slopes**2).sum(axis=0)), blocks)


def centre(blocks: Blocks) -> Patches:
    """A blob in the middle of the input."""
    total = np.zeros(blocks.patches)
    for axis, n in enumerate(blocks.patches):
        away = (((np.arange(n) + 0.5) / n - 0.5) / MIDDLE) ** 2 / 2
        total = total + away.reshape([-1 if a == axis else 1 for a in range(len(blocks.patches))])
    return np.exp(-total)
