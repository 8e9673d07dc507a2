"""SS-CAM: Score-CAM with noise on the feature maps, so that none hangs on its own grain."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Input, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._masking import varying, weighted
from xai_heatmap.methods._noise import noisy
from xai_heatmap.methods._resize import resized, scaled


@method(
    cite="wang2020sscam",
    use_when="scorecam's weights jump from one picture to the next, and there is much time",
    passes="`samples` for every feature map that is not flat (`top` of them, if set)",
)
def sscam(
    image: Input,
    activation: Activation,
    model: Scored,
    *,
    noise: Annotated[float, Within(0)] = 0.3,
    samples: Annotated[int, Within(1)] = 8,
    top: Annotated[int, Within(0)] = 0,
    seed: Annotated[int, Within(0)] = 0,
) -> Map:
    """ReLU(Σ_k α_k A_k),  α_k = max(0, mean_i y(x ⊙ H_ki) - y(0)),  H_ki = A_k + ε_i in [0, 1].

    The first of the paper's two forms, where ε_i is noise on the feature map; it is normal, here
    with a deviation of `noise` times the range of A_k, since the paper's 2 means another thing at
    every layer. The second form has the noise on the picture: ``smooth:scorecam``. As in
    ``scorecam`` there is no softmax over k. `top` runs that many feature maps alone, those that
    vary most over the grid; 0 runs all. A feature map that is flat is left out.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[[5, 1]]], np.float32)
    >>> activation = np.array([[[1, 0]], [[0, 1]]], np.float32)
    >>> model = lambda many: np.array([x.sum() for x in many])
    >>> sscam(image, activation, model, noise=0.0)
    array([[5., 1.]], dtype=float32)
    """
    used = varying(activation, top)
    pictures = _hidden(image, activation[used], noise=noise, samples=samples, seed=seed)
    nothing, *values = model(pictures)
    means = np.array(values, np.float64).reshape(len(used), samples).mean(axis=1)
    return weighted(activation, used, np.maximum(means - float(nothing), 0))


def _hidden(
    image: Input, maps: Activation, *, noise: float, samples: int, seed: int
) -> Iterator[Input]:
    """Nothing of the picture, then what each map leaves visible, with noise on it each time."""
    yield np.zeros_like(image)
    for place, map_ in enumerate(maps):
        for own in noisy(map_, noise=noise, samples=samples, seed=seed + place):
            yield image * resized(scaled(own), image.shape[1:])
