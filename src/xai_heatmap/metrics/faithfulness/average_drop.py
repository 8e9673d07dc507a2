"""Average drop: what the probability loses when only the map's places are shown."""

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.shown import shown


@metric(
    better="lower",
    cite="chattopadhay2018gradcampp",
    use_when="a paper is to be compared with; never alone, since a constant map is best",
    passes="1",
)
def average_drop(
    relevance: DrawnOut, image: Input, probability: float, confidence: Scored
) -> float:
    """max(0, p(x) - p(x ⊙ m)) / p(x),  m the map from 0 to 1.

    The average is over pictures. x ⊙ m is taken of the picture as the network takes it, so that
    places without relevance are 0 after preprocessing. A map that is the same everywhere shows the
    whole picture and loses nothing: this figure rewards maps that cover much.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.8, 0.4]], np.float32)
    >>> model = lambda many: np.array([one.mean() for one in many])
    >>> round(average_drop(np.array([1, 0], np.float32), x, 0.6, model), 6)
    0.333333
    """
    (own,) = confidence([shown(image, relevance)])
    return max(0.0, probability - float(own)) / probability if probability > 0 else 0.0
