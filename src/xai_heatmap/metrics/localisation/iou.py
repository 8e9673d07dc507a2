"""How well the outline of the heat fits the object, at the threshold that fits best."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.order import levels


@metric(
    better="higher",
    cite="choe2020right",
    use_when="you ask how well the outline fits the object, at the best threshold",
)
def best_iou(heat: Heat, mask: Mask) -> float:
    """max_t |{heat ≥ t} ∩ mask| / |{heat ≥ t} ∪ mask|,  t > 0.

    The best threshold is chosen with the truth in hand, for each picture anew: it measures the
    shape of the map and not a choice of threshold. A map that is the same everywhere gets the
    object's share of the area; 0 where nothing is positive.

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[3, 2], [1, 0]], np.float32)
    >>> best_iou(heat, np.array([[True, True], [False, False]]))
    1.0
    """
    places, on_mask = levels(np.maximum(heat, 0), mask)
    if not heat.max(initial=0) > 0:
        return 0.0
    if heat.min() <= 0:
        places, on_mask = places[:-1], on_mask[:-1]
    above, hits = np.cumsum(places), np.cumsum(on_mask)
    return float(np.max(hits / (above + mask.sum() - hits)))
