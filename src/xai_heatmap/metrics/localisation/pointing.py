"""The pointing game: whether the strongest place lies on the object."""

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.metric import metric


@metric(
    better="higher",
    cite="zhang2018excitation",
    use_when="you ask for one place: does the strongest one lie on the object?",
)
def pointing(heat: Heat, mask: Mask) -> float:
    """[argmax heat ∈ mask].

    Zhang et al. 2018, "Top-down neural attention by excitation backprop", without their margin of
    15 pixels around the object. Where several places share the maximum, the share of them that lies
    on the mask; 0 where nothing is positive.

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[0, 3], [3, 1]], np.float32)
    >>> pointing(heat, np.array([[True, True], [False, False]]))
    0.5
    """
    highest = heat.max(initial=0)
    if highest <= 0:
        return 0.0
    return float(np.mean(mask[heat == highest]))
