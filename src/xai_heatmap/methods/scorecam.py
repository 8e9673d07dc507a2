"""Score-CAM: feature maps weighted by the score of the picture that they leave visible."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Input, Map, Values
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.core.so_far import telling
from xai_heatmap.methods._masking import varying, weighted
from xai_heatmap.methods._resize import resized, scaled


@method(
    cite="wang2020scorecam",
    use_when="there is no gradient, and every feature map may be tried on the picture itself",
    passes="1 for every feature map that is not flat (`top` of them, if set)",
)
def scorecam(
    image: Input,
    activation: Activation,
    model: Scored,
    *,
    softmax: bool = False,
    negative: bool = False,
    top: Annotated[int, Within(0)] = 0,
) -> Map:
    """ReLU(Σ_k α_k A_k),  α_k = max(0, y(x ⊙ H_k) - y(0)),  H_k = A_k drawn out, in [0, 1].

    α_k is the increase of confidence of the paper's definition, where there is one: what lowers
    the score when it alone is shown is no evidence, and ``negative=True``, the definition's
    letter, lets it wipe out other feature maps. The paper's algorithm takes the softmax of the
    increases over k (``softmax=True``), which logits make all but a choice of one feature map,
    seldom the right one; its published code has no softmax, and weights by the probability,
    which is ``target=probability(...)``. x ⊙ H_k is taken of the picture after preprocessing,
    as the paper does, so what is hidden shows the mean colour where a mean is taken off. `top`
    runs that many feature maps alone, those that vary most over the grid; 0 runs all. A feature
    map that is flat has no H and is left out.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[[5, 1]]], np.float32)
    >>> activation = np.array([[[1, 0]], [[0, 1]]], np.float32)
    >>> model = lambda many: np.array([x.sum() for x in many])
    >>> scorecam(image, activation, model)
    array([[5., 1.]], dtype=float32)
    """
    used = varying(activation, top)
    drawn = (resized(scaled(activation[k]), image.shape[1:]) for k in used)

    def map_of(values: Values) -> Map:
        increases = np.array(values[1:], np.float64) - float(values[0])
        if softmax and len(increases):
            increases = np.exp(increases - increases.max())
            increases /= increases.sum()
        elif not negative:
            increases = np.maximum(increases, 0)
        return weighted(activation, used[: len(increases)], increases)

    return map_of(telling(model, map_of)(_hidden(image, drawn)))


def _hidden(image: Input, drawn: Iterator[Map]) -> Iterator[Input]:
    """Nothing of the picture, then what each map leaves visible."""
    yield np.zeros_like(image)
    for map_ in drawn:
        yield image * map_
