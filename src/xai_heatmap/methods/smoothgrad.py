"""SmoothGrad: saliency without its speckle."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._channels import Answer, Channels, strongest
from xai_heatmap.methods._noise import noisy_gradients


@method(
    cite="smilkov2017smoothgrad",
    use_when="saliency is too speckled to be read",
    passes="`samples` forward and backward",
    auto="input",
)
def smoothgrad(
    activation: Activation,
    head: Differentiated,
    *,
    noise: Annotated[float, Within(0)] = 0.15,
    samples: Annotated[int, Within(1)] = 25,
    seed: Annotated[int, Within(0)] = 0,
    channels: Channels = "joined",
) -> Answer:
    """max_c |mean_i ∂y/∂x_c(x + ε_i)|,  ε_i normal with deviation σ = noise · (max x - min x).

    The mean is taken over the signed gradients, as in the paper, and the channels are joined as
    ``saliency`` joins them. The paper finds 10 to 20 % of noise and 50 samples at most to do.
    ``channels="each"`` leaves the maximum over c out: a map for each.

    Examples
    --------
    >>> import numpy as np
    >>> class Square:  # y = Σ x²
    ...     def __call__(self, many):
    ...         return np.array([float((x**2).sum()) for x in many])
    ...     def gradients(self, many):
    ...         return ((0.0, 2 * x) for x in many)
    >>> smoothgrad(np.array([[1, -3]], np.float32), Square(), noise=0.0)
    array([2., 6.], dtype=float32)
    """
    total = np.zeros(activation.shape, np.float64)
    for gradient in noisy_gradients(activation, head, noise=noise, samples=samples, seed=seed):
        total += gradient
    return strongest(total / samples, channels)
