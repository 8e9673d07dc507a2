"""How good a map is where the truth is known: one file for each measure.

A heat is a map drawn out to the size of the picture, float32 (H, W); what speaks against the target
(negative) counts as none. A mask says which pixels are the truth. Places that tie are taken in
every order at once: a measure is the mean over all orders, so that a constant map gets what
chance gets, and no more.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.metrics.energy import energy
from xai_heatmap.metrics.iou import best_iou
from xai_heatmap.metrics.overlap import overlap
from xai_heatmap.metrics.pointing import pointing
from xai_heatmap.metrics.rank import rank_accuracy

METRICS: Mapping[str, Callable[[Heat, Mask], float]] = MappingProxyType(
    {
        "pointing game": pointing,
        "energy in the mask": energy,
        "rank accuracy": rank_accuracy,
        "best IoU": best_iou,
    }
)
"""Every measure of a heat against a mask by its name; 1 is best, 0 is worst."""

__all__ = ["METRICS", "best_iou", "energy", "overlap", "pointing", "rank_accuracy"]
