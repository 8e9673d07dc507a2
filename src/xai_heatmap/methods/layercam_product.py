"""LayerCAM of two layers, multiplied: what the deep one knows, where the finer one sees it."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Map
from xai_heatmap.core.cells import cell_means
from xai_heatmap.core.evidence import Level
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._resize import resized
from xai_heatmap.methods.layercam import layercam


@method(
    cite="domeniconi2026refinecam",
    use_when="you ask why a detector found a box: little heat lies on anything else",
)
def layercam_product(stages: Sequence[Level]) -> MethodResult:
    """N² ⊙ N_t,  N LayerCAM at the layer and N_t before it, each divided by its highest place.

    t is the last layer before the one that is asked for that is at least as fine and that all paths
    through the network cross. N is drawn out to its grid, and the product is averaged over each
    place of the layer. A place is hot where both layers say so: the deep one knows to what its
    places belong, the finer one where that lies. It is RefineCAM's product of layers as the paper
    has it, of two, the deep one taken twice: once leaves more of the heat on what lies beside.
    `refinecam` joins many, and takes a mean, which is not as dark and lets more through. Where no
    such layer lies before, or nothing is left of the product, the map is N. The verdict holds the
    number of layers.

    Examples
    --------
    >>> import numpy as np
    >>> from xai_heatmap.core.evidence import Level
    >>> fine = np.array([[[4, 0, 1, 2]]], np.float32)
    >>> coarse = np.array([[[0, 3]]], np.float32)
    >>> layercam_product([Level(a, np.ones_like(a)) for a in (coarse, fine)]).map
    array([[0.       , 0.3203125]], dtype=float32)
    """
    own, *before = (_scaled(layercam(one.activation, one.gradient)) for one in stages)
    if not before:
        return MethodResult(own, {"layers": 1.0})
    finer = before[0]
    product = cell_means(resized(own, finer.shape) ** 2 * finer, own.shape).astype(np.float32)
    met = bool(product.any())
    return MethodResult(product if met else own, {"layers": 1.0 + met})


def _scaled(map_: Map) -> Map:
    highest = map_.max(initial=0)
    return map_ / highest if highest > 0 else map_
