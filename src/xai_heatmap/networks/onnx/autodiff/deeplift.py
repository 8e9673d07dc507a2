"""DeepLIFT in ONNX: a graph beside a copy, with slopes between both runs for derivatives.

By the Rescale rule of Shrikumar et al. 2017 a function of one number passes on Δv/Δu; what other
operators do is said by their rule here.
"""

from collections.abc import Callable, Sequence

from onnx import ModelProto, NodeProto, ValueInfoProto

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.onnx.autodiff.broadcasting import unstretched
from xai_heatmap.networks.onnx.autodiff.builder import PREFIX
from xai_heatmap.networks.onnx.autodiff.canonical import OPERATORS
from xai_heatmap.networks.onnx.autodiff.registry import Cotangents, Node, Rule, find
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, where
from xai_heatmap.networks.onnx.autodiff.way import Way
from xai_heatmap.networks.rules import DEEPLIFT, ONNX, implements, named

REFERENCE = f"{PREFIX}reference/"
"""Prefix of the names of tensors in the run from the reference."""
NEAR, NEAREST = 1e-3, 1e-6
"""Least relative distance of two numbers for a slope between them: for functions, which otherwise
get the mean slope of both ends, and for maxima, whose slope may jump."""

STRAIGHT = named(OPERATORS, "straight", "sum") | {"BatchNormalization"}
"""Operators whose derivative is the slope between any two runs."""
POINTWISE = named(OPERATORS, "rectifier", "gate", "gated", "deviation", "pointwise") | {"Pow"}
PRODUCTS = named(OPERATORS, "affine", "product") | {"ReduceSumSquare"}


def beside(model: ModelProto, tensor: str) -> ModelProto:
    """The graph with all that depends on an input once more, from a further input on; names there
    begin with `REFERENCE`.
    """
    both = ModelProto()
    both.CopyFrom(model)
    graph, moving = both.graph, {tensor}
    for node in model.graph.node:
        if moving.isdisjoint(node.input):
            continue
        moving.update(name for name in node.output if name)
        again = graph.node.add()
        again.CopyFrom(node)
        again.name = REFERENCE + node.name if node.name else ""
        again.input[:] = [_named(name, moving) for name in node.input]
        again.output[:] = [_named(name, moving) for name in node.output]
    for values in (graph.input, graph.output, graph.value_info):
        values.extend([_renamed(value) for value in values if value.name in moving])
    return both


def _named(name: str, moving: set[str]) -> str:
    return REFERENCE + name if name in moving else name


def _renamed(value: ValueInfoProto) -> ValueInfoProto:
    again = ValueInfoProto()
    again.CopyFrom(value)
    again.name = REFERENCE + value.name
    return again


def _moves(node: Node, name: str) -> bool:
    return REFERENCE + name in node.builder.dtypes


def _before(node: Node) -> Node:
    """Counterpart of a node in the run from the reference."""
    proto = NodeProto()
    proto.CopyFrom(node.proto)
    for names in (proto.input, proto.output):
        names[:] = [REFERENCE + name if _moves(node, name) else name for name in names]
    return Node(proto, node.builder)


def _own(node: Node, g: Tensor) -> tuple[Tensor | None, ...]:
    """Cotangents of the inputs of a node by the operator's own derivative."""
    rule = find(node.proto)
    rest = [None] * (len(node.outputs) - 1) * rule.every_output
    answer: Cotangents = rule.function(node, g, *rest)
    return (answer,) if isinstance(answer, Tensor) else tuple(answer)


def _pointwise(node: Node, g: Tensor, *_: Tensor | None) -> Tensor:
    """∂x = g · Δy/Δx; where both runs gave the same, the mean of both derivatives."""
    _check_alone(node)
    before = _before(node)
    slope, slope0 = _own(node, g)[0], _own(before, g)[0]
    if slope is None or slope0 is None:
        raise refused(node.proto)
    rise = g * (node.output - before.output)
    return _divided(rise, node.input, before.input, (slope + slope0) * 0.5, NEAR)


