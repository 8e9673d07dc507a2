"""Whether the strongest places are those of the object."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.order import levels


@metric(
    better="higher",
    cite="arras2022clevrxai",
    use_when="you ask whether the strongest places are those of the object, whatever their values",
)
def rank_accuracy(heat: Heat, mask: Mask) -> float:
    """|top-K of heat ∩ mask| / K,  K = |mask|.

    Arras et al. 2022, "CLEVR-XAI", relevance rank accuracy. Of places that tie at the border of
    the top K, each counts with the share of them that still fits in. Chance gets the object's
    share of the area. 0 for an empty mask.

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[3, 2], [1, 0]], np.float32)
    >>> rank_accuracy(heat, np.array([[True, False], [True, False]]))
    0.5
    """
    wanted = int(mask.sum())
    if not wanted:
        return 0.0
    taken = hits = 0.0
    for places, on_mask in zip(*levels(np.maximum(heat, 0), mask), strict=True):
        share = min(1.0, (wanted - taken) / places)
        hits += share * on_mask
        taken += share * places
        if share < 1:
            break
    return float(hits / wanted)
