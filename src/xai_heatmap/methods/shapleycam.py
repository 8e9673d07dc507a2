"""ShapleyCAM: Grad-CAM with weights that know how the score bends."""

import numpy as np

from xai_heatmap.core.affine import affine
from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.registry import method

STEP = np.float32(0.01)
"""How far A is moved for the difference, as a share of itself."""


@method(
    cite="cai2025shapleycam",
    use_when="the target bends, as residual_softmax and probability do, and gradcam is too blunt",
    passes="2 forward and backward through the head",
)
def shapleycam(
    activation: Activation,
    gradient: Gradient,
    head: Differentiated,
    *,
    relu: bool = True,
) -> Map:
    """ReLU(Σ_k w_k A_k),  w_k = mean over the grid of (G - ½ H A)_k,  H = ∂²y/∂A².

    The Shapley value of a feature map, its score taken to second order. H A is a difference of two
    gradients, (G((1 + ε) A) - G((1 - ε) A)) / 2ε ε = 0.01, so H itself is never made. The
    paper explains ``target=residual_softmax()``. Of a logit behind nothing but an average and a
    linear layer H is 0, and the map is that of ``gradcam``. Where ReLUs follow, H is 0 at almost
    every A, and the difference also counts those that switch on the way. ``relu=False`` keeps
    evidence against, as negative values.

    Examples
    --------
    >>> import numpy as np
    >>> class Square:  # y = Σ A², so that G = 2 A and H A = 2 A
    ...     def __call__(self, many):
    ...         return np.array([float((a**2).sum()) for a in many])
    ...     def gradients(self, many):
    ...         return ((0.0, 2 * a) for a in many)
    >>> activation = np.array([[[1, 3]]], np.float32)
    >>> shapleycam(activation, 2 * activation, Square()).round(4)
    array([[2., 6.]], dtype=float32)
    """
    bend = np.float32(0)  # of what is affine
    if affine(head) is None:
        around = [(1 + way * STEP) * activation for way in (1, -1)]
        (_, more), (_, less) = head.gradients(around)
        bend = (more - less) / (2 * STEP)
    rows = (gradient - bend / 2).reshape(len(activation), -1)
    weights = np.einsum("kp->k", rows) / np.float32(rows.shape[1])
    total = np.einsum("k,k...->...", weights, activation)
    return np.maximum(total, 0) if relu else total
