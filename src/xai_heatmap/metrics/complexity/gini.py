"""Gini index: how unequally the places of a map share its relevance."""

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.metric import metric


@metric(
    better="higher",
    cite="chalasani2020concise",
    use_when="you ask how few places hold the map; it says nothing of whether these are right",
)
def gini(attributions: Map) -> float:
    """1 - 2 Σ_k |m|_(k) / Σ |m| · (n - k + 1/2) / n,  |m|_(1) ≤ ... ≤ |m|_(n).

    0 of a map that is the same everywhere, and of one that is 0; 1 - 1/n where one place holds all.

    Examples
    --------
    >>> import numpy as np
    >>> gini(np.ones(4, np.float32)), gini(np.array([0, 0, 0, 1], np.float32))
    (0.0, 0.75)
    """
    sizes = np.sort(np.abs(attributions.ravel().astype(np.float64)))
    n, total = len(sizes), sizes.sum()
    if total == 0:
        return 0.0
    ranks = np.arange(1, n + 1)
    return float(1 - 2 * (sizes / total * (n - ranks + 0.5) / n).sum())
