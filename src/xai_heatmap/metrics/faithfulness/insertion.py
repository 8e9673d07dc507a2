"""Insertion: how soon the score rises when the strongest places are shown first."""

from typing import Annotated

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.taking import curve


@metric(
    better="higher",
    cite="petsiuk2018rise",
    use_when="you ask whether the strongest places are enough for the score",
    passes="`steps`; up to `ties` for each where places tie",
)
def insertion(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    fill: Fill = "blur",
    steps: Annotated[int, Within(1)] = 16,
    block: Annotated[int, Within(1)] = 1,
    ties: Annotated[int, Within(1)] = 4,
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """∫₀¹ y(x with nothing but the strongest share s of its places) ds.

    As `deletion` the other way round: it begins with an empty picture, by default the blurred one,
    and ends with the whole. Of a network that is linear in x, insertion and deletion with the same
    options add up to y of the whole picture and y of the empty one.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 0, 0, 0]], np.float32)
    >>> model = lambda many: np.array([one.max() for one in many])
    >>> insertion(x[0], x, 4.0, model, steps=4, fill="mean")
    3.625
    """
    return curve(
        relevance, image, score, model,
        inserting=True, fill=fill, steps=steps, block=block, ties=ties, seed=seed,
    ).area  # fmt: skip
