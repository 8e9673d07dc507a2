"""Final activations in Keras: which layers end in softmax or sigmoid."""

from typing import Any

import keras

from xai_heatmap.networks.opening.interfaces import Closing
from xai_heatmap.networks.opening.taps import beneath

CLOSING_FUNCTIONS: dict[Any, Closing] = {
    keras.activations.softmax: "softmax",
    keras.activations.log_softmax: "softmax",
    keras.activations.sigmoid: "sigmoid",
    keras.ops.softmax: "softmax",
    keras.ops.log_softmax: "softmax",
    keras.ops.sigmoid: "sigmoid",
}

ENDS_IN_ITS_ACTIVATION = (
    keras.layers.Activation,
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
"""Layers that apply `activation` last, unlike recurrent layers."""


def closing_in(part: object) -> Closing | None:
    """Softmax layers close, and layers whose activation is softmax or sigmoid."""
    if isinstance(part, keras.layers.Softmax):
        return "softmax"
    if isinstance(part, ENDS_IN_ITS_ACTIVATION):
        return CLOSING_FUNCTIONS.get(beneath(part, "activation"))
    return None
