"""Eigen-CAM: the strongest pattern in the feature maps, whatever the class."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.registry import method
from xai_heatmap.methods._principal import principal


@method(
    cite="muhammad2020eigencam",
    use_when="there is no gradient or no class: the fastest look at what a layer responds to",
)
def eigencam(activation: Activation) -> Map:
    """A^T u₁, with A = Σ_i σ_i u_i v_i^T the feature maps as rows over the grid.

    Not about any class: where the background is the main pattern, that is what it shows. A singular
    vector has no sign of its own: it is chosen so that the map agrees with the mean activation over
    the grid, and so what is active is never shown inverted. Places that go against the main pattern
    come out negative. Computed in double precision.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 3]], [[0, 4]]], np.float32)
    >>> eigencam(activation)
    array([[0., 5.]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1).astype(np.float64)
    return principal(rows).reshape(activation.shape[1:]).astype(np.float32)
