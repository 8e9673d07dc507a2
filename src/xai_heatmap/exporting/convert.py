"""From a framework's own model to an ONNX model, by the framework's own exporter."""

import importlib
from collections.abc import Sequence
from typing import Any

from onnx import ModelProto

from xai_heatmap.core.errors import NotAModel
from xai_heatmap.networks.onnx.file import OnnxFile

CONVERTERS = {
    "keras.src.models.model.Model": ("from_keras", "from_keras"),
    "torch.nn.modules.module.Module": ("from_torch", "from_torch"),
}
"""Exporters by the class of a model; asked in this order, since a Keras model on torch is both."""


def converted(model: Any, shape: Sequence[int]) -> ModelProto:
    """An ONNX model of `model` for pictures of `shape` (c, *image); of ONNX models, itself.

    Raises
    ------
    NotAModel
        For anything that has no exporter.
    ModelError
        If the exporter fails.
    MissingFramework
        If it is not installed.
    """
    if isinstance(model, OnnxFile | ModelProto):
        return model.model if isinstance(model, OnnxFile) else model
    classes = [f"{c.__module__}.{c.__qualname__}" for c in type(model).__mro__]
    for name, (module, function) in CONVERTERS.items():
        if name in classes:
            home = importlib.import_module(f"xai_heatmap.exporting.{module}")
            return getattr(home, function)(model, shape)
    raise NotAModel(
        f"An ONNX, PyTorch or Keras model can be exported; received {type(model).__name__}."
    )
