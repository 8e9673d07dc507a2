"""Convolution and its transpose: each is the other's derivative with respect to the input."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op
from xai_heatmap.networks.onnx.autodiff.window import Window, window

LEAST = -(2**31)


@rule("Conv")
def conv(node: Node, g: Tensor) -> Tensor:
    """∂x = g ⋆ᵀ W; with stride 1 the convolution of g with W turned around, its channels swapped.

    Refused: a weight that depends on the layer.
    """
    x, weight = node.inputs[:2]
    group, form = node.attribute("group", 1), window(node, node.shape(weight)[2:])
    before, after = form.span - 1 - form.begin, form.span - 1 - form.end
    if max(form.strides) > 1 or min(*before, *after) < 0:
        return form.spread(g, weight, like=x, y=node.output, group=group)
    return op(
        "Conv", g, _turned(node, weight, group),
        group=group, kernel_shape=form.kernel, dilations=form.dilations,
        pads=[*before.tolist(), *after.tolist()],
    )  # fmt: skip


@rule("ConvTranspose")
def conv_transpose(node: Node, g: Tensor) -> Tensor:
    """∂x = g ⋆ W, with the same strides, dilations and padding.

    Refused: a weight that depends on the layer; output_padding as large as the stride.
    """
    x, weight = node.inputs[:2]
    ones = [1] * (len(node.shape(x)) - 2)
    kernel = node.fixed(
        tuple(node.attribute("kernel_shape", node.shape(weight)[2:])), "the size of its kernel"
    )
    strides, dilations = (tuple(node.attribute(name, ones)) for name in ("strides", "dilations"))
    extra = node.attribute("output_padding", [0] * len(ones))
    if any(e >= s for e, s in zip(extra, strides, strict=True)):
        raise node.refused(f"its output_padding {extra} is not smaller than its strides {strides}")
    form = Window(kernel, strides, dilations, (), ())
    begin, end = _cut(node, form, extra)
    return op(
        "Conv", g, weight,
        group=node.attribute("group", 1), kernel_shape=kernel, strides=strides, dilations=dilations,
        pads=[*begin, *end],
    )  # fmt: skip


def _turned(node: Node, weight: Tensor, group: int) -> Tensor:
    """The weight with its kernel turned around, its channels swapped; runtimes fold this."""
    outer, inner, *kernel = node.fixed(node.shape(weight), "the shape of its weight")
    swapped = weight
    if group == 1:
        swapped = weight.transpose([1, 0, *range(2, len(kernel) + 2)])
    elif (outer, inner) != (group, 1):
        grouped = weight.reshape(group, outer // group, inner, *kernel)
        swapped = grouped.transpose([0, 2, 1, *range(3, len(kernel) + 3)])
        swapped = swapped.reshape(group * inner, outer // group, *kernel)
    axes = [axis for axis, length in enumerate(kernel, start=2) if length > 1]
    if not axes:
        return swapped
    return op("Slice", swapped, [-1] * len(axes), [LEAST] * len(axes), axes, [-1] * len(axes))


def _cut(node: Node, form: Window, extra: list[int]) -> tuple[list[int], list[int]]:
    """Padding of a transposed convolution: lengths cut off both ends of each axis."""
    automatic = node.attribute("auto_pad", "NOTSET")
    if automatic == "VALID":
        return [0] * form.rank, [0] * form.rank
    if automatic == "NOTSET" and not node.has("output_shape"):
        pads = list(node.attribute("pads", [0] * 2 * form.rank))
        return pads[: form.rank], pads[form.rank :]
    short = np.array(node.fixed(node.shape(node.input)[2:], "the size of its input"))
    long = node.attribute("output_shape", (short * form.strides).tolist())
    total = (short - 1) * form.strides + extra + form.span - long
    if (total < 0).any():
        raise node.refused(f"its output {long} is larger than its kernel reaches")
    half, rest = total // 2, total - total // 2
    begin, end = (half, rest) if automatic == "SAME_UPPER" else (rest, half)
    return begin.tolist(), end.tolist()
