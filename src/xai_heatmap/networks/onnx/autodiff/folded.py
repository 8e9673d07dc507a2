"""Constant folding of the tensors that shapes depend on."""

from collections.abc import Callable

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.builder import Builder

ROUNDS = 8
"""Most rounds of folding: known values may make further values known."""


def with_lengths(model: ModelProto, inferred: Callable[[ModelProto], ModelProto]) -> ModelProto:
    """The model, of which shapes were inferred, with whole numbers and scales that are known as
    constants, as long as there are tensors of open rank, or of open lengths beside the first,
    which counts images.

    Parameters
    ----------
    model
        As `inferred` returns it.
    inferred
        The model with the shapes of all tensors.
    """
    for _ in range(ROUNDS):
        if not _open(model) or not _fold(model):
            break
        model = inferred(model)
    return model


def _open(model: ModelProto) -> bool:
    graph = model.graph
    lengths = {
        v.name: v.type.tensor_type.shape.dim[1:]
        for v in (*graph.value_info, *graph.output)
        if v.type.tensor_type.HasField("shape")
    }
    made = [name for node in graph.node for name in node.output if name]
    return any(
        name not in lengths or not all(one.HasField("dim_value") for one in lengths[name])
        for name in made
    )


def _fold(model: ModelProto) -> bool:
    """Whether a node became a constant."""
    builder, changed = Builder(model), False
    scales = {name for node in model.graph.node if node.op_type == "Resize" for name in node.input}
    for node in model.graph.node:
        if node.op_type == "Constant" or len(node.output) != 1:
            continue
        kind = builder.dtypes.get(node.output[0])
        lengths = kind == np.int64 or node.output[0] in scales
        value = builder.known.value(node.output[0]) if lengths else None
        if value is not None:
            node.CopyFrom(_constant(node, value))
            changed = True
    return changed


def _constant(node: NodeProto, value: np.ndarray) -> NodeProto:
    tensor = numpy_helper.from_array(value)
    return helper.make_node("Constant", [], node.output, name=node.name, value=tensor)