def _product(node: Node, g: Tensor, *_: Tensor | None) -> tuple[Tensor | None, ...]:
    """The mean of both runs' derivatives."""
    own = _own(node, g)
    if sum(_moves(node, name) for name in node.proto.input) == 1 and len(node.proto.input) > 1:
        return own
    return tuple(
        one and other and (one + other) * 0.5
        for one, other in zip(own, _own(_before(node), g), strict=True)
    )


def _quotient(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g / b, where b is that of the second run; ∂b = −g · a₀ / (b · b₀)."""
    (_, b), (a0, b0) = node.inputs, _before(node).inputs
    return g / b, -(g * a0 / (b * b0))


def _extremum(up: bool) -> Callable[..., tuple[Tensor | None, ...]]:
    def extremum(node: Node, g: Tensor, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        """∂x = g · Δy to the winner of the run that reaches further, divided by that one's Δx."""
        before = _before(node)
        rise = node.output - before.output
        above, below = op("Max", rise, rise.lifted(0)), op("Min", rise, rise.lifted(0))
        slopes = _own(node, g)
        own = _own(node, g * (above if up else below))
        other = _own(before, g * (below if up else above))
        found: list[Tensor | None] = []
        for place, (one, two, slope) in enumerate(zip(own, other, slopes, strict=True)):
            name = node.proto.input[place]
            if not _moves(node, name) or one is None or two is None or slope is None:
                found.append(slope)
                continue
            x, x0, sent, like = node.inputs[place], before.inputs[place], one + two, slope
            if find(node.proto).broadcasts:
                full = node.shape(node.output)
                sent, like = (unstretched(node, given, full, x) for given in (sent, slope))
            found.append(_divided(sent, x, x0, like, NEAREST))
        return tuple(found)

    return extremum


def _chosen(node: Node, g: Tensor) -> Cotangents:
    """The operator's own derivative, refused where the two runs may choose different entries."""
    if _moves(node, node.proto.input[0]):
        raise refused(node.proto)
    return _own(node, g)


def _softmax(node: Node, g: Tensor) -> Tensor:
    """∂x = L · (g − Σ g L / Σ L), L the logarithmic mean of what both runs answer."""
    axis = node.axis(node.attribute("axis", -1), node.output)
    mean = _logarithmic_mean(node.output, _before(node).output)
    return mean * (g - (g * mean).sum(axis) / mean.sum(axis))


def _log_softmax(node: Node, g: Tensor) -> Tensor:
    """∂x = g − L Σ g / Σ L, L of the exponentials."""
    axis = node.axis(node.attribute("axis", -1), node.output)
    mean = _logarithmic_mean(op("Exp", node.output), op("Exp", _before(node).output))
    return g - mean * (g.sum(axis) / mean.sum(axis))


def _layer(node: Node, g: Tensor, *_: Tensor | None) -> Tensor:
    """h · r − mean of that, and what the deviation of both runs differs by goes with x₀."""
    x, scale = node.inputs[:2]
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    x0 = _before(node).input
    return _normalised(node, g * scale, (x - x.mean(*axes), x0 - x0.mean(*axes)), axes)


def _rms(node: Node, g: Tensor) -> Tensor:
    """DeepLIFT slopes of RMSNormalization, whose input is not centred."""
    x, scale = node.inputs
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    return _normalised(node, g * scale, (x, _before(node).input), axes, centred=False)


def _instance(node: Node, g: Tensor) -> Tensor:
    """DeepLIFT slopes of InstanceNormalization, over the grid of each image and channel."""
    x, scale, _ = node.inputs
    axes, x0 = tuple(range(2, len(node.shape(x)))), _before(node).input
    h = g * scale.reshape(-1, *(1,) * len(axes))
    return _normalised(node, h, (x - x.mean(*axes), x0 - x0.mean(*axes)), axes)


def _group(node: Node, g: Tensor) -> Tensor:
    """DeepLIFT slopes of GroupNormalization, over each image and group of channels."""
    x, scale, _ = node.inputs
    if node.builder.opset < 21:
        raise node.refused(
            "before opset 21 its scale is ill-defined; export the model with opset 21"
        )
    shape = 0, node.attribute("num_groups", 1), -1
    h = (g * scale.reshape(-1, *(1,) * (len(node.shape(x)) - 2))).reshape(*shape)
    rows, rows0 = x.reshape(*shape), _before(node).input.reshape(*shape)
    pair = rows - rows.mean(2), rows0 - rows0.mean(2)
    return _normalised(node, h, pair, (2,)).reshaped_like(x)


def _normalised(
    node: Node,
    h: Tensor,
    pair: tuple[Tensor, Tensor],
    axes: Sequence[int],
    *,
    centred: bool = True,
) -> Tensor:
    """Of c / σ(c) in both runs: h / σ to c, and h · c₀ to 1/σ, whose slope by σ² is known."""
    epsilon = node.attribute("epsilon", 1e-5)
    c, c0 = pair
    s, s0 = (((one * one).mean(*axes) + epsilon) ** 0.5 for one in pair)
    sent = h / s - (h * c0).mean(*axes) / (s * s0 * (s + s0)) * (c + c0)
    return sent - sent.mean(*axes) if centred else sent


def _divided(contributed: Tensor, x: Tensor, x0: Tensor, slope: Tensor, share: float) -> Tensor:
    """contributed / Δx; `slope` where Δx is nothing but rounding."""
    gap = x - x0
    near = op("Abs", gap) <= op("Max", op("Abs", x), op("Abs", x0)) * share
    return where(near, slope, contributed / where(near, 1, gap))


def _logarithmic_mean(a: Tensor, b: Tensor) -> Tensor:
    """(a − b) / (log a − log b), as ½ (a + b) tanh z / z with z half of that difference."""
    least = a.lifted(1e-37)
    half = (op("Log", op("Max", a, least)) - op("Log", op("Max", b, least))) * 0.5
    same = half.equals(0)
    return (a + b) * 0.5 * where(same, 1, op("Tanh", half) / where(same, 1, half))


def _check_alone(node: Node) -> None:
    """Refuse a node whose second input depends on the layer, or whose first input is broadcast."""
    others = any(_moves(node, name) for name in node.proto.input[1:])
    if others or node.shape(node.input) != node.shape(node.output):
        raise refused(node.proto)


def refused(node: NodeProto) -> NoRule:
    """The error for an operator without a rule."""
    name = node.name or (node.output[0] if node.output else "")
    return NoRule(
        f"Slopes between what a layer said and 0 are needed, and there is no rule for node "
        f"{name!r} ({node.op_type}). Choose a layer behind it, or `integrated`, which needs "
        "gradients only."
    )


SECANT = implements(DEEPLIFT, ONNX)(
    Way(
        straight=STRAIGHT,
        refused=refused,
        rules={
            operator: Rule(operator, function, broadcasts=operator in ("Mul", "Div", "Where"))
            for function, operators in {
                _pointwise: POINTWISE,
                _product: PRODUCTS,
                _quotient: ["Div"],
                _extremum(up=True): OPERATORS["maximum"],
                _extremum(up=False): OPERATORS["minimum"],
                _chosen: ["Where"],
                _softmax: ["Softmax"],
                _log_softmax: ["LogSoftmax"],
                _layer: ["LayerNormalization"],
                _rms: ["RMSNormalization"],
                _instance: ["InstanceNormalization"],
                _group: ["GroupNormalization"],
            }.items()
            for operator in operators
        },
    )
)
"""DeepLIFT's backward rules in ONNX."""
