"""Infidelity: how much of what the network does without parts the map's sums leave open."""

from typing import Annotated

from xai_heatmap.core.arrays import DrawnOut
from xai_heatmap.core.metric import Without, metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.imputation import Fill
from xai_heatmap.metrics.parts.windows import Form, sums_and_falls


@metric(
    better="lower",
    cite="yeh2019infidelity",
    use_when="you ask for sizes and not only for the order, and the map's sign counts",
    passes="58 of a picture for `windows`, 16 for `tiles`, else `masks`; shared by all maps",
)
def infidelity(
    relevance: DrawnOut,
    score: float,
    without: Without,
    *,
    form: Form = "windows",
    masks: Annotated[int, Within(2)] = 64,
    fill: Fill = "blur",
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """min_{β≥0} Σ_S (β Σ_{i∈S} m_i - y(x) + y(x without S))² / Σ_S (y(x) - y(x without S))².

    From 0, where the map's sums say it all, to 1, where they say nothing; the parts S are those of
    `sensitivity_n`. A map has any scale, so the best one is taken, as the paper allows; it is kept
    at 0 or above, since a map and its negative would be told alike otherwise. 0 where the network
    does nothing at all without any part.

    Examples
    --------
    >>> import numpy as np
    >>> worth = np.arange(64.0).reshape(8, 8)
    >>> without = lambda taken, fill: np.array([worth[~own].sum() for own in taken])
    >>> round(infidelity(3 * worth.astype(np.float32), worth.sum(), without), 3)
    0.0
    """
    sums, falls = sums_and_falls(
        relevance, score, without, form=form, masks=masks, fill=fill, seed=seed
    )
    whole, size = float(falls @ falls), float(sums @ sums)
    scale = max(float(sums @ falls), 0.0) / size if size > 0 else 0.0
    left = falls - scale * sums
    return float(left @ left) / whole if whole > 0 else 0.0
