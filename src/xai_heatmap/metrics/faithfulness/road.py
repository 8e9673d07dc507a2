"""ROAD: whether the number falls sooner without the strongest places than without the weakest."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.taking import curve


@metric(
    better="higher",
    cite="rong2022road",
    use_when="you ask for the order of places with pictures that stay near to real ones",
    passes="2 x `steps`; up to `ties` for each where places tie",
)
def road(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    fill: Fill = "linear",
    steps: Annotated[int, Within(2)] = 10,
    block: Annotated[int, Within(1)] = 16,
    ties: Annotated[int, Within(1)] = 4,
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """mean_s y(x without the weakest share s) - mean_s y(x without the strongest share s).

    s = 1 / `steps`, 2 / `steps`, ... below 1. What is away shows what its neighbours let one
    expect, so that the edges of holes give nothing away; the noise that the paper adds is left out.
    Squares of `block` places go as one. Unlike deletion the figure is above 0 only for a map that
    is better than its own reverse; above 0 is not yet better than the edges of the picture.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[4, 0, 0, 0]], np.float32)
    >>> model = lambda many: np.array([one.max() for one in many])
    >>> road(x[0], x, 4.0, model, steps=2, block=1, fill="mean", ties=9) > 0
    True
    """
    alike = {"fill": fill, "steps": steps, "block": block, "ties": ties, "seed": seed}
    strongest, weakest = (
        curve(own, image, score, model, inserting=False, **alike).values[1:-1]
        for own in (relevance, -relevance)
    )
    return float(np.mean(weakest) - np.mean(strongest)) if len(weakest) else 0.0
