"""Average gain: what the probability wins when only the map's places are shown."""

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.shown import shown


@metric(
    better="higher",
    cite="zhang2023opticam",
    use_when="a paper is to be compared with: average drop's counterpart, by how much p rises",
    passes="1",
)
def average_gain(
    relevance: DrawnOut, image: Input, probability: float, confidence: Scored
) -> float:
    """max(0, p(x ⊙ m) - p(x)) / (1 - p(x)),  m the map from 0 to 1.

    The average is over pictures. 0 where the network was as sure as can be.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.8, -0.4]], np.float32)
    >>> model = lambda many: np.array([one.mean() for one in many])
    >>> round(average_gain(np.array([1, 0], np.float32), x, 0.2, model), 6)
    0.25
    """
    (own,) = confidence([shown(image, relevance)])
    return max(0.0, float(own) - probability) / (1 - probability) if probability < 1 else 0.0
