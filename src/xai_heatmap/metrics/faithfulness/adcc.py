"""ADCC: average drop, coherency and complexity of a map in one figure."""

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import Again, metric
from xai_heatmap.metrics.faithfulness.average_drop import average_drop
from xai_heatmap.metrics.parts.shown import shown, strength


@metric(
    better="higher",
    cite="poppi2021adcc",
    use_when="a paper is to be compared with: average drop, with a price on maps that cover much",
    passes="1, and the method once more",
)
def adcc(
    relevance: DrawnOut, image: Input, probability: float, confidence: Scored, again: Again
) -> float:
    """3 / (1 / (1 - drop) + 1 / coherency + 1 / (1 - complexity)),  the harmonic mean.

    Drop is `average_drop`; coherency (1 + r) / 2, r the correlation of the map with the method's
    map of x ⊙ m; complexity the mean of m, the map from 0 to 1. From 0 to 1. Of a map that is the
    same whatever the picture, coherency is 1, so that two of the three parts say nothing of the
    network: a small spot anywhere gets two good parts of three.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.8, 0.4]], np.float32)
    >>> model = lambda many: np.array([one.mean() for one in many])
    >>> same = lambda many: (np.array([1, 0], np.float32) for _ in many)
    >>> round(adcc(np.array([1, 0], np.float32), x, 0.6, model, same), 3)
    0.667
    """
    (second,) = again([shown(image, relevance)])
    some, other = strength(relevance).ravel(), strength(second).ravel()
    parts = (
        1 - average_drop(relevance, image, probability, confidence),
        (1 + correlation(some, other)) / 2,
        1 - float(some.mean()),
    )
    return 3 / sum(1 / part for part in parts) if min(parts) > 0 else 0.0


def correlation(some: np.ndarray, other: np.ndarray) -> float:
    """Pearson's r; of maps that do not vary 1 where they are one and the same, else 0."""
    if not (np.ptp(some) > 0 and np.ptp(other) > 0):
        return float(np.array_equal(some, other))
    return float(np.corrcoef(some, other)[0, 1])
