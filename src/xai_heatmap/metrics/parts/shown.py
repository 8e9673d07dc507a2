"""A picture of which each place is shown as far as the map is strong there."""

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.shapes import Float64


def strength(relevance: DrawnOut) -> Float64[np.ndarray, "*image"]:
    """The map from 0 at its lowest place to 1 at its highest; of a map that is the same everywhere
    1 where it is above 0, and else 0.
    """
    low, high = float(relevance.min()), float(relevance.max())
    if high > low:
        return (relevance.astype(np.float64) - low) / (high - low)
    return np.full(relevance.shape, float(high > 0))


def shown(image: Input, relevance: DrawnOut) -> Input:
    """x ⊙ m, m the map's `strength`."""
    return (image * strength(relevance)).astype(np.float32)
