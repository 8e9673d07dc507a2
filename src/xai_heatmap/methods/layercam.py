"""LayerCAM: every place weighted by its own positive gradient."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="jiang2021layercam",
    use_when="you look at shallow layers, or want one choice that is reasonable at any depth",
)
def layercam(activation: Activation, gradient: Gradient) -> Map:
    """ReLU(Σ_k ReLU(∂y/∂A_k) ⊙ A_k).

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[-1, -2]]], np.float32)
    >>> layercam(activation, gradient)
    array([[1., 2.]], dtype=float32)
    """
    return np.maximum(np.einsum("k...,k...->...", np.maximum(gradient, 0), activation), 0)
