"""XRAI: regions of the picture, ranked by how densely they hold what adds to the score."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.filling import Regions
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._areas import Areas, Shares
from xai_heatmap.methods._path import RESIDUAL, along
from xai_heatmap.methods._regions import ranked
from xai_heatmap.methods._segments import is_short, of_one_slice, segmentations

SCALES = tuple(scale / 255 for scale in (50, 100, 150, 250, 500, 1200))
LEAST = 150 / 224**2
WIDER = 5 / 224
SLIVER = 50 / 224**2
"""As the paper's published code has them: allowances of six segmentations, the smallest region as a
share of all places, by how much a region is widened, as a share of the longest axis, and how few
free places a region is not taken for, as a share of all."""

HALF = 0.5
"""Share of a place from which on a region of the user's own has that place."""


@method(
    cite="kapishnikov2019xrai",
    use_when="whole regions are to be seen, with the edges of things, instead of pixels",
    passes="2 x `steps` forward and backward",
    auto="input",
)
def xrai(
    activation: Activation,
    head: Differentiated,
    *,
    steps: Annotated[int, Within(1)] = 16,
    regions: Annotated[Shares | None, Regions()] = None,
) -> MethodResult:
    """mean of a_q over what region R adds to those before it,  a the integrated gradients.

    a is the mean of two: from the darkest and from the brightest value of each channel, everywhere,
    so that nothing is lost for having the colour of the baseline. The picture is cut into regions
    six times, from fine to coarse; regions overlap. The one with the highest mean of a comes first,
    then the one whose places that are still free have the highest, as long as there are 50 at
    224 x 224; the slivers that are left share their mean. The map adds up to what a does; the
    residual, the larger of both, is in the verdict. What is below 0 is not drawn: the best has been
    taken from around what is left, so it says more of the order than of evidence against.

    Regions are Felzenszwalb and Huttenlocher's, of neighbours along the axes, widened by 5/224 of
    the longest axis to hold their own edges, as in the paper. An axis of less than half as many
    places, such as frames, is not smoothed, counts for no size, and widens by 5/224 of its own.
    With `regions`, a label image or masks, those compete in their place, as they are: each has the
    places that it covers at least by half, and what lies in none gets 0.

    Examples
    --------
    >>> import numpy as np
    >>> class Square:  # y = Σ x²
    ...     def __call__(self, many):
    ...         return np.array([float((x**2).sum()) for x in many])
    ...     def gradients(self, many):
    ...         return ((0.0, 2 * x) for x in many)
    >>> xrai(np.array([[0, 0, 0, 5, 5, 4, 4]], np.float32), Square()).map
    array([-12.5, -12.5, -12.5,  12.5,  12.5,   3.5,   3.5], dtype=float32)
    """
    axes = tuple(range(1, activation.ndim))
    ends = (activation.min(axis=axes, keepdims=True), activation.max(axis=axes, keepdims=True))
    ways = [
        along(head, np.broadcast_to(end, activation.shape), activation, steps=steps) for end in ends
    ]
    added = (ways[0].map.astype(np.float64) + ways[1].map) / 2
    if regions is not None:
        own = ranked(added, [np.where(share >= HALF, 0, -1) for share in regions])
        map_ = np.where(np.any(regions >= HALF, axis=0), own, 0).astype(np.float32)
        residual = max(way.figures[RESIDUAL] for way in ways)
        return MethodResult(map_, {RESIDUAL: residual}, Areas(regions).gathered(map_))
    labels = segmentations(activation, SCALES, least=LEAST)
    figures = {
        RESIDUAL: max(way.figures[RESIDUAL] for way in ways),
        "regions": float(sum(one.max() + 1 for one in labels)),
    }
    longest = max(added.shape)
    sides = [side if is_short(side, added.shape) else longest for side in added.shape]
    around = [round(WIDER * side) for side in sides]
    fewest = max(1, round(SLIVER * of_one_slice(added.shape)))
    found = ranked(added, labels, around=around, fewest=fewest)
    return MethodResult(found.astype(np.float32), figures)
