"""Input times gradient: what each pixel contributed, to first order."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient
from xai_heatmap.core.registry import method
from xai_heatmap.methods._channels import Answer, Channels, added


@method(
    cite="shrikumar2016inputxgradient",
    use_when="you want signed contributions of pixels in one backward pass",
    signed=True,
    auto="input",
)
def input_x_gradient(
    activation: Activation, gradient: Gradient, *, channels: Channels = "joined"
) -> Answer:
    """Σ_c x_c ⊙ ∂y/∂x_c.

    x is the picture as the network takes it, so pixels that preprocessing turns into 0 get nothing.
    ``hirescam`` is the same sum at a layer inside. It adds up to the score where the network is
    linear; ``integrated_gradients`` does everywhere. ``channels="each"`` leaves the sum over c out:
    a map for each.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> input_x_gradient(x, np.array([[[1, 1]], [[-1, -2]]], np.float32))
    array([[-2.,  2.]], dtype=float32)
    """
    if channels == "each":
        return added(gradient * activation, channels)
    return np.einsum("k...,k...->...", gradient, activation)
