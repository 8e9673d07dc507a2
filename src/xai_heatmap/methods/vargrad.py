"""VarGrad: where the gradient depends on what is in the picture beside."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._channels import Answer, Channels, strongest
from xai_heatmap.methods._noise import noisy_gradients


@method(
    cite="adebayo2018vargrad",
    use_when="you ask where the network's answer is made, not in which direction",
    passes="`samples` forward and backward",
    auto="input",
)
def vargrad(
    activation: Activation,
    head: Differentiated,
    *,
    noise: Annotated[float, Within(0)] = 0.15,
    samples: Annotated[int, Within(2)] = 25,
    seed: Annotated[int, Within(0)] = 0,
    channels: Channels = "joined",
) -> Answer:
    """max_c Var_i ∂y/∂x_c(x + ε_i),  ε_i normal with deviation σ = noise · (max x - min x).

    What a linear network does has no variance and is not shown. The paper leaves open how colour
    channels are joined; here as by ``saliency``, or with ``channels="each"`` not at all.

    Examples
    --------
    >>> import numpy as np
    >>> class Cube:  # y = Σ x³
    ...     def __call__(self, many):
    ...         return np.array([float((x**3).sum()) for x in many])
    ...     def gradients(self, many):
    ...         return ((0.0, 3 * x**2) for x in many)
    >>> map_ = vargrad(np.array([[1, -3]], np.float32), Cube())
    >>> bool(map_[1] > 4 * map_[0] > 0)
    True
    """
    total, squares = np.zeros((2, *activation.shape), np.float64)
    for gradient in noisy_gradients(activation, head, noise=noise, samples=samples, seed=seed):
        total += gradient
        squares += np.square(gradient, dtype=np.float64)
    variance = np.maximum(squares / samples - (total / samples) ** 2, 0)
    return strongest(variance, channels)
