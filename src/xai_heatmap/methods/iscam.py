"""IS-CAM: Score-CAM, averaged while the picture behind a feature map is faded in."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Input, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._masking import varying, weighted
from xai_heatmap.methods._resize import resized, scaled


@method(
    cite="naidu2020iscam",
    use_when="scorecam is wanted, and the score saturates before all of the picture is there",
    passes="`steps` for every feature map that is not flat (`top` of them, if set)",
)
def iscam(
    image: Input,
    activation: Activation,
    model: Scored,
    *,
    steps: Annotated[int, Within(1)] = 10,
    top: Annotated[int, Within(0)] = 0,
) -> Map:
    """ReLU(Σ_k α_k A_k),  α_k = max(0, 1/N Σ_{i=1..N} y(i/N · x ⊙ H_k) - y(0)),  N `steps`.

    H_k is A_k drawn out and scaled to [0, 1], as in ``scorecam``, which this is with one step; as
    there, no softmax is taken over k. `top` runs that many feature maps alone, those that vary most
    over the grid; 0 runs all. A feature map that is flat is left out.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[[5, 1]]], np.float32)
    >>> activation = np.array([[[1, 0]], [[0, 1]]], np.float32)
    >>> model = lambda many: np.array([x.sum() for x in many])
    >>> iscam(image, activation, model, steps=4)
    array([[3.125, 0.625]], dtype=float32)
    """
    used = varying(activation, top)
    nothing, *values = model(_faded(image, activation[used], steps))
    means = np.array(values, np.float64).reshape(len(used), steps).mean(axis=1)
    return weighted(activation, used, np.maximum(means - float(nothing), 0))


def _faded(image: Input, maps: Activation, steps: int) -> Iterator[Input]:
    """Nothing of the picture, then what each map leaves visible, step by step."""
    yield np.zeros_like(image)
    for map_ in maps:
        shown = image * resized(scaled(map_), image.shape[1:])
        for step in range(1, steps + 1):
            yield np.float32(step / steps) * shown
