"""LibraGrad: contributions by balanced gradients, which add up in transformers too."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="mehri2025libragrad",
    use_when="the network is a transformer, and the map has to show evidence against as well",
    signed=True,
)
def libragrad(activation: Activation, balanced: Gradient) -> Map:
    """Σ_k Ĝ_k ⊙ A_k,  Ĝ = ∂y/∂A where attention, gates and deviations count as constants.

    On the way back nothing passes through attention weights, through the gate of an activation
    (GELU is x · gate) or through the deviation of a normalisation, and each factor of a product
    gets half. So every layer is linear in what it is given, and the map of a layer that all paths
    cross, together with what the constants behind it contribute (biases, tokens without a place),
    sums to the score. In a network of convolutions and ReLUs it is `hirescam`.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> balanced = np.array([[[1, 1]], [[-1, -2]]], np.float32)
    >>> libragrad(activation, balanced)
    array([[-2.,  2.]], dtype=float32)
    """
    return np.einsum("k...,k...->...", balanced, activation)
