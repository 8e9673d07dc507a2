"""Undoing a broadcast: the backward pass sums over the copies that the forward pass made."""

from xai_heatmap.networks.onnx.autodiff.registry import Node
from xai_heatmap.networks.onnx.autodiff.tensor import Dim, Shape, Tensor, op


def unstretched(node: Node, cotangent: Tensor, stretched: Shape, original: Tensor) -> Tensor:
    """Cotangent of `original`, summed from the cotangent of the broadcast tensor.

    Lengths that are open until run time are compared at run time.
    """
    own = node.shape(original)
    added = len(stretched) - len(own)
    pairs = list(zip(stretched, (1,) * added + own, strict=True))
    if all(_decided(large, small) for large, small in pairs):
        axes = tuple(axis for axis, (large, small) in enumerate(pairs) if small == 1 and large != 1)
        summed = cotangent.sum(*axes) if axes else cotangent
    else:
        lengths = cotangent.builder.joined(*(1,) * added, original.lengths())
        axes = op("Squeeze", op("NonZero", lengths.equals(1)), (0,))
        summed = op("ReduceSum", cotangent, axes, keepdims=1, noop_with_empty_axes=1)
    return summed.reshaped_like(original) if added else summed


def broadcast(a: Shape, b: Shape) -> Shape:
    """Common shape of broadcast operands, None for unknown lengths."""
    rank = max(len(a), len(b))
    padded = zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)
    return tuple(_longer(*pair) for pair in padded)


def _decided(large: Dim, small: Dim) -> bool:
    """Whether the shapes alone decide if an axis was broadcast."""
    return large == 1 or isinstance(small, int) or (small is not None and large == small)


def _longer(a: Dim, b: Dim) -> Dim:
    if a == 1 or a == b:
        return b
    if b == 1:
        return a
    return next((length for length in (a, b) if isinstance(length, int)), None)
