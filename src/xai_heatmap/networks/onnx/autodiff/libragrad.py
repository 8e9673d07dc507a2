"""LibraGrad in ONNX: the nonlinear factors of a graph are held constant.

Attention weights, gates and deviations are constants, and where two tensors that both depend on
what is asked for are multiplied, each gets half.
"""

from collections.abc import Sequence

from onnx import NodeProto

from xai_heatmap.networks.onnx.autodiff.builder import Builder
from xai_heatmap.networks.onnx.autodiff.canonical import OPERATORS
from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT, Node, Rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, where
from xai_heatmap.networks.onnx.autodiff.way import Way
from xai_heatmap.networks.rules import LIBRAGRAD, ONNX, implements, treated

TREATED = treated(OPERATORS, LIBRAGRAD)
"""Treatment of each operator by LibraGrad."""

STRAIGHT = OPERATORS["straight"]
AT_ZERO = {"Gelu": 0.5, "Swish": 0.5, "HardSwish": 0.5, "Mish": 0.6}
"""Gates f(x) / x at 0, where other than 1."""


def _balanced_constant(node: NodeProto, builder: Builder) -> bool:
    if node.op_type == "Softmax":
        return len(builder.shapes.get(node.output[0]) or (0, 0, 0)) > 2  # else it closes
    if node.op_type == "Sigmoid":
        return not _answers(node.output[0], builder)
    if node.op_type == "Tanh":
        return _is_gate(node, builder)
    return TREATED.get(node.op_type) == "constant" or node.op_type in CONSTANT


def _answers(name: str, builder: Builder) -> bool:
    """Whether a tensor is part of what the graph answers, as it is: then no gate, whatever made
    it.
    """
    readers = [node for node in builder.forward if name in node.input]
    onward = [own for node in readers if node.op_type in STRAIGHT for own in node.output]
    return not readers or any(_answers(own, builder) for own in onward)


def _is_gate(node: NodeProto, builder: Builder) -> bool:
    """Whether 1 is added to a node's output, as in GELU's approximation x · ½ (1 + tanh u)."""
    readers = [n for n in builder.forward if node.output[0] in n.input and n.op_type == "Add"]
    others = [name for reader in readers for name in reader.input if name != node.output[0]]
    values = [builder.tensor(name).value for name in others]
    return any(value is not None and (value == 1).all() for value in values)


def _numerators(node: NodeProto, wanted: Sequence[str]) -> Sequence[str]:
    """Inputs that get a cotangent: of a division or power only the first, the dividend or base."""
    return [n for n in wanted if n in node.input[:1]] if node.op_type in ("Div", "Pow") else wanted


def _layer(node: Node, g: Tensor) -> Tensor:
    """∂x = (h − mean h) / σ with h = g · scale."""
    x, scale = node.inputs[:2]
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    h = g * scale
    return (h - h.mean(*axes)) / _deviation(x - x.mean(*axes), axes, node)


def _rms(node: Node, g: Tensor) -> Tensor:
    """∂x = g · scale / σ."""
    x, scale = node.inputs
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    return g * scale / _deviation(x, axes, node)


def _instance(node: Node, g: Tensor) -> Tensor:
    """LibraGrad of InstanceNormalization: σ of each image and channel is held constant."""
    x, scale, _ = node.inputs
    rank = len(node.shape(x))
    axes = tuple(range(2, rank))
    h = g * scale.reshape(-1, *(1,) * (rank - 2))
    return (h - h.mean(*axes)) / _deviation(x - x.mean(*axes), axes, node)


def _group(node: Node, g: Tensor) -> Tensor:
    """LibraGrad of GroupNormalization: σ of each image and group of channels is held constant."""
    x, scale, _ = node.inputs
    groups, spatial = node.attribute("num_groups", 1), (1,) * (len(node.shape(x)) - 2)
    if node.builder.opset < 21:
        raise node.refused(
            "before opset 21 its scale is ill-defined; export the model with opset 21"
        )
    h = (g * scale.reshape(-1, *spatial)).reshape(0, groups, -1)
    rows = x.reshape(0, groups, -1)
    sigma = _deviation(rows - rows.mean(2), (2,), node)
    return ((h - h.mean(2)) / sigma).reshaped_like(x)


def _deviation(centred: Tensor, axes: tuple[int, ...], node: Node) -> Tensor:
    return ((centred * centred).mean(*axes) + node.attribute("epsilon", 1e-5)) ** 0.5


def _gated(node: Node, g: Tensor) -> Tensor:
    """∂x = g · y / x."""
    x = node.input
    zero = x.equals(0)
    at_zero = AT_ZERO.get(node.proto.op_type, 1.0)
    return g * where(zero, at_zero, node.output / where(zero, 1, x))


def _power(node: Node, g: Tensor) -> Tensor:
    """∂x = g · x of a square, a product with itself; g of x itself; nothing of other powers."""
    exponent = node.optional(1)
    value = None if exponent is None else exponent.value
    if value is not None and (value == 2).all():
        return g * node.input
    return g if value is not None and (value == 1).all() else node.input.zeros()


BALANCED = implements(LIBRAGRAD, ONNX)(
    Way(
        constant=_balanced_constant,
        wanted=_numerators,
        products=OPERATORS["product"],
        rules={
            operator: Rule(operator, function, broadcasts=operator == "Pow")
            for function, operators in {
                _layer: ["LayerNormalization"],
                _rms: ["RMSNormalization"],
                _instance: ["InstanceNormalization"],
                _group: ["GroupNormalization"],
                _gated: OPERATORS["gated"],
                _power: ["Pow"],
            }.items()
            for operator in operators
        },
    )
)
"""LibraGrad's backward rules in ONNX."""
