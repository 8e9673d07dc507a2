"""A picture of which each place is shown as far as the map is strong there."""

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input


def shown(image: Input, relevance: DrawnOut) -> Input:
    """x ⊙ m, m the map from 0 at its lowest place to 1 at its highest; m of a map that is the same
    everywhere is 1 where it is above 0, and else 0.
    """
    low, high = float(relevance.min()), float(relevance.max())
    if high > low:
        mask = (relevance.astype(np.float64) - low) / (high - low)
    else:
        mask = np.full(relevance.shape, float(high > 0))
    return (image * mask).astype(np.float32)
