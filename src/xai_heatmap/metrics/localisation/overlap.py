"""Whether something small, such as a mark, is among the strongest places."""

from math import ceil, exp, lgamma
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Heat, Mask
from xai_heatmap.core.metric import metric
from xai_heatmap.core.options import Within
from xai_heatmap.metrics.parts.order import levels


@metric(
    better="higher",
    cite="",
    use_when="the truth is small, such as a mark: is it among the strongest places?",
)
def overlap(heat: Heat, mask: Mask, *, share: Annotated[float, Within(0, 1)] = 0.05) -> float:
    """[strongest `share` of the places ∩ mask ≠ ∅].

    Where places tie at the border, the chance that a random choice among them meets the mask. A
    map that is the same everywhere so gets the chance of as many places thrown at random. 0
    where nothing is positive.

    Examples
    --------
    >>> import numpy as np
    >>> heat = np.array([[3, 2], [1, 0]], np.float32)
    >>> overlap(heat, np.array([[False, True], [False, False]]), share=0.5)
    1.0
    """
    if not heat.max(initial=0) > 0:
        return 0.0
    left = ceil(share * heat.size)
    for places, on_mask in zip(*levels(np.maximum(heat, 0), mask), strict=True):
        if left <= 0:
            break
        if places > left:
            return 1 - _missing(int(places), int(on_mask), left)
        if on_mask:
            return 1.0
        left -= int(places)
    return 0.0


def _missing(places: int, on_mask: int, drawn: int) -> float:
    """Probability that so many draws without replacement meet no place on the mask."""
    if places - on_mask < drawn:
        return 0.0
    return exp(_ways(places - on_mask, drawn) - _ways(places, drawn))


def _ways(n: int, k: int) -> float:
    """ln (n over k)."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
