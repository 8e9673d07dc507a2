"""The places of a heat from the strongest to the weakest, those that tie together."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.shapes import Float64

Counts = Float64[np.ndarray, " levels"]


def levels(heat: Heat, mask: Mask) -> tuple[Counts, Counts]:
    """Counts for each value of the heat, highest first: of places, and of places on the mask."""
    values, which = np.unique(-heat, return_inverse=True)
    which = which.ravel()
    places = np.bincount(which, minlength=len(values))
    on_mask = np.bincount(which, weights=mask.ravel(), minlength=len(values))
    return places.astype(np.float64), on_mask
