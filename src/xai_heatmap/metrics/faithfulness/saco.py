"""SaCo: whether parts that the map says more of are parts that the probability loses more by."""

from itertools import combinations
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill, imputation


@metric(
    better="higher",
    cite="wu2024saco",
    use_when="a paper is to be compared with; maps of a class that looks alike fool it",
    passes="`groups`",
)
def saco(
    relevance: DrawnOut,
    image: Input,
    probability: float,
    confidence: Scored,
    *,
    groups: Annotated[int, Within(2)] = 10,
    fill: Fill = "mean",
) -> float:
    """Σ_{i<j} ±(s_i - s_j) / Σ_{i<j} (s_i - s_j),  + where p falls at least as far by i as by j.

    Places are ordered by the map and cut into `groups` of equal size, s the map's mean over each,
    the strongest first; p falls by each group taken away alone. From -1 to 1; 0 for a map that is
    the same everywhere. Places that tie keep the order of the picture.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 3, 2, 1]], np.float32)
    >>> model = lambda many: np.array([one.sum() / 20 for one in many])
    >>> saco(x[0], x, 0.5, model, groups=2)
    1.0
    """
    order = np.argsort(-relevance.ravel().astype(np.float64), kind="stable")
    parts = np.array_split(order, min(groups, len(order)))
    without = imputation(image, fill)
    gone = [np.isin(np.arange(len(order)), own).reshape(relevance.shape) for own in parts]
    falls = probability - confidence(without(own) for own in gone).astype(np.float64)
    means = [float(relevance[own].mean(dtype=np.float64)) for own in gone]
    above = total = 0.0
    for (s, fall), (t, other) in combinations(zip(means, falls, strict=True), 2):
        above += s - t if fall >= other else t - s
        total += abs(s - t)
    return above / total if total > 0 else 0.0
