"""Constant folding of the tensors that shapes depend on."""

from collections.abc import Callable

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.builder import Builder

ROUNDS = 8
"""Most rounds of folding: known values may make further values known."""


def with_known_ranks(model: ModelProto, inferred: Callable[[ModelProto], ModelProto]) -> ModelProto:
    """The model, of which shapes were inferred, with whole numbers that are known as constants as
    long as that finds the rank of more tensors.

    Parameters
    ----------
    model
        As `inferred` returns it.
    inferred
        The model with the shapes of all tensors.
    """
    for _ in range(ROUNDS):
        if not _without_rank(model) or not _fold(model):
            break
        model = inferred(model)
    return model


def _without_rank(model: ModelProto) -> bool:
    graph = model.graph
    shaped = {
        v.name for v in (*graph.value_info, *graph.output) if v.type.tensor_type.HasField("shape")
    }
    return any(name and name not in shaped for node in graph.node for name in node.output)


def _fold(model: ModelProto) -> bool:
    """Whether a node became a constant."""
    builder, changed = Builder(model), False
    for node in model.graph.node:
        if node.op_type == "Constant" or len(node.output) != 1:
            continue
        kind = builder.dtypes.get(node.output[0])
        value = builder.known.value(node.output[0]) if kind == np.int64 else None
        if value is not None:
            node.CopyFrom(_constant(node, value))
            changed = True
    return changed


def _constant(node: NodeProto, value: np.ndarray) -> NodeProto:
    tensor = numpy_helper.from_array(value)
    return helper.make_node("Constant", [], node.output, name=node.name, value=tensor)
