"""Windows of a graph's nodes: which places of its input an operator reads, and where."""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, NodeProto, helper, numpy_helper

from xai_heatmap.core.layers.placing import (
    Along,
    Window,
    changed,
    evenly_padded,
    padded,
    resized,
    sliced,
    transposed,
    window,
)

POOLS = ("MaxPool", "AveragePool", "LpPool")
CONVOLUTIONS, BACK = ("Conv", "ConvInteger", "QLinearConv"), "ConvTranspose"
MOVES = ("Transpose", "Reshape", "MatMul", "Gemm", "Squeeze", "Unsqueeze", "Flatten", "Einsum")
"""Operators that change the order of axes, or their number, and no place."""

Shape = tuple[int, ...]
Axes = dict[int, Along | None]


class WindowReader:
    """Reader of the windows of a graph, whose constants are looked up by name."""

    def __init__(self, model: ModelProto, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            if node.op_type == "Constant" and node.attribute[0].HasField("t"):
                self._stored[node.output[0]] = node.attribute[0].t

    def read(self, node: NodeProto) -> list[Window]:
        """Windows of one node, in order; none where no place moves, or shapes are unknown."""
        before, after = (self._shapes.get(own[0]) for own in (node.input, node.output))
        if before is None or after is None or len(before) < 3 or len(before) != len(after):
            return []
        kind = node.op_type
        said = {own.name: helper.get_attribute_value(own) for own in node.attribute}
        if kind in (*CONVOLUTIONS, *POOLS, BACK):
            kernel = said.get("kernel_shape") or self._kernel(node, len(before) - 2)
            own = _slid(said, kernel, before, after, back=kind == BACK)
            return [Window(before, after, own)] if kernel else []
        if before == after or kind in MOVES:
            return []
        if kind in ("Resize", "Upsample"):
            corners = said.get("coordinate_transformation_mode") == b"align_corners"
            places = range(2, len(before))
            return [
                Window(
                    before,
                    after,
                    {n: resized(before[n], after[n], corners=corners) for n in places},
                )
            ]
        if kind == "Pad":
            own = self._padded(node, said, len(before))
            return [Window(before, after, own)] if own else changed(before, after)
        if kind == "Slice":
            own = self._sliced(node, before, after)
            return [Window(before, after, own)] if own else changed(before, after)
        return changed(before, after)

    def _number(self, node: NodeProto, place: int) -> list[int] | None:
        """A constant input of whole numbers; None of one that is computed."""
        name = node.input[place] if len(node.input) > place else ""
        tensor = self._stored.get(name)
        return None if tensor is None else np.ravel(numpy_helper.to_array(tensor)).tolist()

    def _kernel(self, node: NodeProto, rank: int) -> Sequence[int]:
        tensor = self._stored.get(node.input[3 if node.op_type == "QLinearConv" else 1])
        return () if tensor is None else tuple(tensor.dims[-rank:])

    def _padded(self, node: NodeProto, said: Mapping[str, object], axes: int) -> Axes:
        given = said.get("pads")
        pads = given if isinstance(given, list) else self._number(node, 1)
        if pads is None:
            return {}
        named = self._number(node, 3) or list(range(len(pads) // 2))
        pairs = zip(named, pads[: len(named)], pads[len(named) :], strict=True)
        return {axis % axes: padded(front) for axis, front, end in pairs if front or end}

    def _sliced(self, node: NodeProto, before: Shape, after: Shape) -> Axes:
        starts, named, steps = (self._number(node, place) for place in (1, 3, 4))
        if starts is None:
            return {}
        axes = [axis % len(before) for axis in named or range(len(starts))]
        own: Axes = {}
        for axis, start, step in zip(axes, starts, steps or [1] * len(starts), strict=True):
            if before[axis] != after[axis]:
                first = start + (before[axis] if start < 0 else 0)
                own[axis] = sliced(first, step) if step > 0 else None
        return own


def _slid(
    said: Mapping[str, object], kernel: Sequence[int], before: Shape, after: Shape, *, back: bool
) -> Axes:
    """Window of a convolution or pooling along each axis of places; of a transposed convolution,
    which is a convolution's way back.
    """
    make, (long, short) = (transposed, (after, before)) if back else (window, (before, after))
    strides, dilations = (_each(said, name, len(kernel)) for name in ("strides", "dilations"))
    own: Axes = {}
    for n, (size, stride, dilation) in enumerate(zip(kernel, strides, dilations, strict=True)):
        sides = long[n + 2], short[n + 2]
        front = _front(said, n, sides, (size, stride, dilation))
        own[n + 2] = make(size, stride, front, dilation=dilation)
    return own


def _front(
    said: Mapping[str, object], axis: int, sides: tuple[int, int], own: tuple[int, int, int]
) -> int:
    """Padding in front of an axis, with its longer and its shorter side."""
    automatic = said.get("auto_pad", b"NOTSET")
    if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
        (long, short), (size, stride, dilation) = sides, own
        both = evenly_padded(long, short, size, stride, dilation)
        return both // 2 if automatic == b"SAME_UPPER" else -(-both // 2)
    pads = said.get("pads") if automatic == b"NOTSET" else None
    return pads[axis] if isinstance(pads, Sequence) and pads else 0


def _each(said: Mapping[str, object], name: str, rank: int) -> Sequence[int]:
    own = said.get(name)
    return own if isinstance(own, Sequence) and own else [1] * rank
