"""Sensitivity-n: whether the map's sum over a part goes along with the fall without that part."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import DrawnOut
from xai_heatmap.core.metric import Without, metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.windows import Form, sums_and_falls


@metric(
    better="higher",
    cite="ancona2018sensitivity",
    use_when="you compare maps of one picture by how well they add up to what the network does",
    passes="58 of a picture for `windows`, 16 for `tiles`, else `masks`; shared by all maps",
)
def sensitivity_n(
    relevance: DrawnOut,
    score: float,
    without: Without,
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
    ``halves`` with fill ``linear`` are the very passes of the test of maps, in whole draws: 60 of
    64; linear filling is that of the test, on cells of half a patch.

    Examples
    --------
    >>> import numpy as np
    >>> worth = np.arange(64.0).reshape(8, 8)
    >>> without = lambda taken, fill: np.array([worth[~own].sum() for own in taken])
    >>> round(sensitivity_n(worth.astype(np.float32), worth.sum(), without, form="tiles"), 3)
    1.0
    """
    sums, falls = sums_and_falls(
        relevance, score, without, form=form, masks=masks, fill=fill, seed=seed
    )
    if not (np.ptp(sums) > 0 and np.ptp(falls) > 0):
        return 0.0
    return float(np.corrcoef(sums, falls)[0, 1])
