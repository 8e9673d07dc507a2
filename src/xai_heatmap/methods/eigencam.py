"""Eigen-CAM: the strongest pattern in the feature maps, whatever the class."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.registry import method


@method(
    cite="muhammad2020eigencam",
    use_when="there is no gradient or no class: the fastest look at what a layer responds to",
)
def eigencam(activation: Activation) -> Map:
    """A^T u₁, with A = Σ_i σ_i u_i v_i^T the feature maps as rows over the grid.

    Not about any class. A singular vector has no sign of its own: it is chosen so that the map
    agrees with the mean activation over the grid, and so the object is never shown inverted. v₁
    comes from the smaller of the two Gram matrices, h·w x h·w or k x k, in double precision; no
    full decomposition is made. Places that go against the main pattern come out negative.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 3]], [[0, 4]]], np.float32)
    >>> eigencam(activation)
    array([[0., 5.]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1).astype(np.float64)
    k, places = rows.shape
    gram = rows.T @ rows if places <= k else rows @ rows.T
    leading = np.linalg.eigh(gram)[1][:, -1]
    direction = rows @ leading if places <= k else leading
    projection = rows.T @ direction / max(np.linalg.norm(direction), np.finfo(np.float64).tiny)
    return (
        (_agreement(projection, rows.mean(axis=0)) * projection)
        .reshape(activation.shape[1:])
        .astype(np.float32)
    )


def _agreement(projection: np.ndarray, mean: np.ndarray) -> float:
    """1 or -1: how the projection has to be turned to correlate with the mean activation."""
    correlation = (projection - projection.mean()) @ (mean - mean.mean())
    return float(np.sign(correlation) or np.sign(projection @ mean) or 1)
