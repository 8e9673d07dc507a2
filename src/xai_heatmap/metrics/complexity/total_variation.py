"""Total variation: how much a map changes from place to place."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.metric import metric


@metric(
    better="lower",
    cite="",
    use_when="you ask how rough a map is; a smooth one is not a better one",
)
def total_variation(attributions: Map) -> float:
    """Σ_{i~j} |m_i - m_j| / Σ_i |m_i|,  i and j next to each other along one axis.

    0 of a map that is the same everywhere, and of one that is 0. A map drawn out from a coarse grid
    is smooth by that alone: compare maps of one layer.

    Examples
    --------
    >>> import numpy as np
    >>> total_variation(np.array([[0, 1], [0, 1]], np.float32))
    1.0
    """
    own = attributions.astype(np.float64)
    size = float(np.abs(own).sum())
    steps = sum(float(np.abs(np.diff(own, axis=axis)).sum()) for axis in range(own.ndim))
    return steps / size if size > 0 else 0.0
