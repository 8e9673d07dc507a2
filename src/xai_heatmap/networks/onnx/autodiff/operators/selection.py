"""Operators that pick entries: each cotangent is added to the place its number came from."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.scattering import added_at
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op


@rule("Slice")
def slice_(node: Node, g: Tensor) -> Tensor:
    """∂x = g where the slice was taken, 0 elsewhere."""
    cuts = _cuts(node)
    if cuts is None:
        return _returned(node, g)
    begin, end = (np.array(part, np.int64) for part in cuts)
    return _pad(g, begin, end) if begin.any() or end.any() else g


@rule("Gather")
def gather(node: Node, g: Tensor) -> Tensor:
    """∂x = g, added at the indices it was read from."""
    x, index = node.inputs
    axis = node.axis(node.attribute("axis", 0), x)
    length, value = node.shape(x)[axis], index.value
    if value is None or value.size != 1 or not isinstance(length, int):
        return _returned(node, g)
    place = int(value.item()) % length
    begin, end = np.zeros((2, len(node.shape(x))), np.int64)
    begin[axis], end[axis] = place, length - 1 - place
    return _pad(_with_axis(g, axis, value.ndim), begin, end)


@rule("GatherElements")
def gather_elements(node: Node, g: Tensor) -> Tensor:
    """∂x = g, added at the indices it was read from."""
    return _returned(node, g)


@rule("GatherND")
def gather_nd(node: Node, g: Tensor) -> Tensor:
    """∂x = g, added at the indices it was read from."""
    return _returned(node, g)


@rule("TopK")
def top_k(node: Node, g: Tensor) -> Tensor:
    """∂x = g at the places of the numbers that were taken, 0 elsewhere."""
    x = node.input
    places = node.builder.second_output(node.proto, np.dtype(np.int64))
    axis = node.axis(node.attribute("axis", -1), x)
    return op("ScatterElements", x.zeros(g.dtype), places, g, axis=axis)


@rule("ScatterElements")
def scatter_elements(node: Node, g: Tensor) -> tuple[Tensor, None, Tensor]:
    """∂x = g, 0 where it was written over; ∂updates = g where each was written.

    Where updates are added to x, ∂x = g. Refused: products and extremes.
    """
    x, index, updates = node.inputs
    axis = node.axis(node.attribute("axis", 0), x)
    taken = op("GatherElements", g, index, axis=axis)
    if _adds(node):
        return g, None, taken
    return op("ScatterElements", g, index, updates.zeros(g.dtype), axis=axis), None, taken


@rule("ScatterND")
def scatter_nd(node: Node, g: Tensor) -> tuple[Tensor, None, Tensor]:
    """∂x = g, 0 where it was written over; ∂updates = g where each was written.

    Where updates are added to x, ∂x = g. Refused: products and extremes.
    """
    _, index, updates = node.inputs
    taken = op("GatherND", g, index)
    if _adds(node):
        return g, None, taken
    return op("ScatterND", g, index, updates.zeros(g.dtype)), None, taken


@rule("Trilu")
def triangle(node: Node, g: Tensor) -> Tensor:
    """∂x = the same triangle of g, 0 elsewhere."""
    return op("Trilu", g, node.optional(1), upper=node.attribute("upper", 1))


@rule("Col2Im")
def columns_to_image(node: Node, g: Tensor) -> Tensor:
    """∂x = the windows of g, one a column."""
    block = node.known(2, "the sides of its blocks").tolist()
    ones, size = [1] * len(block), int(np.prod(block))
    image = [int(length) for length in node.known(1, "the sides of its image")]
    one_hot = np.eye(size, dtype=g.dtype).reshape(size, 1, *block)
    windows = op(
        "Conv",
        g.reshape(-1, 1, *image),
        one_hot,
        strides=node.attribute("strides", ones),
        dilations=node.attribute("dilations", ones),
        pads=node.attribute("pads", [0] * 2 * len(block)),
    )
    return windows.reshaped_like(node.input)


@rule("Pad")
def pad(node: Node, g: Tensor) -> Tensor:
    """∂x = g without its border; entries of a border that mirrors, repeats or wraps are added."""
    if node.attribute("mode", "constant") != "constant":
        return _returned(node, g)
    axes = node.optional(3)
    inputs = [-node.inputs[1], np.zeros((), g.dtype)] + ([axes] if axes else [])
    return op("Pad", g, *inputs)


def _adds(node: Node) -> bool:
    how = node.attribute("reduction", "none")
    if how not in ("none", "add"):
        raise node.refused(f"its reduction {how!r} is not covered")
    return how == "add"


def _pad(g: Tensor, begin: np.ndarray, end: np.ndarray) -> Tensor:
    return op("Pad", g, np.concatenate([begin, end]), np.zeros((), g.dtype))


def _with_axis(g: Tensor, axis: int, count: int) -> Tensor:
    """Picked entry with one axis of length 1 in place of `count` such axes."""
    if count == 0:
        return op("Unsqueeze", g, (axis,))
    return op("Squeeze", g, range(axis, axis + count - 1)) if count > 1 else g


def _returned(node: Node, g: Tensor) -> Tensor:
    """General form: apply the operator to the indices of all entries, and add g there."""
    x = node.input
    places = op("Range", np.array(0, np.int64), op("Size", x), np.array(1, np.int64))
    picked = x.builder.again(node.proto, places.reshaped_like(x))
    return added_at(picked, g, like=x)


def _cuts(node: Node) -> tuple[list[int], list[int]] | None:
    """Lengths cut off both ends of each axis; None if unknown, or with steps other than 1."""
    shape = node.shape(node.input)
    values = [given and given.value for given in node.inputs[1:]]
    if any(value is None for value, given in zip(values, node.inputs[1:], strict=True) if given):
        return None
    starts, ends, axes, steps = [*values, None, None][:4]
    axes = range(len(starts)) if axes is None else axes
    if steps is not None and (steps != 1).any():
        return None
    begin, end = [0] * len(shape), [0] * len(shape)
    for axis, start, stop in zip(axes, starts, ends, strict=True):
        length = shape[axis]
        if isinstance(length, int):
            taken = range(length)[int(start) : int(stop)]
            begin[axis], end[axis] = taken.start, length - taken.stop
        elif start == 0 and stop >= 2**31 - 1:
            continue
        else:
            return None
    return begin, end
