"""Preprocessing of a Keras model, by its layers and its name."""

import re
from collections.abc import Iterator
from typing import Any

import keras

MODES = {
    r"resnet(50|101|152)": "caffe",
    r"vgg(16|19)": "caffe",
    r"resnet(50|101|152)v2": "tf",
    r"inception_v3|inception_resnet_v2|xception": "tf",
    r"mobilenet(v2)?_\d\.\d+_\d+": "tf",
    r"MobileNetV3(Small|Large)": "tf",
    r"efficientnetv2-(b[0-3]|s|m|l)": "tf",
    r"NASNet|nasnet_(mobile|large)": "tf",
    r"densenet(121|169|201)?": "torch",
}
"""`preprocess_input` of `keras.applications`, by the names its models have; MobileNetV3 and
EfficientNetV2 are here
for ``include_preprocessing=False``, otherwise their own first layers tell."""

ARITHMETIC = ("TrueDivide", "Divide", "Subtract", "Multiply")
"""Operations that `preprocess_input` leaves in a functional model that calls it."""


def preset(model: keras.Model) -> str | None:
    """Name of a preset, ``raw`` for a model that scales the pixels; None if nothing tells."""
    declared = None
    for operation in _in_order(model):
        if isinstance(operation, keras.layers.Rescaling) or type(operation).__name__ in ARITHMETIC:
            return "raw"
        if isinstance(operation, keras.layers.Normalization):
            return _normalised(operation)
        if isinstance(operation, keras.Model):
            declared = _mode(operation.name) or declared
        elif isinstance(operation, keras.Layer) and operation.weights:
            return declared
    return declared


def _in_order(model: keras.Model) -> Iterator[keras.Operation]:
    """The model and its operations as they run, nested models opened."""
    yield model
    for operation in model.operations if isinstance(model, keras.Function) else model.layers:
        if isinstance(operation, keras.Model):
            yield from _in_order(operation)
        else:
            yield operation


def _normalised(layer: keras.layers.Normalization) -> str | None:
    """Whether the layer was fitted to pixels of 0 to 255 or of 0 to 1."""
    mean = layer.input_mean if layer.input_mean is not None else getattr(layer, "adapt_mean", None)
    if mean is None:
        return None
    furthest: Any = keras.ops.max(keras.ops.abs(keras.ops.convert_to_tensor(mean)))
    largest = float(furthest)
    return "raw" if largest > 1 else "unit" if largest > 0 else None


def _mode(name: str) -> str | None:
    return next((mode for pattern, mode in MODES.items() if re.fullmatch(pattern, name)), None)
