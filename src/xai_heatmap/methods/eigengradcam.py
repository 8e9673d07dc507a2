"""EigenGrad-CAM: the strongest pattern in what the feature maps contributed."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Map
from xai_heatmap.core.registry import method
from xai_heatmap.methods._principal import principal


@method(
    cite="gildenblat2021pytorchgradcam",
    use_when="hirescam is noisy: its main pattern alone, still about the class",
)
def eigengradcam(activation: Activation, gradient: Gradient) -> Map:
    """C^T u₁, with C = G ⊙ A = Σ_i σ_i u_i v_i^T the contributions as rows over the grid.

    Eigen-CAM of G ⊙ A, where ``hirescam`` takes the sum. It was published as software, without a
    paper. That software first takes the mean place off; here nothing is taken off, as in Eigen-CAM.
    The sign is the one that agrees with ``hirescam``.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 3]], [[0, 2]]], np.float32)
    >>> gradient = np.array([[[1, 1]], [[1, 2]]], np.float32)
    >>> eigengradcam(activation, gradient)
    array([[0., 5.]], dtype=float32)
    """
    contributions = (gradient * activation).reshape(len(activation), -1).astype(np.float64)
    return principal(contributions).reshape(activation.shape[1:]).astype(np.float32)
