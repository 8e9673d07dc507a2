"""Saliency: how strongly the score would react to each pixel."""

import numpy as np

from xai_heatmap.core.arrays import Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="simonyan2013saliency",
    use_when="you ask which pixels the score is sensitive to, in one backward pass",
    auto="input",
)
def saliency(gradient: Gradient) -> Map:
    """max_c |∂y/∂x_c|.

    Sensitivity is no contribution: it says where the score would change, not what made it. Maps of
    deep networks are speckled; ``smoothgrad`` averages that away.

    Examples
    --------
    >>> import numpy as np
    >>> saliency(np.array([[[1, -2]], [[-3, 0]]], np.float32))
    array([[3., 2.]], dtype=float32)
    """
    return np.abs(gradient).max(axis=0)
