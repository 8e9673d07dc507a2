"""Copies of an ONNX graph with other weights, and the graph's own call."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import ModelError, ModelFailed
from xai_heatmap.core.redrawing import Draw
from xai_heatmap.networks.onnx.session import Means, Session, array, value

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)

CODES = (TensorProto.INT8, TensorProto.UINT8)
"""Types of weights that are quantised, as arrays of two axes or more."""

NO_WEIGHTS: Mapping[str, tuple[int, ...]] = {
    "BatchNormalization": (3, 4),
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Clip": (1, 2),
    "Pad": (1, 2, 3),
}
"""Places of an operator's inputs that hold statistics, scales or sizes, which were not learnt."""


def redrawn(model: ModelProto, layers: Mapping[str, Sequence[str]], draw: Draw) -> ModelProto:
    """Copy of a model whose learnt weights are those that `draw` answers.

    Parameters
    ----------
    model
        Stays as it is.
    layers
        The tensors of each layer, by which the layer that a weight belongs to is found.
    draw
        As for `Network.redrawn`.
    """
    own = ModelProto()
    own.CopyFrom(model)
    layer_of = {tensor: name for name, tensors in layers.items() for tensor in tensors}
    readers = _readers(own.graph.node)
    for tensor in _weights(own):
        uses = readers.get(tensor.name, ())
        if not uses or any(place in NO_WEIGHTS.get(node.op_type, ()) for node, place in uses):
            continue
        values = numpy_helper.to_array(tensor)
        drawn = draw(_owner(uses[0][0], readers, layer_of), tensor.name, values)
        tensor.CopyFrom(
            numpy_helper.from_array(np.ascontiguousarray(drawn, values.dtype), tensor.name)
        )
    return own


def _weights(model: ModelProto) -> Iterator[TensorProto]:
    """Constants that may be weights: more than one number, of reals or of codes."""
    for tensor in model.graph.initializer:
        if _many(tensor):
            yield tensor
    for node in model.graph.node:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            if attribute.name == "value" and _many(attribute.t):
                attribute.t.name = node.output[0]
                yield attribute.t


def _many(tensor: TensorProto) -> bool:
    size = int(np.prod(tensor.dims)) if tensor.dims else 1
    codes = tensor.data_type in CODES and len(tensor.dims) > 1
    return size > 1 and (tensor.data_type in FLOATS or codes)


def _readers(nodes: Sequence[NodeProto]) -> dict[str, list[tuple[NodeProto, int]]]:
    """The nodes that read each tensor, each with the place of the input."""
    found: dict[str, list[tuple[NodeProto, int]]] = {}
    for node in nodes:
        for place, name in enumerate(node.input):
            found.setdefault(name, []).append((node, place))
    return found


def _owner(
    node: NodeProto,
    readers: Mapping[str, Sequence[tuple[NodeProto, int]]],
    layer_of: Mapping[str, str],
) -> str:
    """The layer that a weight goes into: that of the first node behind it that is one."""
    seen = set[str]()
    while node.output[0] not in layer_of and node.output[0] not in seen:
        seen.add(node.output[0])
        behind = readers.get(node.output[0], ())
        if not behind:
            return ""
        node = behind[0][0]
    return layer_of.get(node.output[0], "")


def own_session(model: ModelProto, picture: str, means: Means) -> Session | None:
    """The graph as the file has it, for onnxruntime's own call; None where it does not take
    pictures of floats and nothing else.
    """
    kinds = {one.name: one.type.tensor_type.elem_type for one in model.graph.input}
    weights = {tensor.name for tensor in model.graph.initializer}
    if kinds.get(picture) != TensorProto.FLOAT or set(kinds) - weights != {picture}:
        return None
    try:
        return Session(model, means)
    except ModelError:
        return None


def own_call(session: Session, picture: str, answer: str, x: Native) -> Native | None:
    """Answer of a session, picture by picture; None where it fails on these."""
    try:
        rows = [array(session({picture: value(one[None])})[answer]) for one in x]
    except (ModelError, ModelFailed):
        return None
    return np.concatenate(rows)
