"""Windows of a graph's operations: which places of its input an operation reads, and where."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

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

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative", "Conv3D")
TRANSPOSED = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
POOLS = ("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D")
PADS = ("Pad", "PadV2", "MirrorPad")
MOVES = ("Transpose", "Reshape", "ExpandDims", "Squeeze", "BatchMatMulV2", "Einsum", "Shape")
FOLDS = ("SpaceToBatchND", "BatchToSpaceND")
"""Operations around a dilated convolution: places are dealt out to as many images, and back."""

Shape = tuple[int, ...]
Axes = dict[int, Along | None]


def windows_of(operation: tf.Operation) -> list[Window]:
    """Windows of one operation, in order; none where no place moves, or shapes are unknown."""
    kind = operation.type
    if not operation.inputs or not operation.outputs or kind in MOVES:
        return []
    from_ = operation.inputs[2 if kind in TRANSPOSED else 0]
    before, after = _lengths(from_), _lengths(operation.outputs[0])
    if before is None or after is None or len(before) < 3 or len(before) != len(after):
        return []
    if kind in (*CONVOLUTIONS, *TRANSPOSED):
        kernel = _lengths(operation.inputs[1])
        return [] if kernel is None else [_slid(operation, before, after, kernel)]
    if kind in POOLS:
        kernel = [operation.get_attr("ksize")[axis] for axis in _places(operation, len(before))]
        return [_slid(operation, before, after, kernel)]
    if kind in FOLDS:
        return [Window(before, after, _folded(operation))]
    return [] if before == after else _moved(operation, before, after)


def _moved(operation: Any, before: Shape, after: Shape) -> list[Window]:
    """Windows of an operation that pads, cuts or resizes, or of what only shapes are known of."""
    kind = operation.type
    if kind in PADS:
        pads = tf.get_static_value(operation.inputs[1])
        known = [] if pads is None else np.asarray(pads).tolist()
        own: Axes = {n: padded(front) for n, (front, end) in enumerate(known) if front or end}
        return [Window(before, after, own)] if own else changed(before, after)
    if kind in ("StridedSlice", "Slice"):
        return [Window(before, after, _sliced(operation, before, after))]
    if kind.startswith("Resize"):
        return [Window(before, after, {n: resized(before[n], after[n]) for n in (1, 2)})]
    return changed(before, after)


def _slid(operation: Any, before: Shape, after: Shape, kernel: Sequence[int]) -> Window:
    """Window of a convolution or pooling along each axis of places; of a transposed convolution,
    which is a convolution's way back.
    """
    back = operation.type in TRANSPOSED
    make, (long, short) = (transposed, (after, before)) if back else (window, (before, after))
    own: Axes = {}
    for n, axis in enumerate(_places(operation, len(before))):
        stride, dilation = (_of(operation, name, axis) for name in ("strides", "dilations"))
        front = _front(operation, axis, long[axis], short[axis], (kernel[n], stride, dilation))
        own[axis] = make(kernel[n], stride, front, dilation=dilation)
    return Window(before, after, own)


def _front(operation: Any, axis: int, long: int, short: int, own: tuple[int, int, int]) -> int:
    """Padding in front of an axis, whose smaller half it is where the operation finds it."""
    padding = operation.get_attr("padding")
    padding = padding.decode() if isinstance(padding, bytes) else padding
    if padding == "EXPLICIT":
        return int(operation.get_attr("explicit_paddings")[2 * axis])
    if padding != "SAME":
        return 0
    size, stride, dilation = own
    return evenly_padded(long, short, size, stride, dilation) // 2


def _places(operation: Any, axes: int) -> range:
    """Axes of places, by where the channels stand."""
    said = operation.get_attr("data_format")
    said = said.decode() if isinstance(said, bytes) else said
    return range(2, axes) if said.startswith("NC") else range(1, axes - 1)


def _of(operation: Any, name: str, axis: int) -> int:
    try:
        return int(operation.get_attr(name)[axis])
    except ValueError:  # an operation without dilations
        return 1


def _folded(operation: Any) -> Axes:
    """Every n-th place in each image, or back; with what is padded in front, or cut off."""
    lengths, ends = (tf.get_static_value(value) for value in operation.inputs[1:3])
    if lengths is None or ends is None:
        return {1: None, 2: None}
    out = operation.type == "SpaceToBatchND"
    return {
        axis: Along(-float(front), 0.0, float(n)) if out else Along(float(front) / n, 0.0, 1 / n)
        for axis, (n, (front, _)) in enumerate(zip(lengths.tolist(), ends.tolist(), strict=True), 1)
    }


def _sliced(operation: Any, before: Shape, after: Shape) -> Axes:
    """Every axis that became shorter, with its start and step where these are constants."""
    starts = tf.get_static_value(operation.inputs[1])
    steps = tf.get_static_value(operation.inputs[3]) if operation.type == "StridedSlice" else None
    own: Axes = {}
    for axis in (axis for axis in range(1, len(before)) if before[axis] != after[axis]):
        if starts is None or axis >= len(starts):
            own[axis] = None
            continue
        cut = operation.type == "Slice" or not operation.get_attr("begin_mask") >> axis & 1
        start = int(starts[axis]) if cut else 0
        step = 1 if steps is None else int(steps[axis])
        own[axis] = sliced(start + (before[axis] if start < 0 else 0), step) if step > 0 else None
    return own


def _lengths(value: tf.Tensor) -> Shape | None:
    shape = value.shape
    return tuple(length or 0 for length in shape) if shape.rank is not None else None
