"""Entropy: over how many places a map's relevance is spread."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.metric import metric


@metric(
    better="lower",
    cite="bhatt2020evaluating",
    use_when="you ask how many places a reader has to look at; not whether these are right",
)
def entropy(attributions: Map) -> float:
    """-Σ_i q_i ln q_i,  q_i = |m_i| / Σ |m|.

    In nats: 0 where one place holds all, ln n where all share alike, and of a map that is 0.

    Examples
    --------
    >>> import numpy as np
    >>> entropy(np.array([0, 0, 3], np.float32))
    0.0
    >>> round(entropy(np.ones(4, np.float32)), 3)
    1.386
    """
    sizes = np.abs(attributions.ravel().astype(np.float64))
    if not sizes.any():
        return float(np.log(len(sizes)))
    shares = sizes[sizes > 0] / sizes.sum()
    return float(np.abs((shares * np.log(shares)).sum()))
