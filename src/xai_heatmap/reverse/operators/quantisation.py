"""Quantisation: rounding is taken for the identity ("straight through"), saturation is not."""

import numpy as np

from xai_heatmap.reverse.builder import Tensor, masked, op
from xai_heatmap.reverse.registry import Node, rule


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


def _aligned(node: Node, tensor: Tensor) -> Tensor:
    """The scale or zero point, with axes of length 1 around its own."""
    if node.attribute("block_size", 0):
        raise node.refused("it is quantised in blocks")
    if node.shape(tensor) in ((), (1,)):
        return tensor
    rank = len(node.shape(node.input))
    axis = node.axis(node.attribute("axis", 1), node.input)
    return tensor.reshape(-1, *(1,) * (rank - 1 - axis))
