"""A PyTorch module as an ONNX model, by torch's exporter that follows the graph."""

import importlib.util
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from onnx import ModelProto
from torch import nn

from xai_heatmap.backends.loaded import first_line, missing
from xai_heatmap.backends.torch_module import ModuleAdapter
from xai_heatmap.core.errors import ModelError

IMAGE, OPSET = "image", 20

EXAMPLES = 2
"""Images to trace with; one would be taken for a fixed length."""


def from_torch(model: nn.Module, shape: Sequence[int]) -> ModelProto:
    """For any number of images where torch can follow that, else for one at a time."""
    if importlib.util.find_spec("onnxscript") is None:
        raise missing("onnxscript", "pip install onnxscript", purpose="Exporting a PyTorch model")
    parameter = next(model.parameters(), None)
    like = torch.zeros(()) if parameter is None else parameter
    with ModuleAdapter(model, output=None).ready(), _quietly():
        try:
            return _exported(model, like.new_zeros((EXAMPLES, *shape)), any_number=True)
        except Exception:  # noqa: BLE001 - the exporter's errors have no common root
            try:
                return _exported(model, like.new_zeros((1, *shape)), any_number=False)
            except Exception as error:
                raise ModelError(
                    f"PyTorch can't export {type(model).__name__} to ONNX: {first_line(error)}. "
                    f"Try torch.onnx.export(model, x, dynamo=True) alone to see why; explain() "
                    f"needs no export."
                ) from error


def _exported(model: nn.Module, x: torch.Tensor, *, any_number: bool) -> ModelProto:
    program = torch.onnx.export(
        model,
        (x,),
        dynamo=True,
        verbose=False,
        opset_version=OPSET,
        input_names=[IMAGE],
        dynamic_shapes=({0: torch.export.Dim("images")},) if any_number else None,
    )
    return program.model_proto  # type: ignore[union-attr] - a program, since no file was named


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's own remarks, which nobody here could act on."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
