"""Quantisation: rounding is taken for the identity ("straight through"), saturation is not."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.broadcasting import broadcast, unstretched
from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, masked, op
from xai_heatmap.networks.onnx.autodiff.window import window


@rule("QuantizeLinear")
def quantize_linear(node: Node, g: Tensor) -> Tensor:
    """∂x = g / scale where x/scale + zero is representable, 0 elsewhere.

    Refused: blocked scales.
    """
    x, scale, zero = node.input, _aligned(node, node.inputs[1]), node.optional(2)
    dtype = node.output.dtype
    if not np.issubdtype(dtype, np.integer):
        raise node.refused(f"it quantises to {dtype}, not to integers")
    level = op("Round", x / scale)
    level = level + _aligned(node, zero).cast(x.dtype) if zero else level
    limits = np.iinfo(dtype)
    return masked(g / scale, (level >= limits.min) & (level <= limits.max))


@rule("DequantizeLinear")
def dequantize_linear(node: Node, g: Tensor) -> Tensor:
    """∂x = g · scale. Refused: blocked scales."""
    return g * _aligned(node, node.inputs[1])


@rule("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node, g: Tensor) -> Tensor:
    """∂x = g / scale: with what it is multiplied by later, g.

    The scale, which the largest values of x make, counts as a constant, as in QuantizeLinear.
    """
    return g / node.outputs[1]


@rule("MatMulInteger")
def matmul_integer(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂a = g (b − zero)ᵀ; ∂b = (a − zero)ᵀ g: as of MatMul."""
    (a, zero_a), (b, zero_b) = ((node.inputs[i], node.optional(i + 2)) for i in (0, 1))
    if min(len(node.shape(a)), len(node.shape(b))) < 2:
        raise node.refused("one of its factors is a vector")
    left = _numbers(a, zero_a, g, row=True)
    right = _numbers(b, zero_b, g)
    return (
        _batch_summed(node, op("MatMul", g, _turned(node, right, b)), a, b),
        _batch_summed(node, op("MatMul", _turned(node, left, a), g), b, a),
    )


@rule("ConvInteger")
def conv_integer(node: Node, g: Tensor) -> Tensor:
    """∂x = g ⋆ᵀ (W − zero): as of Conv. Refused: a weight that depends on the layer."""
    x, weight = node.inputs[:2]
    form = window(node, node.shape(weight)[2:])
    zero = node.optional(3)
    numbers = weight.cast(g.dtype)
    if zero is not None:
        several = node.shape(zero) not in ((), (1,))
        shape = (-1, *(1,) * (len(node.shape(weight)) - 1)) if several else (-1,)
        numbers = numbers - zero.cast(g.dtype).reshape(*shape)
    return form.spread(g, numbers, like=x, y=node.output, group=node.attribute("group", 1))


def _numbers(codes: Tensor, zero: Tensor | None, g: Tensor, *, row: bool = False) -> Tensor:
    """Codes minus the zero point: one for all, or one for each row or column."""
    numbers = codes.cast(g.dtype)
    if zero is None:
        return numbers
    zero = zero.cast(g.dtype)
    many = zero.shape is not None and len(zero.shape) == 1 and zero.shape != (1,)
    return numbers - (op("Unsqueeze", zero, (1,)) if row and many else zero)


def _batch_summed(node: Node, cotangent: Tensor, own: Tensor, other: Tensor) -> Tensor:
    mine, theirs = node.shape(own), node.shape(other)
    return unstretched(node, cotangent, broadcast(mine[:-2], theirs[:-2]) + mine[-2:], own)


def _turned(node: Node, matrix: Tensor, like: Tensor) -> Tensor:
    rank = len(node.shape(like))
    return matrix.transpose([*range(rank - 2), rank - 1, rank - 2])


def _aligned(node: Node, tensor: Tensor) -> Tensor:
    """Scale or zero point, reshaped to broadcast along the quantised axis."""
    if node.attribute("block_size", 0):
        raise node.refused("it is quantised in blocks")
    if node.shape(tensor) in ((), (1,)):
        return tensor
    rank = len(node.shape(node.input))
    axis = node.axis(node.attribute("axis", 1), node.input)
    return tensor.reshape(-1, *(1,) * (rank - 1 - axis))
