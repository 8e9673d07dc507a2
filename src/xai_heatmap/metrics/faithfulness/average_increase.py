"""Average increase: whether the network is surer when only the map's places are shown."""

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.shown import shown


@metric(
    better="higher",
    cite="chattopadhay2018gradcampp",
    use_when="a paper is to be compared with: the share of pictures of which less shows more",
    passes="1",
)
def average_increase(
    relevance: DrawnOut, image: Input, probability: float, confidence: Scored
) -> float:
    """[p(x ⊙ m) > p(x)],  m the map from 0 to 1.

    The average over pictures is the share of them. Of one picture it is 0 or 1, and 0 for nearly
    every map of a network that is sure.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.8, -0.4]], np.float32)
    >>> model = lambda many: np.array([one.mean() for one in many])
    >>> average_increase(np.array([1, 0], np.float32), x, 0.2, model)
    1.0
    """
    (own,) = confidence([shown(image, relevance)])
    return float(own > probability)
