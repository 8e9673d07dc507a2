"""Figures that say how good a map is: one file for each metric, in a folder for each family.

A heat is a map drawn out to the size of the picture, float32 (H, W); what speaks against the
target (negative) counts as none where a metric is about the object. A mask says which pixels are
the truth. Places that tie are taken in every order at once: a measure is the mean over all orders,
so that a constant map gets what chance gets, and no more.

Importing this package registers every metric that comes with it (`core.metric.METRICS`).
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.metrics.localisation.energy import energy
from xai_heatmap.metrics.localisation.iou import best_iou
from xai_heatmap.metrics.localisation.overlap import overlap
from xai_heatmap.metrics.localisation.pointing import pointing
from xai_heatmap.metrics.localisation.rank import rank_accuracy

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

METRICS: Mapping[str, Callable[[Heat, Mask], float]] = MappingProxyType(
    {
        "pointing game": pointing,
        "energy in the mask": energy,
        "rank accuracy": rank_accuracy,
        "best IoU": best_iou,
    }
)
"""Every measure of a heat against a mask by the name that tables give it; 1 is best, 0 is worst."""

__all__ = ["METRICS", "best_iou", "energy", "overlap", "pointing", "rank_accuracy"]
