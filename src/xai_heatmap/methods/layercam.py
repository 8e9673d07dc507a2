"""LayerCAM: every place weighted by its own positive gradient."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method

GAMMA = np.float32(2)
"""How strongly weak places are lifted where the map is scaled; the paper's value."""


@method(
    cite="jiang2021layercam",
    use_when="you look at shallow layers, or want one choice that is reasonable at any depth",
)
def layercam(activation: Activation, gradient: Gradient, *, scale: bool = False) -> Map:
    """ReLU(Σ_k ReLU(∂y/∂A_k) ⊙ A_k).

    ``scale=True`` gives tanh(2M / max M) instead of M, as the paper does with the maps of shallow
    layers before it joins them with others: weak places are lifted and all maps end at one height.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[-1, -2]]], np.float32)
    >>> layercam(activation, gradient)
    array([[1., 2.]], dtype=float32)
    >>> layercam(activation, gradient, scale=True).round(2)
    array([[0.76, 0.96]], dtype=float32)
    """
    map_ = np.maximum(np.einsum("k...,k...->...", np.maximum(gradient, 0), activation), 0)
    highest = map_.max(initial=0)
    return np.tanh(GAMMA * map_ / highest) if scale and highest > 0 else map_
