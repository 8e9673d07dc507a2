"""How much of the heat lies on the object."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.metric import metric


@metric(
    better="higher",
    cite="arras2022clevrxai",
    use_when="you ask how much of the map lies on the object, its weak places included",
)
def energy(heat: Heat, mask: Mask) -> float:
    """Σ_{ij ∈ mask} ReLU(heat_ij) / Σ_ij ReLU(heat_ij).

    With a box for a mask this is the energy-based pointing game (Wang et al. 2020, "Score-CAM"),
    with the object's own pixels the relevance mass accuracy (Arras et al. 2022, "CLEVR-XAI"). A
    map that is the same everywhere gets the object's share of the area. 0 where nothing is
    positive.

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[1, 3], [0, -5]], np.float32)
    >>> energy(heat, np.array([[False, True], [True, True]]))
    0.75
    """
    positive = np.maximum(heat, 0, dtype=np.float64)
    total = positive.sum()
    return float(positive[mask].sum() / total) if total > 0 else 0.0
