"""What stands for "nothing there"."""

from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.blur import blurred

Baseline = Literal["zero", "mean", "blur"]


def baseline(activation: Activation, kind: Baseline) -> Activation:
    """An activation (or a picture) that says nothing of where anything is.

    ``zero`` is all 0, ``mean`` the mean of each feature map everywhere, ``blur`` the activation
    itself under a Gaussian of a twentieth of each axis, at least one place, which keeps colours and
    leaves no detail.
    """
    if kind == "zero":
        return np.zeros_like(activation)
    if kind == "blur":
        return blurred(activation)
    means = activation.mean(axis=tuple(range(1, activation.ndim)), keepdims=True)
    return np.broadcast_to(means, activation.shape)
