"""Group-CAM: groups of feature maps weighted by the score of what they leave sharp."""

from itertools import chain
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient, Input, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._baseline import blurred
from xai_heatmap.methods._resize import resized, scaled


@method(
    cite="zhang2021groupcam",
    use_when="scorecam is wanted in a few dozen passes, and there is a gradient",
    passes="`groups` forward at most",
)
def groupcam(
    image: Input,
    activation: Activation,
    gradient: Gradient,
    model: Scored,
    *,
    groups: Annotated[int, Within(1)] = 32,
    hidden: Annotated[float, Within(0, 1)] = 0.7,
) -> Map:
    """ReLU(Σ_g (y(x ⊙ H_g + b ⊙ (1 - H_g)) - y(b)) H_g),  H_g from ReLU(Σ_{k in g} α_k A_k).

    α_k is the mean gradient, as in ``gradcam``; b is the picture under a blur. Groups are feature
    maps that follow each other, as in the paper. H_g is the group's own Grad-CAM, its lowest places
    set to 0 (`hidden` of them, as a share) and its highest to 1. The paper blurs with a window of
    51 pixels; here the Gaussian has a twentieth of each axis. H_g is scaled on the layer's grid,
    where the map stays, and drawn out for the picture alone. The published code takes
    probabilities; that is ``target=probability(...)``.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[[6, 0]]], np.float32)
    >>> activation = np.array([[[1, 0]], [[0, 1]]], np.float32)
    >>> model = lambda many: np.array([x[0, 0, 0] for x in many])
    >>> map_ = groupcam(image, activation, np.ones_like(activation), model, groups=2)
    >>> bool(map_[0, 0] > 0), map_[0, 1]
    (True, np.float32(0.0))
    """
    k = len(activation)
    means = np.einsum("kp->k", gradient.reshape(k, -1)) / np.float32(activation[0].size)
    parts = np.einsum("k,k...->k...", means, activation)
    together = (part.sum(axis=0) for part in np.array_split(parts, min(groups, k)))
    kept = (_without_lowest(np.maximum(one, 0), hidden) for one in together)
    masks = [scaled(one) for one in kept if np.ptp(one)]
    nothing = blurred(image)
    sharp = (resized(mask, image.shape[1:]) for mask in masks)
    whole, *values = model(chain([nothing], (nothing + own * (image - nothing) for own in sharp)))
    total = np.zeros(activation.shape[1:], np.float32)
    for mask, value in zip(masks, values, strict=True):
        total += np.float32(value - whole) * mask
    return np.maximum(total, 0)


def _without_lowest(map_: Map, share: float) -> Map:
    return np.where(map_ > np.quantile(map_, share), map_, np.float32(0))
