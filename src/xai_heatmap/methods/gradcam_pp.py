"""Grad-CAM++: positive gradients, weighted so that several objects count alike."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="chattopadhay2018gradcampp",
    use_when="several objects of the class are in the picture, or gradcam shows part of one",
)
def gradcam_pp(activation: Activation, gradient: Gradient) -> Map:
    """ReLU(Σ_k w_k A_k),  w_k = Σ_ij α_kij ReLU(G_kij),  α_kij = 1 / (2 + G_kij Σ_ab A_kab).

    The paper writes α = G² / (2G² + G³ ΣA), for a score that is exp(y). G² is divided out here, so
    that no small number has to be added to the denominator; where G is 0 so is its weight. exp(y)
    scales the whole map and is left out: a large score would overflow. The derivation takes feature
    maps that are nowhere negative. A negative ΣA, which could make the denominator 0, counts as 0.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[-1, 0]]], np.float32)
    >>> gradcam_pp(activation, gradient)
    array([[0.4, 0.8]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1)
    positive = np.maximum(gradient.reshape(rows.shape), 0)
    sums = np.maximum(np.einsum("kp->k", rows), 0)
    weights = np.einsum("kp->k", positive / (2 + positive * sums[:, None]))
    return np.maximum(np.einsum("k,k...->...", weights, activation), 0)
