"""LayerCAM over several layers: the fine grids of early ones with what late ones know."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from xai_heatmap.core.evidence import Level
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._resize import resized
from xai_heatmap.methods.layercam import layercam


@method(
    cite="jiang2021layercam",
    use_when="one map has to show all of the object, at a finer grid than that of the last layer",
    auto="finest",
)
def layercam_fused(
    pyramid: Sequence[Level], *, gamma: Annotated[float, Within(0.01)] = 2.0
) -> MethodResult:
    """max_l tanh(γ M_l / max M_l),  M_l LayerCAM at layer l; of the last layer M_l / max M_l.

    l runs from the layer that is asked for over the last layer of every coarser grid that all paths
    cross; all are drawn out to the first one's grid. The paper lifts the weak places of its three
    early stages (of five) with the tanh, since their maps are low, and takes the maximum; here that
    is done with all layers but the last. A layer without a positive place is left out. The verdict
    holds the number of layers. What any layer shows is shown: `refinecam` shows what all do.

    Examples
    --------
    >>> import numpy as np
    >>> from xai_heatmap.core.evidence import Level
    >>> fine = np.array([[[0, 4, 0, 0]]], np.float32)
    >>> coarse = np.array([[[0, 3]]], np.float32)
    >>> levels = [Level(a, np.ones_like(a)) for a in (fine, coarse)]
    >>> layercam_fused(levels).map.round(2)
    array([[0.  , 0.96, 0.75, 1.  ]], dtype=float32)
    """
    grid = pyramid[0].activation.shape[1:]
    total, used = np.zeros(grid, np.float32), 0
    for place, level in enumerate(pyramid):
        map_ = layercam(level.activation, level.gradient)
        highest = map_.max(initial=0)
        if not highest:
            continue
        share = map_ / highest
        shown = share if place == len(pyramid) - 1 else np.tanh(np.float32(gamma) * share)
        total, used = np.maximum(total, resized(shown, grid)), used + 1
    return MethodResult(total, {"layers": float(used)})
