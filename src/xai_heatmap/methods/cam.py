"""CAM: feature maps weighted as the last linear layer weights their averages."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.registry import method

EVEN = 1e-4
"""As a share of the largest gradient: how far a gradient may be from its mean over the grid."""


@method(
    cite="zhou2016cam",
    use_when="an average and one linear layer follow: exact, evidence against included",
    signed=True,
)
def cam(activation: Activation, gradient: Gradient) -> Map:
    """Σ_k w_k A_k,  w_k the weight of the mean of A_k in the score.

    The weight is read off the gradient, w_k = Σ_ij ∂y/∂A_kij, so the classifier need not be found.
    That asks for a network whose score is linear in the means of the feature maps: ∂y/∂A_k is then
    one number over the whole grid. Where it is not, there is no CAM, and the method says so. The
    mean of the map is the score less its bias. The paper draws the map without a ReLU.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 3]], [[2, 0]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[-0.5, -0.5]]], np.float32)
    >>> cam(activation, gradient)
    array([[0., 6.]], dtype=float32)
    """
    rows = gradient.reshape(len(gradient), -1)
    weights = np.einsum("kp->k", rows)
    uneven = np.abs(rows - weights[:, None] / rows.shape[1]).max(initial=0)
    if uneven > EVEN * np.abs(rows).max(initial=0):
        raise BadOption(
            "cam needs a layer behind which the network only averages over the grid and applies "
            "one linear layer; here the gradient differs from place to place. Choose the last "
            "layer before the average, or method gradcam, which is the same there and works at "
            "every layer."
        )
    return np.einsum("k,k...->...", weights, activation)
