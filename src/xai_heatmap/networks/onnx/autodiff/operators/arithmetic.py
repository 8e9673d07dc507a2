"""Arithmetic, entry by entry. For inputs that were broadcast, the sweep sums the cotangents."""

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, masked, op, where


@rule("Add", broadcasts=True)
def add(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g; ∂b = g."""
    return g, g


@rule("Sub", broadcasts=True)
def sub(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g; ∂b = −g."""
    return g, -g


@rule("Mul", broadcasts=True)
def mul(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g · b; ∂b = g · a."""
    a, b = node.inputs
    return g * b, g * a


@rule("Div", broadcasts=True)
def div(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g / b; ∂b = −g · y / b."""
    _, b = node.inputs
    return g / b, -(g * node.output / b)


@rule("Pow", broadcasts=True)
def power(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g · b aᵇ⁻¹, 0 where b = 0; ∂b = g · y log a, 0 where a = 0."""
    a, b = node.inputs
    exponent = b.cast(a.dtype)
    base = exponent * (a ** (exponent - 1))
    if b.value is None or (b.value == 0).any():
        base = where(exponent.equals(0), 0, base)
    zero = a.equals(0)
    return g * base, g * node.output * where(zero, 0, op("Log", where(zero, 1, a)))


@rule("Sqrt")
def square_root(node: Node, g: Tensor) -> Tensor:
    """∂x = g / 2y."""
    return g / (node.output * 2)


@rule("Reciprocal")
def reciprocal(node: Node, g: Tensor) -> Tensor:
    """∂x = −g · y²."""
    y = node.output
    return -(g * (y * y))


@rule("Exp")
def exp(node: Node, g: Tensor) -> Tensor:
    """∂x = g · y."""
    return g * node.output


@rule("Log")
def logarithm(node: Node, g: Tensor) -> Tensor:
    """∂x = g / x."""
    return g / node.input


@rule("Neg")
def neg(node: Node, g: Tensor) -> Tensor:
    """∂x = −g."""
    return -g


@rule("Abs")
def absolute(node: Node, g: Tensor) -> Tensor:
    """∂x = g · sign x."""
    return g * op("Sign", node.input)


@rule("Sin")
def sin(node: Node, g: Tensor) -> Tensor:
    """∂x = g · cos x."""
    return g * op("Cos", node.input)


@rule("Cos")
def cos(node: Node, g: Tensor) -> Tensor:
    """∂x = −g · sin x."""
    return -(g * op("Sin", node.input))


@rule("Sum", broadcasts=True)
def total(node: Node, g: Tensor) -> tuple[Tensor, ...]:
    """∂xᵢ = g."""
    return (g,) * len(node.inputs)


@rule("Mean", broadcasts=True)
def mean(node: Node, g: Tensor) -> tuple[Tensor, ...]:
    """∂xᵢ = g / number of inputs."""
    return (g * (1 / len(node.inputs)),) * len(node.inputs)


@rule("Max", "Min", broadcasts=True)
def extremum(node: Node, g: Tensor) -> tuple[Tensor, ...]:
    """∂xᵢ = g · [xᵢ = y] / (how many inputs equal y)."""
    if len(node.inputs) == 1:
        return (g,)
    # Inputs are compared with each other: in half precision a runtime may keep y unrounded.
    operator = "GreaterOrEqual" if node.proto.op_type == "Max" else "LessOrEqual"
    hits = []
    for i, x in enumerate(node.inputs):
        others = [*node.inputs[:i], *node.inputs[i + 1 :]]
        rest = op(node.proto.op_type, *others) if len(others) > 1 else others[0]
        hits.append(op(operator, x, rest).cast(g.dtype))
    share = g / sum(hits[1:], hits[0])
    return tuple(share * hit for hit in hits)


@rule("Where", broadcasts=True)
def choose(node: Node, g: Tensor) -> tuple[None, Tensor, Tensor]:
    """∂yes = g · [condition]; ∂no = g · [not condition]."""
    condition = node.input
    return None, masked(g, condition), masked(g, op("Not", condition))


@rule("CumSum")
def cumulative_sum(node: Node, g: Tensor) -> Tensor:
    """∂x = the cumulative sum of g, from the other end."""
    axis, exclusive = node.inputs[1], node.attribute("exclusive", 0)
    return op("CumSum", g, axis, exclusive=exclusive, reverse=1 - node.attribute("reverse", 0))


@rule("Mod", broadcasts=True)
def remainder(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g; ∂b = −g · (a − y) / b, which is a whole number."""
    a, b = node.inputs
    return g, -(g * op("Round", (a - node.output) / b))
