"""Saliency: how strongly the score would react to each pixel."""

from xai_heatmap.core.arrays import Gradient
from xai_heatmap.core.registry import method
from xai_heatmap.methods._channels import Answer, Channels, strongest


@method(
    cite="simonyan2013saliency",
    use_when="you ask which pixels the score is sensitive to, in one backward pass",
    auto="input",
)
def saliency(gradient: Gradient, *, channels: Channels = "joined") -> Answer:
    """max_c |∂y/∂x_c|.

    Sensitivity is no contribution: it says where the score would change, not what made it. Maps of
    deep networks are speckled; ``smoothgrad`` averages that away. ``channels="each"`` leaves the
    maximum over c out: a map for each. ``gradient`` keeps the sign.

    Examples
    --------
    >>> import numpy as np
    >>> saliency(np.array([[[1, -2]], [[-3, 0]]], np.float32))
    array([[3., 2.]], dtype=float32)
    """
    return strongest(gradient, channels)
