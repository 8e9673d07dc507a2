"""A PyTorch module as an ONNX model, by torch's exporter that follows the graph."""

import importlib.util
import inspect
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from onnx import ModelProto
from torch import nn

from xai_heatmap.core.errors import ModelError
from xai_heatmap.exporting.check import takes_any_number
from xai_heatmap.networks.loading.loaded import first_line, missing
from xai_heatmap.networks.torch.model import ModuleAdapter

IMAGE, OPSET = "image", 20

EXAMPLES = 2
"""Images to trace with; one would be taken for a fixed length."""

_OPEN = ({0: torch.export.Dim("images")},)
"""Dynamic shape of the picture: the first axis has any length."""


def from_torch(model: nn.Module, shape: Sequence[int]) -> ModelProto:
    """For any number of images where torch can follow that, else for one at a time.

    What the exporter answers is looked at: where a model counts its pictures (``len(x)``), tracing
    makes the number of the example a constant without a word. Reading the bytecode keeps it open.
    """
    if importlib.util.find_spec("onnxscript") is None:
        raise missing("onnxscript", "pip install onnxscript", purpose="Exporting a PyTorch model")
    if "dynamic_shapes" not in inspect.signature(torch.onnx.export).parameters:
        raise ModelError(
            "Exporting a PyTorch model needs an exporter that follows the graph; that of PyTorch "
            f"{torch.__version__} can't. Run: pip install --upgrade torch"
        )
    parameter = next(model.parameters(), None)
    like = torch.zeros(()) if parameter is None else parameter
    several, one = like.new_zeros((EXAMPLES, *shape)), like.new_zeros((1, *shape))
    with ModuleAdapter(model, output=None).ready(), _quietly():
        for export in (_traced, _read):
            try:
                found = export(model, several)
                if takes_any_number(found, shape):
                    return found
            except Exception:  # noqa: BLE001, S112 - the exporter's errors have no common root
                continue
        try:
            return _traced(model, one, any_number=False)
        except Exception as error:
            raise ModelError(
                f"PyTorch can't export {type(model).__name__} to ONNX: {first_line(error)}. "
                f"Try torch.onnx.export(model, x, dynamo=True) alone to see why; explain() "
                f"needs no export."
            ) from error


def _traced(model: nn.Module, x: torch.Tensor, *, any_number: bool = True) -> ModelProto:
    """The graph that running the model leaves."""
    return _written(model, x, dynamic_shapes=_OPEN if any_number else None)


def _read(model: nn.Module, x: torch.Tensor) -> ModelProto:
    """The graph that the model's bytecode says."""
    return _written(torch.export.export(model, (x,), dynamic_shapes=_OPEN, strict=True), x)


def _written(model: Any, x: torch.Tensor, **options: Any) -> ModelProto:
    program = torch.onnx.export(
        model,
        (x,),
        dynamo=True,
        verbose=False,
        opset_version=OPSET,
        input_names=[IMAGE],
        **options,
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
