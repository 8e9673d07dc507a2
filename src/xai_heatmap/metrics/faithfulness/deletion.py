"""Deletion: how soon the score falls when the strongest places are taken away first."""

from typing import Annotated

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.taking import curve


@metric(
    better="lower",
    cite="petsiuk2018rise",
    use_when="you ask whether the score falls as soon as the strongest places are gone",
    passes="`steps`; up to `ties` for each where places tie",
)
def deletion(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    fill: Fill = "mean",
    steps: Annotated[int, Within(1)] = 16,
    block: Annotated[int, Within(1)] = 1,
    ties: Annotated[int, Within(1)] = 4,
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """∫₀¹ y(x without the strongest share s of its places) ds.

    The area below the curve by trapezia, both ends included, on the scale of the explained number:
    it tells maps of one picture and one target apart, and not pictures. The paper's number is the
    probability: ``target=probability(...)``. Places that are away show `fill`: ``mean`` of each
    channel, ``blur``, or ``linear``, what the neighbours let one expect. `block` takes squares of
    so many places at once. Where a step cuts through places of one value, every choice among them
    counts alike; of more than `ties` choices so many are drawn.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 0, 0, 0]], np.float32)
    >>> model = lambda many: np.array([one.max() for one in many])
    >>> deletion(x[0], x, 4.0, model, steps=4)
    1.375
    """
    return curve(
        relevance, image, score, model,
        inserting=False, fill=fill, steps=steps, block=block, ties=ties, seed=seed,
    ).area  # fmt: skip
