"""Bias terms of the nodes of a graph: b = v - Σ J u, for the inputs u that depend on the image."""

from collections.abc import Callable, Mapping, Sequence

from onnx import ModelProto

from xai_heatmap.networks.onnx.autodiff.builder import PREFIX, Builder
from xai_heatmap.networks.onnx.autodiff.canonical import OPERATORS
from xai_heatmap.networks.onnx.autodiff.registry import Node, find
from xai_heatmap.networks.onnx.autodiff.sweep import moving as moving_in
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op
from xai_heatmap.networks.rules import BIASES, ONNX, implements, named

POINTWISE = named(OPERATORS, "gate", "gated", "deviation", "pointwise") | {
    *("BatchNormalization", "Max", "Min", "Pow", "Where"),
}
"""Operators whose derivative is one number per entry."""
SCALE_FREE = OPERATORS["normalisation"] - {"BatchNormalization"}
"""Scale-free operators (but for ε): twice the input gives the same output, so J u = 0."""
DOUBLED_TWICE = OPERATORS["product"]
"""Products: if both factors depend on the image, J u = 2 v."""


@implements(BIASES, ONNX)
def biases(model: ModelProto, at: Sequence[str], output: str) -> tuple[ModelProto, dict[str, str]]:
    """Model with the bias terms of the nodes as further outputs, and the names of these outputs by
    the tensor that contains the bias.

    Parameters
    ----------
    model
        As `prepared` returns it. It is not changed.
    at, output
        What depends on the tensors of `at` and leads to `output` moves; all else is a constant.

    A node that is not known here adds nothing: what the sum of all biases lacks then tells.
    """
    builder = Builder(model)
    moving = moving_in(builder, at)
    leading = {output}
    found: dict[str, str] = {}
    for proto in reversed(builder.forward):
        if not leading.intersection(proto.output):
            continue
        leading.update(proto.input)
        name = proto.output[0]
        if name not in moving or name in at or not moving.intersection(proto.input):
            continue
        added = _added(Node(proto, builder), [own in moving for own in proto.input])
        if added is not None:
            found[name] = builder.output(f"{PREFIX}bias/{name}", added, like=builder.tensor(name))
    return builder.finished(), found


def _added(node: Node, moves: Sequence[bool]) -> Tensor | None:
    """Bias term of one node; None for a node without a bias term."""
    operator, v = node.proto.op_type, node.output
    if operator in KNOWN:
        return KNOWN[operator](node, moves)
    if operator in DOUBLED_TWICE:
        return -v if sum(moves) > 1 else None
    if operator in SCALE_FREE:
        return v
    if operator in POINTWISE:
        rule = find(node.proto)
        ones = op("Expand", v.lifted(1), v.lengths())
        slopes = rule.function(node, *[ones, *[None] * (len(node.outputs) - 1) * rule.every_output])
        each = (slopes,) if isinstance(slopes, Tensor) else slopes
        for slope, own, moved in zip(each, node.inputs, moves, strict=False):
            if moved and slope is not None:
                v -= slope * own
        return v
    return None


def _convolution(node: Node, moves: Sequence[bool]) -> Tensor | None:
    bias = node.optional(2)
    if bias is None:
        return None
    return _spread(bias.reshape(-1, *[1] * (len(node.shape(node.output)) - 2)), node.output)


def _linear(node: Node, moves: Sequence[bool]) -> Tensor | None:
    bias = node.optional(2)
    return None if bias is None else _spread(bias * node.attribute("beta", 1.0), node.output)


def _sum(node: Node, moves: Sequence[bool]) -> Tensor | None:
    still = [own for own, moved in zip(node.inputs, moves, strict=True) if not moved]
    return _spread(sum(still[1:], still[0]), node.output) if still else None


def _difference(node: Node, moves: Sequence[bool]) -> Tensor | None:
    a, b = node.inputs
    if all(moves):
        return None
    return _spread(a, node.output) if moves[1] else _spread(-b, node.output)


def _quotient(node: Node, moves: Sequence[bool]) -> Tensor | None:
    if not moves[1]:
        return None
    return node.output if moves[0] else node.output * 2


def _softmax(node: Node, moves: Sequence[bool]) -> Tensor:
    u, v = node.input, node.output
    return v - v * (u - (u * v).sum(node.attribute("axis", -1)))


def _spread(bias: Tensor, like: Tensor) -> Tensor:
    return op("Expand", bias, like.lengths())


KNOWN: Mapping[str, Callable[[Node, Sequence[bool]], Tensor | None]] = {
    "Add": _sum,
    "Conv": _convolution,
    "ConvTranspose": _convolution,
    "Div": _quotient,
    "Gemm": _linear,
    "Softmax": _softmax,
    "Sub": _difference,
    "Sum": _sum,
}
