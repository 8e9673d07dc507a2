"""Normalisation. With x̂ = (x − μ)/σ and h = ∂x̂: ∂x = (h − mean h − x̂ · mean(h x̂)) / σ."""

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, where


@rule("BatchNormalization")
def batch_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = g · scale / √(var + ε). Refused: training mode."""
    if node.attribute("training_mode", 0):
        raise node.refused("it is in training mode; export the model for inference")
    x, scale, _, _, variance = node.inputs[:5]
    slope = scale.cast(g.dtype) / op(
        "Sqrt", variance.cast(g.dtype) + node.attribute("epsilon", 1e-5)
    )
    return g * slope.reshape(-1, *(1,) * (len(node.shape(x)) - 2))


@rule("InstanceNormalization")
def instance_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = (h − mean h − x̂ · mean(h x̂)) / σ with h = g · scale.

    Means are over the grid of each image and channel.
    """
    x, scale, _ = node.inputs
    rank = len(node.shape(x))
    h = g * scale.reshape(-1, *(1,) * (rank - 2))
    return _normalised(x, h, tuple(range(2, rank)), node.attribute("epsilon", 1e-5))


@rule("LayerNormalization")
def layer_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = (h − mean h − x̂ · mean(h x̂)) / σ with h = g · scale.

    Means are over the axes from `axis` to the last.
    """
    x, scale = node.inputs[:2]
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    return _normalised(x, g * scale, axes, node.attribute("epsilon", 1e-5))


@rule("GroupNormalization")
def group_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = (h − mean h − x̂ · mean(h x̂)) / σ with h = g · scale.

    Means are over each image and group of channels.
    Refused: opsets before 21, where the operator is deprecated.
    """
    x, scale, _ = node.inputs
    groups, spatial = node.attribute("num_groups", 1), (1,) * (len(node.shape(x)) - 2)
    if node.builder.opset < 21:
        raise node.refused(
            "before opset 21 its scale is ill-defined; export the model with opset 21"
        )
    h = (g * scale.reshape(-1, *spatial)).reshape(0, groups, -1)
    return _normalised(
        x.reshape(0, groups, -1), h, (2,), node.attribute("epsilon", 1e-5)
    ).reshaped_like(x)


@rule("RMSNormalization")
def rms_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = (h − x̂ · mean(h x̂)) / σ with h = g · scale, x̂ = x/σ, σ = √(mean x² + ε)."""
    x, scale = node.inputs
    axes = tuple(range(node.axis(node.attribute("axis", -1), x), len(node.shape(x))))
    sigma = op("Sqrt", (x * x).mean(*axes) + node.attribute("epsilon", 1e-5))
    x_hat, h = x / sigma, g * scale
    return (h - x_hat * (h * x_hat).mean(*axes)) / sigma


@rule("LpNormalization")
def lp_normalization(node: Node, g: Tensor) -> Tensor:
    """∂x = (g − d Σ g y) / ‖x‖, d = y for p = 2 and sign x for p = 1; 0 where ‖x‖ = 0."""
    x, y = node.input, node.output
    axis = node.axis(node.attribute("axis", -1), x)
    p = node.attribute("p", 2)
    norm = op("ReduceL1" if p == 1 else "ReduceL2", x, (axis,), keepdims=1)
    direction = op("Sign", x) if p == 1 else y
    nowhere = norm.equals(0)
    return where(nowhere, 0, (g - direction * (g * y).sum(axis)) / where(nowhere, 1, norm))


def _normalised(x: Tensor, h: Tensor, axes: tuple[int, ...], epsilon: float) -> Tensor:
    centred = x - x.mean(*axes)
    sigma = op("Sqrt", (centred * centred).mean(*axes) + epsilon)
    x_hat = centred / sigma
    return (h - h.mean(*axes) - x_hat * (h * x_hat).mean(*axes)) / sigma
