"""Functions of one number: ∂x = g · f′(x); on a kink, the derivative of the flat side."""

from math import pi, sqrt

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, masked, op, where


@rule("Relu")
def relu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · [y > 0]."""
    return masked(g, node.output > 0)


@rule("LeakyRelu")
def leaky_relu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (x > 0 ? 1 : α)."""
    return where(node.input > 0, g, g * node.attribute("alpha", 0.01))


@rule("PRelu", broadcasts=True)
def prelu(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂x = g · (x > 0 ? 1 : slope); ∂slope = g · min(x, 0)."""
    x, slope = node.inputs
    return where(x > 0, g, g * slope), g * op("Min", x, x.lifted(0))


@rule("ThresholdedRelu")
def thresholded_relu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · [x > α]."""
    return masked(g, node.input > node.attribute("alpha", 1.0))


@rule("Elu")
def elu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (x > 0 ? 1 : y + α)."""
    return where(node.input > 0, g, g * (node.output + node.attribute("alpha", 1.0)))


@rule("Selu")
def selu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (x > 0 ? γ : y + αγ)."""
    alpha, gamma = (
        node.attribute("alpha", 1.67326319217681884765625),
        node.attribute("gamma", 1.05070102214813232421875),
    )
    return where(node.input > 0, g * gamma, g * (node.output + alpha * gamma))


@rule("Celu")
def celu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (x > 0 ? 1 : 1 + y/α)."""
    return where(node.input > 0, g, g * (node.output / node.attribute("alpha", 1.0) + 1))


@rule("Clip")
def clip(node: Node, g: Tensor) -> Tensor:
    """∂x = g · [low < x < high]."""
    x, low, high = node.input, node.optional(1), node.optional(2)
    above, below = low and x > low, high and x < high
    inside = above & below if above and below else above or below
    return masked(g, inside) if inside else g


@rule("Sigmoid")
def sigmoid(node: Node, g: Tensor) -> Tensor:
    """∂x = g · y (1 − y)."""
    y = node.output
    return g * (y * (1 - y))


@rule("HardSigmoid")
def hard_sigmoid(node: Node, g: Tensor) -> Tensor:
    """∂x = g · α · [0 < y < 1]."""
    y = node.output
    return masked(g * node.attribute("alpha", 0.2), (y > 0) & (y < 1))


@rule("HardSwish")
def hard_swish(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (x ≥ 3 ? 1 : x ≤ −3 ? 0 : x/3 + ½)."""
    x = node.input
    return where(x >= 3, g, masked(g * (x / 3 + 0.5), x > -3))


@rule("Swish")
def swish(node: Node, g: Tensor) -> Tensor:
    """∂x = g · s (1 + αx (1 − s)) with s = σ(αx)."""
    scaled = node.input * node.attribute("alpha", 1.0)
    s = op("Sigmoid", scaled)
    return g * (s * (1 + scaled * (1 - s)))


@rule("Tanh")
def tanh(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (1 − y²)."""
    y = node.output
    return g * (1 - y * y)


@rule("Erf")
def erf(node: Node, g: Tensor) -> Tensor:
    """∂x = g · 2/√π · exp(−x²)."""
    x = node.input
    return g * (op("Exp", -(x * x)) * (2 / sqrt(pi)))


@rule("Gelu")
def gelu(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (Φ(x) + x φ(x)).

    With approximate="tanh": g · ½ (1 + t + x (1 − t²) u′), t = tanh u, u = √(2/π)(x + 0.044715 x³)
    """
    x = node.input
    if node.attribute("approximate", "none") == "tanh":
        slope, cubic = sqrt(2 / pi), 0.044715
        t = op("Tanh", (x + x * x * x * cubic) * slope)
        return g * ((1 + t + x * (1 - t * t) * ((1 + x * x * (3 * cubic)) * slope)) * 0.5)
    below = (1 + op("Erf", x * sqrt(0.5))) * 0.5
    density = op("Exp", x * x * -0.5) * (1 / sqrt(2 * pi))
    return g * (below + x * density)


@rule("Mish")
def mish(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (t + x (1 − t²) σ(x)) with t = tanh(softplus x)."""
    x = node.input
    t = op("Tanh", op("Softplus", x))
    return g * (t + x * (1 - t * t) * op("Sigmoid", x))


@rule("Softplus")
def softplus(node: Node, g: Tensor) -> Tensor:
    """∂x = g · σ(x)."""
    return g * op("Sigmoid", node.input)


@rule("Softsign")
def softsign(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (1 − |y|)²."""
    room = 1 - op("Abs", node.output)
    return g * (room * room)


@rule("Softmax")
def softmax(node: Node, g: Tensor) -> Tensor:
    """∂x = y · (g − Σ g y)."""
    y = node.output
    axis = node.axis(node.attribute("axis", -1), y)
    return y * (g - (g * y).sum(axis))


@rule("LogSoftmax")
def log_softmax(node: Node, g: Tensor) -> Tensor:
    """∂x = g − exp(y) Σ g."""
    y = node.output
    axis = node.axis(node.attribute("axis", -1), y)
    return g - op("Exp", y) * g.sum(axis)


@rule("Tan")
def tan(node: Node, g: Tensor) -> Tensor:
    """∂x = g · (1 + y²)."""
    y = node.output
    return g * (1 + y * y)


@rule("Asin")
def arc_sine(node: Node, g: Tensor) -> Tensor:
    """∂x = g / √(1 − x²)."""
    x = node.input
    return g / op("Sqrt", 1 - x * x)


@rule("Acos")
def arc_cosine(node: Node, g: Tensor) -> Tensor:
    """∂x = −g / √(1 − x²)."""
    x = node.input
    return -(g / op("Sqrt", 1 - x * x))


@rule("Atan")
def arc_tangent(node: Node, g: Tensor) -> Tensor:
    """∂x = g / (1 + x²)."""
    x = node.input
    return g / (1 + x * x)


@rule("Sinh")
def sinh(node: Node, g: Tensor) -> Tensor:
    """∂x = g · cosh x."""
    return g * op("Cosh", node.input)


@rule("Cosh")
def cosh(node: Node, g: Tensor) -> Tensor:
    """∂x = g · sinh x."""
    return g * op("Sinh", node.input)


@rule("Asinh")
def area_sine(node: Node, g: Tensor) -> Tensor:
    """∂x = g / √(x² + 1)."""
    x = node.input
    return g / op("Sqrt", x * x + 1)


@rule("Acosh")
def area_cosine(node: Node, g: Tensor) -> Tensor:
    """∂x = g / √(x² − 1)."""
    x = node.input
    return g / op("Sqrt", x * x - 1)


@rule("Atanh")
def area_tangent(node: Node, g: Tensor) -> Tensor:
    """∂x = g / (1 − x²)."""
    x = node.input
    return g / (1 - x * x)
