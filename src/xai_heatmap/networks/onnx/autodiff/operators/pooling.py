"""Pooling over sliding windows."""

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.scattering import added_at
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op
from xai_heatmap.networks.onnx.autodiff.window import Window, padded, window


@rule("MaxPool")
def max_pool(node: Node, g: Tensor) -> Tensor:
    """∂x = g at the first maximum of each window, summed over the windows; 0 elsewhere.

    After a Relu, whole windows of zeros tie; frameworks give the cotangent to the first entry, row
    by row. Refused: with ceil_mode, a last window that lies in the padding alone (before opset 22).
    """
    if node.builder.maxpool == "scatter" and not node.attribute("storage_order", 0):
        return _scattered(node, g)
    x, y = node.input.cast(g.dtype), node.output
    form = _window(node)
    lowest = float(np.finfo(g.dtype).min)
    inside = padded(x, np.array(form.begin), -form.uncovered(node.input, y), value=lowest)
    one_hot = _one_hot(form, g)
    windows = op(
        "Conv",
        inside.reshape(-1, 1, form.covered(y)),
        one_hot,
        strides=form.strides,
        dilations=form.dilations,
    )
    size = int(np.prod(form.kernel))
    places = np.arange(size).reshape(1, size, *(1,) * form.rank)
    first = op("ArgMax", windows, axis=1, keepdims=1).equals(places)
    chosen = g.reshape(-1, 1, y.lengths(2)) * first.cast(g.dtype)
    return _spread(node, form, chosen, one_hot)


@rule("AveragePool")
def average_pool(node: Node, g: Tensor) -> Tensor:
    """∂x = g / size of the window, summed over the windows.

    Refused: a grid of unknown size where windows at its border are smaller than others.
    """
    form = _window(node)
    share = g * _shares(node, form, g)
    ones = np.ones((1, 1, *form.kernel), g.dtype)
    return _spread(
        node, form, share.reshape(-1, 1, node.output.lengths(2)), g.builder.constant(ones)
    )


@rule("LpPool")
def lp_pool(node: Node, g: Tensor) -> Tensor:
    """∂x = sign x · |x|ᵖ⁻¹ · (g / yᵖ⁻¹, summed over the windows); 0 where y = 0."""
    form, p = _window(node), node.attribute("p", 2)
    x, y = node.input, node.output
    share = g / y ** (p - 1) if p > 1 else g
    share = op("Where", y.equals(0), np.zeros((), g.dtype), share)
    ones = g.builder.constant(np.ones((1, 1, *form.kernel), g.dtype))
    spread = _spread(node, form, share.reshape(-1, 1, y.lengths(2)), ones)
    return spread * op("Sign", x) * op("Abs", x) ** (p - 1)


def _window(node: Node) -> Window:
    form = window(node, ())
    lengths = zip(
        node.shape(node.input)[2:],
        node.shape(node.output)[2:],
        form.begin,
        form.strides,
        strict=True,
    )
    for long, short, begin, stride in lengths:
        if not (isinstance(long, int) and isinstance(short, int)):
            continue
        if (short - 1) * stride >= long + begin:
            raise node.refused(
                "with ceil_mode its last window would lie in the padding alone, which runtimes "
                "leave out and shape inference before opset 22 counts"
            )
    return form


def _scattered(node: Node, g: Tensor) -> Tensor:
    """The form that reads the pooling node's own second output, which numbers all entries of x."""
    indices = node.builder.second_output(node.proto, np.dtype(np.int64))
    return added_at(indices, g, like=node.input)


def _spread(node: Node, form: Window, columns: Tensor, kernel: Tensor) -> Tensor:
    return form.spread(columns, kernel, like=node.input, y=node.output).reshaped_like(node.input)


def _one_hot(form: Window, g: Tensor) -> Tensor:
    """A kernel that copies entry i of the window to channel i."""
    size = int(np.prod(form.kernel))
    return g.builder.constant(np.eye(size, dtype=g.dtype).reshape(size, 1, *form.kernel))


def _shares(node: Node, form: Window, g: Tensor) -> Tensor | np.ndarray:
    """Inverse of the size of each window: the number of its entries in the image, or padded image.

    How much a window counts that reaches beyond the padded image differs between versions of
    runtimes, and so is read off the runtime: what it makes of ones is inside / size.
    """
    padding_counts = bool(node.attribute("count_include_pad", 0))
    ceiled = bool(node.attribute("ceil_mode", 0))
    if not ceiled and (padding_counts or not any(form.begin + form.end)):
        return np.array(1 / np.prod(form.kernel))
    short = node.fixed(node.shape(node.output)[2:], "the size of its output")
    long = node.fixed(node.shape(node.input)[2:], "the size of its input")
    inside = np.ones(())
    for axis, (count, length) in enumerate(zip(short, long, strict=True)):
        first = np.arange(count)[:, None] * form.strides[axis] - form.begin[axis]
        places = first + np.arange(form.kernel[axis]) * form.dilations[axis]
        own = ((places >= 0) & (places < length)).sum(axis=1)
        inside = np.multiply.outer(inside, own)
    if not padding_counts:
        return 1 / inside
    ones = g.builder.constant(np.ones((1, 1, *long), g.dtype))
    return g.builder.again(node.proto, ones) * (1 / inside)
