"""Windows of autograd's nodes: which places of its input an operation reads, and where."""

from collections.abc import Sequence
from typing import Any

from xai_heatmap.core.layers.placing import (
    Along,
    Window,
    changed,
    padded,
    resized,
    sliced,
    transposed,
    window,
)

POOLS = ("MaxPool", "AvgPool")
PADS = ("ReflectionPad", "ReplicationPad")
MOVES = (
    "Permute",
    "Transpose",
    "View",
    "Reshape",
    "TBackward",
    "Expand",
    "Clone",
    "Unsafe",
    "Alias",
)
"""Parts of the names of nodes that change the order of axes, or their number, and no place."""

Shape = tuple[int, ...]


def windows_of(node: Any) -> list[Window]:
    """Windows of one node of autograd's graph, in order; none where no place moves."""
    before = next((_shape(own) for own, _ in node.next_functions if own is not None), None)
    after, name = _shape(node), type(node).__name__
    if before is None or after is None or len(before) < 3:
        return []
    if name.startswith("Convolution"):
        return [Window(before, after, _convolved(node))]
    if name.startswith(POOLS):
        return [Window(before, after, _pooled(node, len(before) - 2))]
    if name.startswith("ConstantPad"):
        return [Window(before, after, _padded(node._saved_pad, len(before)))]  # noqa: SLF001
    if name.startswith(PADS):
        return [Window(before, after, _padded(node._saved_padding, len(before)))]  # noqa: SLF001
    if name.startswith("Slice") and node._saved_step >= 1:  # noqa: SLF001
        axis = node._saved_dim % len(before)  # noqa: SLF001
        start = node._saved_start or 0  # noqa: SLF001
        start = min(max(start + before[axis] if start < 0 else start, 0), before[axis])
        untouched = before == after
        own = {} if untouched or not axis else {axis: sliced(start, node._saved_step)}  # noqa: SLF001
        return [Window(before, after, own)] if own else []
    if name.startswith("Upsample") and getattr(node, "_saved_align_corners", False):
        return [_resized(before, after, corners=True)]
    if name.startswith(("Upsample", "AdaptiveAvgPool", "AdaptiveMaxPool")):
        return [_resized(before, after, corners=False)]
    if before == after or any(word in name for word in MOVES):
        return []
    return changed(before, after)


def _shape(node: Any) -> Shape | None:
    """Shape of what a node's operation answered; None of one that autograd does not tell."""
    told: Sequence[Any] = getattr(node, "_input_metadata", ())
    for one in told:  # of several outputs the first
        return tuple(int(length) for length in one.shape)
    value = getattr(node, "variable", None)
    return None if value is None else tuple(value.shape)


def _convolved(node: Any) -> dict[int, Along | None]:
    sizes = tuple(node._saved_weight.shape[2:])  # noqa: SLF001
    strides, pads, dilations = (
        _along(getattr(node, f"_saved_{name}"), len(sizes))
        for name in ("stride", "padding", "dilation")
    )
    every = zip(sizes, strides, pads, dilations, strict=True)
    back = node._saved_transposed  # noqa: SLF001
    return {
        axis: transposed(size, stride, cut, dilation=dilation)
        if back
        else window(size, stride, cut, dilation=dilation)
        for axis, (size, stride, cut, dilation) in enumerate(every, start=2)
    }


def _pooled(node: Any, rank: int) -> dict[int, Along | None]:
    sizes, strides, pads = (
        _along(getattr(node, f"_saved_{name}"), rank)
        for name in ("kernel_size", "stride", "padding")
    )
    dilations = _along(getattr(node, "_saved_dilation", (1,)), rank)
    return {
        axis: window(size, stride, cut, dilation=dilation)
        for axis, (size, stride, cut, dilation) in enumerate(
            zip(sizes, strides or sizes, pads, dilations, strict=True), start=2
        )
    }


def _along(said: Sequence[int], rank: int) -> tuple[int, ...]:
    """One number for each axis; one number of all counts for each."""
    return tuple(said) * rank if len(said) == 1 else tuple(said)


def _padded(pads: Sequence[int], axes: int) -> dict[int, Along | None]:
    """The last axis first, each with what stands in front and behind."""
    pairs = zip(pads[::2], pads[1::2], strict=True)
    return {axes - 1 - n: padded(front) for n, (front, end) in enumerate(pairs) if front or end}


def _resized(before: Shape, after: Shape, *, corners: bool) -> Window:
    along = {
        axis: resized(before[axis], after[axis], corners=corners) for axis in range(2, len(before))
    }
    return Window(before, after, along)
