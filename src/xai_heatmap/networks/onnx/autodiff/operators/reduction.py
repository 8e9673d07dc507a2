"""Reductions: one number out of many; the cotangent goes back to all that took part."""

import math

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, where


@rule("ReduceSum")
def reduce_sum(node: Node, g: Tensor) -> Tensor:
    """∂x = g, for every x that was summed."""
    return _spread(node, _kept(node, g))


@rule("ReduceMean")
def reduce_mean(node: Node, g: Tensor) -> Tensor:
    """∂x = g / how many were averaged."""
    return _spread(node, _kept(node, g) * _share(node, g, _axes(node)))


@rule("ReduceMax", "ReduceMin")
def reduce_extremum(node: Node, g: Tensor) -> Tensor:
    """∂x = g · [x = y] / how many x equal y."""
    axes = _axes(node)
    hit = node.input.equals(_kept(node, node.output)).cast(g.dtype)
    return hit * (_kept(node, g) / hit.sum(*axes)) if axes else g


@rule("ReduceL1")
def reduce_l1(node: Node, g: Tensor) -> Tensor:
    """∂x = g · sign x."""
    _refuse_empty(node)
    return _kept(node, g) * op("Sign", node.input)


@rule("ReduceL2")
def reduce_l2(node: Node, g: Tensor) -> Tensor:
    """∂x = g · x / y, 0 where y = 0."""
    _refuse_empty(node)
    norm = _kept(node, node.output)
    nowhere = norm.equals(0)
    return node.input * where(nowhere, 0, _kept(node, g) / where(nowhere, 1, norm))


@rule("ReduceSumSquare")
def reduce_sum_square(node: Node, g: Tensor) -> Tensor:
    """∂x = g · 2x."""
    _refuse_empty(node)
    return node.input * (_kept(node, g) * 2)


@rule("ReduceLogSumExp")
def reduce_log_sum_exp(node: Node, g: Tensor) -> Tensor:
    """∂x = g · exp(x − y)."""
    _refuse_empty(node)
    return _kept(node, g) * op("Exp", node.input - _kept(node, node.output))


@rule("ReduceProd")
def reduce_product(node: Node, g: Tensor) -> Tensor:
    """∂x = g · the product of all others: y / x, and where one x is 0, of the rest."""
    _refuse_empty(node)
    x, axes = node.input, _axes(node)
    if not axes:
        return g
    zero = x.equals(0)
    filled = where(zero, 1, x)
    rest = op("ReduceProd", filled, axes, keepdims=1)
    zeros = zero.cast(g.dtype).sum(*axes)
    others = where(zero, where(zeros.equals(1), rest, 0), where(zeros.equals(0), rest / filled, 0))
    return _kept(node, g) * others


@rule("GlobalAveragePool")
def global_average_pool(node: Node, g: Tensor) -> Tensor:
    """∂x = g / size of the grid."""
    grid = tuple(range(2, len(node.shape(node.input))))
    return op("Expand", g * _share(node, g, grid), node.input.lengths())


@rule("GlobalMaxPool")
def global_max_pool(node: Node, g: Tensor) -> Tensor:
    """∂x = g at the first maximum of each channel's grid, 0 elsewhere."""
    x = node.input
    rank = len(node.shape(x))
    flat = x.reshape(0, 0, -1)
    first = op("ArgMax", flat, axis=2, keepdims=1)
    hit = first.equals(_count_up(op("Shape", flat, start=2)))
    return (g.reshape(0, 0, -1) * hit.cast(g.dtype)).reshaped_like(x) if rank > 2 else g


def _count_up(length: Tensor) -> Tensor:
    zero, one = (length.builder.constant(np.array(number, np.int64)) for number in (0, 1))
    return op("Range", zero, op("Squeeze", length, (0,)), one)


def _axes(node: Node) -> tuple[int, ...]:
    """The axes that are reduced, counted from the front."""
    rank = len(node.shape(node.input))
    axes = node.attribute("axes", None) or node.known(1, "the axes").tolist()
    if not axes:
        return () if node.attribute("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted(int(axis) % rank for axis in axes))


def _refuse_empty(node: Node) -> None:
    if not _axes(node) and node.shape(node.input):
        raise node.refused("what it computes without axes differs between runtimes")


def _kept(node: Node, reduced: Tensor) -> Tensor:
    """A tensor in the shape of the output, the reduced axes with length 1."""
    axes = _axes(node)
    if node.attribute("keepdims", 1) or not axes:
        return reduced
    return op("Unsqueeze", reduced, axes)


def _spread(node: Node, kept: Tensor) -> Tensor:
    return op("Expand", kept, node.input.lengths()) if _axes(node) else kept


def _share(node: Node, g: Tensor, axes: tuple[int, ...]) -> float | Tensor:
    """Inverse of the number of averaged entries."""
    shape = node.shape(node.input)
    lengths = [length for axis in axes if isinstance(length := shape[axis], int)]
    if len(lengths) == len(axes):
        return 1 / math.prod(lengths)
    count = op("ReduceProd", op("Gather", node.input.lengths(), axes), keepdims=0)
    return op("Reciprocal", count.cast(g.dtype))
