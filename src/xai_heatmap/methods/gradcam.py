"""Grad-CAM: feature maps weighted by their mean gradient."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method


@method(
    cite="selvaraju2017gradcam",
    use_when="you want the method that everybody knows, near the end of a convolutional network",
)
def gradcam(activation: Activation, gradient: Gradient, *, relu: bool = True) -> Map:
    """ReLU(Σ_k α_k A_k),  α_k = mean of ∂y/∂A_k over the grid.

    Averaging forgets *where* the gradient was, so at shallow layers the map can lie beside the
    evidence; `hirescam` and `layercam` keep the place. ``relu=False`` keeps evidence against, as
    negative values.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[0, -2]]], np.float32)
    >>> gradcam(activation, gradient)
    array([[0., 2.]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1)
    weights = np.einsum("kp->k", gradient.reshape(rows.shape)) / np.float32(rows.shape[1])
    # Not `weights @ rows`: the threads that BLAS wakes for it spin on and halve the speed of the
    # next forward pass; einsum takes as long on one thread.
    total = np.einsum("k,kp->p", weights, rows).reshape(activation.shape[1:])
    return np.maximum(total, 0) if relu else total
