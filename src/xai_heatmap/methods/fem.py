"""FEM: where feature maps are unusually strong, whatever the class."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method


@method(
    cite="fuad2020fem",
    use_when="there is no gradient or no class, and eigencam shows one pattern too few",
)
def fem(activation: Activation, *, sigmas: Annotated[float, Within(0)] = 2.0) -> Map:
    """Σ_k μ_k [A_k ≥ μ_k + s σ_k],  μ_k and σ_k the mean and deviation of A_k over the grid.

    Not about any class, so a striking background stands out too. s is `sigmas`. A feature map that
    is the same everywhere stands out nowhere and is left out. Nothing is normalised.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 0, 0, 4]], [[1, 1, 1, 1]]], np.float32)
    >>> fem(activation, sigmas=1.0)
    array([[0., 0., 0., 1.]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1)
    means, deviations = rows.mean(axis=1), rows.std(axis=1)
    limits = np.where(deviations > 0, means + np.float32(sigmas) * deviations, np.inf)
    strong = (rows >= limits[:, None]).astype(np.float32)
    return np.einsum("k,kp->p", means, strong).reshape(activation.shape[1:])
