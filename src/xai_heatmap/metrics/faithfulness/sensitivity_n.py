"""Sensitivity-n: whether the map's sum over a part goes along with the fall without that part."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.windows import Form, sums_and_falls


@metric(
    better="higher",
    cite="ancona2018sensitivity",
    use_when="you compare maps of one picture by how well they add up to what the network does",
    passes="58 of a picture for `windows`, 16 for `tiles`, else `masks`",
)
def sensitivity_n(
    relevance: DrawnOut,
    image: Input,
    score: float,
    model: Scored,
    *,
    form: Form = "windows",
    masks: Annotated[int, Within(2)] = 64,
    fill: Fill = "blur",
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """corr_S(Σ_{i∈S} m_i, y(x) - y(x without S)).

    Pearson's correlation, 0 where either does not vary. The parts S are the same for every map.
    `form` says which: ``windows`` of 2x2 and 4x4 of 8x8 patches, ``tiles`` of 2x2, ``halves`` of
    the picture in blocks, ``scattered`` halves patch by patch, ``eighths``. Windows of two sizes
    order maps best and flatter any map that is broad: a larger window holds more of both.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(64, dtype=np.float32)[None]
    >>> model = lambda many: np.array([one.sum() for one in many])
    >>> whole = float(x.sum())
    >>> round(sensitivity_n(x[0] - x.mean(), x, whole, model, form="tiles", fill="mean"), 3)
    1.0
    """
    sums, falls = sums_and_falls(
        relevance, image, score, model, form=form, masks=masks, fill=fill, seed=seed
    )
    if not (np.ptp(sums) > 0 and np.ptp(falls) > 0):
        return 0.0
    return float(np.corrcoef(sums, falls)[0, 1])
