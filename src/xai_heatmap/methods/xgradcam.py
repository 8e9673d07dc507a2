"""XGrad-CAM: feature maps weighted by the gradient where they are active."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method

CANCELLED = 1e-3
"""As a share of Σ|A|: below it the places of a feature map cancel out, and it has no mean."""


@method(
    cite="fu2020xgradcam",
    use_when="gradcam is wanted, with weights that add up to the score as far as any can",
)
def xgradcam(activation: Activation, gradient: Gradient, *, relu: bool = True) -> Map:
    """ReLU(Σ_k w_k A_k),  w_k = Σ_ij (A_kij / Σ_ab A_kab) G_kij.

    A feature map whose places cancel out, |ΣA| no more than a thousandth of Σ|A|, has no such mean
    and is left out. Where no A is negative that is only one which is 0 everywhere. ``relu=False``
    keeps evidence against, as negative values.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 3]], [[2, 0]]], np.float32)
    >>> gradient = np.array([[[1, 5]], [[-1, 7]]], np.float32)
    >>> xgradcam(activation, gradient)
    array([[ 2., 12.]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1)
    sums = rows.sum(axis=1, dtype=np.float64)
    whole = np.abs(sums) > CANCELLED * np.abs(rows).sum(axis=1, dtype=np.float64)
    products = (rows * gradient.reshape(rows.shape)).sum(axis=1, dtype=np.float64)
    weights = np.divide(products, sums, out=np.zeros_like(sums), where=whole)
    total = np.einsum("k,k...->...", weights.astype(np.float32), activation)
    return np.maximum(total, 0) if relu else total
