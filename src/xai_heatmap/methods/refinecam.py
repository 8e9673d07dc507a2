"""RefineCAM: where the maps of all layers agree, from coarse to fine."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from xai_heatmap.core.evidence import Level
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._resize import resized, scaled
from xai_heatmap.methods.layercam import layercam


@method(
    cite="domeniconi2026refinecam",
    use_when="the map has to be sharp: what the last layer shows, with the edges of early ones",
    auto="finest",
)
def refinecam(
    pyramid: Sequence[Level], *, floor: Annotated[float, Within(0, 0.9)] = 0.1
) -> MethodResult:
    """((Π_l (f + (1 - f) N_l))^{1/n} - f) / (1 - f),  N_l LayerCAM at layer l, scaled to [0, 1].

    l runs over n layers: the one that is asked for and the last one of every coarser grid that all
    paths cross; all are drawn out to the first one's grid. The paper multiplies N_l as they are.
    Their geometric mean has the same order of places and is not as dark: of the product little
    more than the strongest place can be seen. With ``floor=0`` a place where one layer shows
    nothing is lost, as in the paper; f is what such a place counts there. A layer whose map is the
    same everywhere is left out, instead of blanking the others. The verdict holds the number of
    layers.

    Examples
    --------
    >>> import numpy as np
    >>> from xai_heatmap.core.evidence import Level
    >>> fine = np.array([[[4, 0, 1, 0]]], np.float32)
    >>> coarse = np.array([[[0, 3]]], np.float32)
    >>> levels = [Level(a, np.ones_like(a)) for a in (fine, coarse)]
    >>> refinecam(levels, floor=0.0).map.round(2)
    array([[0.  , 0.  , 0.43, 0.  ]], dtype=float32)
    """
    grid = pyramid[0].activation.shape[1:]
    maps = [layercam(level.activation, level.gradient) for level in pyramid]
    used = [resized(scaled(map_), grid) for map_ in maps if np.ptp(map_) > 0]
    if not used:
        return MethodResult(np.zeros(grid, np.float32), {"layers": 0.0})
    product = np.prod([floor + (1 - floor) * own for own in used], axis=0)
    mean = (product ** (1 / len(used)) - floor) / (1 - floor)
    return MethodResult(mean.astype(np.float32), {"layers": float(len(used))})
