"""Sliding windows of kernels, and the transposed operation that adds numbers back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node
from xai_heatmap.networks.onnx.autodiff.tensor import Shape, Tensor, op


@dataclass(frozen=True)
class Window:
    """A kernel that slides over a grid: one number per axis of the grid, padding resolved."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]

    @property
    def rank(self) -> int:
        return len(self.kernel)

    @property
    def span(self) -> np.ndarray:
        """Extent of one window: 1 + dilation · (kernel − 1)."""
        return 1 + np.array(self.dilations) * (np.array(self.kernel) - 1)

    def covered(self, y: Tensor) -> Tensor:
        """Lengths of the grid that all windows reach together, padding included."""
        return (y.lengths(2) - 1) * np.array(self.strides) + self.span

    def spread(
        self, g: Tensor, weight: Tensor, *, like: Tensor, y: Tensor, group: int = 1
    ) -> Tensor:
        """Add each number, times the weight, to the places of its window in the grid of `like`."""
        attributes = {"strides": self.strides, "dilations": self.dilations, "group": group}
        left = self.uncovered(like, y)
        if left.value is None:
            return padded(op("ConvTranspose", g, weight, **attributes), -np.array(self.begin), left)
        cropped, added = np.maximum(-left.value, 0).tolist(), np.maximum(left.value, 0).tolist()
        return op(
            "ConvTranspose",
            g,
            weight,
            **attributes,
            pads=[*self.begin, *cropped],
            output_padding=added,
        )

    def uncovered(self, x: Tensor, y: Tensor) -> Tensor:
        """Length of the grid of x beyond the last window; negative where windows reach further."""
        return x.lengths(2) + np.array(self.begin) - self.covered(y)


def window(node: Node, kernel: Shape) -> Window:
    """The window of a convolution or pooling node with strides, dilations, pads or auto_pad."""
    sizes = node.fixed(tuple(node.attribute("kernel_shape", kernel)), "the size of its kernel")
    ones = [1] * len(sizes)
    strides = tuple(node.attribute("strides", ones))
    dilations = tuple(node.attribute("dilations", ones))
    automatic = node.attribute("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        begin, end = _same(node, sizes, strides, dilations)
        begin, end = (begin, end) if automatic == "SAME_UPPER" else (end, begin)
    else:
        pads = (
            tuple(node.attribute("pads", [0] * 2 * len(sizes)))
            if automatic == "NOTSET"
            else (0,) * 2 * len(sizes)
        )
        begin, end = pads[: len(sizes)], pads[len(sizes) :]
    return Window(sizes, strides, dilations, begin, end)


def _same(
    node: Node, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Padding such that the output has ⌈input / stride⌉ entries, the odd one at the end."""
    begin, end = [], []
    for length, size, stride, dilation in zip(
        node.shape(node.input)[2:], kernel, strides, dilations, strict=True
    ):
        span = 1 + dilation * (size - 1)
        if stride == 1:
            total = span - 1
        else:
            (known,) = node.fixed([length], "with auto_pad, the size of its input")
            total = max((-(-known // stride) - 1) * stride + span - known, 0)
        begin.append(total // 2)
        end.append(total - total // 2)
    return tuple(begin), tuple(end)


def padded(x: Tensor, begin: np.ndarray, end: Tensor | np.ndarray, *, value: float = 0.0) -> Tensor:
    """The grid with a border; negative amounts cut."""
    end = x.builder.constant(np.asarray(end, np.int64)) if isinstance(end, np.ndarray) else end
    amounts = x.builder.joined(0, 0, x.builder.constant(np.asarray(begin, np.int64)), 0, 0, end)
    if amounts.value is not None and not amounts.value.any():
        return x
    return op("Pad", x, amounts, x.builder.constant(np.asarray(value, x.dtype)))
