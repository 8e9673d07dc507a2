"""HiResCAM: what each place contributed, with its sign."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="draelos2020hirescam",
    use_when="the map has to show only what the network used, evidence against included",
    signed=True,
)
def hirescam(activation: Activation, gradient: Gradient) -> Map:
    """Σ_k ∂y/∂A_k ⊙ A_k.

    Where the head is linear in A the map sums to the score less its constant part. The paper
    closes with a ReLU; the signed map is kept here, because that is what adds up.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[-1, -2]]], np.float32)
    >>> hirescam(activation, gradient)
    array([[-2.,  2.]], dtype=float32)
    """
    return np.einsum("k...,k...->...", gradient, activation)
