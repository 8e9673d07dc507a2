"""Insertion and deletion in one figure."""

from typing import Annotated

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.faithfulness.deletion import deletion
from xai_heatmap.metrics.faithfulness.insertion import insertion
from xai_heatmap.metrics.parts.imputation import Fill


@metric(
    better="higher",
    cite="petsiuk2018rise",
    use_when="you want one figure for both: are the strongest places enough, and are they needed?",
    passes="2 x `steps`; up to `ties` for each where places tie",
)
def insertion_deletion(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    onto: Fill = "blur",
    fill: Fill = "mean",
    steps: Annotated[int, Within(1)] = 16,
    block: Annotated[int, Within(1)] = 1,
    ties: Annotated[int, Within(1)] = 4,
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """insertion - deletion.

    The area between both curves; above 0 where the map is right about the order more often than
    not. `onto` is what insertion begins with, `fill` what deletion leaves behind.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 0, 0, 0]], np.float32)
    >>> model = lambda many: np.array([one.max() for one in many])
    >>> insertion_deletion(x[0], x, 4.0, model, steps=4, onto="mean")
    2.25
    """
    alike = {"steps": steps, "block": block, "ties": ties, "seed": seed}
    return insertion(relevance, image, score, model, fill=onto, **alike) - deletion(
        relevance, image, score, model, fill=fill, **alike
    )
