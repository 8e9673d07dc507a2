"""What stands for "nothing there"."""

from typing import Annotated, Literal

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.blur import blurred
from xai_heatmap.core.filling import Filling
from xai_heatmap.core.shapes import Float32

Baseline = Annotated[
    Literal["zero", "mean", "blur"] | float | Float32[np.ndarray, "..."], Filling()
]
"""A word, one number, or an activation of its own."""


def baseline(activation: Activation, kind: Baseline) -> Activation:
    """An activation (or a picture) that says nothing of where anything is.

    ``zero`` is all 0, ``mean`` the mean of each feature map everywhere, ``blur`` the activation
    itself under a Gaussian of a twentieth of each axis, at least one place, which keeps colours and
    leaves no detail. A number stands everywhere, an array (k, *grid) as it is.
    """
    if not isinstance(kind, str):
        return np.broadcast_to(np.asarray(kind, np.float32), activation.shape)
    if kind == "zero":
        return np.zeros_like(activation)
    if kind == "blur":
        return blurred(activation)
    means = activation.mean(axis=tuple(range(1, activation.ndim)), keepdims=True)
    return np.broadcast_to(means, activation.shape)
