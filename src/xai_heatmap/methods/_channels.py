"""Channels of the input, joined into one map or each with a map of its own."""

from typing import Literal

import numpy as np

from xai_heatmap.core.shapes import Float, Float32

Channels = Literal["joined", "each"]
"""One map of all channels, or one of each, (k, *grid)."""

Parts = Float[np.ndarray, "k *grid"]

Answer = Float32[np.ndarray, "..."]


def added(parts: Parts, channels: Channels) -> Answer:
    """What each channel contributed, or the sum of all."""
    return np.asarray(parts if channels == "each" else parts.sum(axis=0), np.float32)


def strongest(parts: Parts, channels: Channels) -> Answer:
    """How strong each channel is, or the strongest of all."""
    sizes = np.abs(parts)
    return np.asarray(sizes if channels == "each" else sizes.max(axis=0), np.float32)
