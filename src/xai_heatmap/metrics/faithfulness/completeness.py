"""Completeness residual: how far a map is from adding up to what the whole input brings."""

import numpy as np

from xai_heatmap.core.arrays import Input, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.metrics.parts.imputation import Fill, imputation


@metric(
    better="lower",
    cite="sundararajan2017integrated",
    use_when="a method promises that its map adds up to the score, and you want to see it",
    passes="1",
)
def completeness_residual(
    attributions: Map, image: Input, score: float, model: Scored, *, fill: Fill = "mean"
) -> float:
    """|Σ_i m_i - (y(x) - y(nothing))| / |y(x) - y(nothing)|.

    The map is added up on its own grid, as the method gave it; what stands for nothing is `fill`:
    the mean of each channel or the blurred picture. A method that adds up to another baseline, such
    as zero at its layer, is not judged by that one. It says nothing of where the parts lie: a map
    that is the same everywhere can add up, too. 0 where neither is anything.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 2, 0, 2]], np.float32)
    >>> model = lambda many: np.array([one.max() for one in many])
    >>> completeness_residual(np.array([1, 0, 0, 0], np.float32), x, 4.0, model)
    0.5
    """
    (empty,) = model([imputation(image, fill)(np.ones(image.shape[1:], bool))])
    whole = score - float(empty)
    residual = abs(float(attributions.sum(dtype=np.float64)) - whole)
    return residual / abs(whole) if whole else residual
