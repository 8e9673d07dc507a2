"""One small network over grids of one, two or three axes, of the same weights in every framework.

A grid axis of length one has kernels of one and strides of one there, so that a signal is a picture
of height one, and a volume may be a picture along two of its axes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CHANNELS, CLASSES = 2, 4
LONG = {1: (24,), 2: (12, 10), 3: (8, 6, 6)}
"""A grid of each number of axes, nothing of it flat."""


@dataclass(frozen=True)
class Weights:
    """Kernels (out, in, *window) of two convolutions, their biases, and a linear layer."""

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    linear: np.ndarray
    linear_bias: np.ndarray

    @property
    def axes(self) -> int:
        return self.first.ndim - 2

    @property
    def window(self) -> tuple[int, ...]:
        return self.first.shape[2:]

    @property
    def strides(self) -> tuple[int, ...]:
        return tuple(2 if length > 1 else 1 for length in self.window)

    @property
    def padding(self) -> tuple[int, ...]:
        return tuple(length // 2 for length in self.window)

    def on(self, window: Sequence[int]) -> "Weights":
        """Weights of the same numbers over a window of other axes: those of length one may go."""
        first = self.first.reshape(*self.first.shape[:2], *window)
        second = self.second.reshape(*self.second.shape[:2], *window)
        return Weights(
            first, self.first_bias, second, self.second_bias, self.linear, self.linear_bias
        )


def weights(window: Sequence[int], *, seed: int = 3) -> Weights:
    """Random weights for convolutions of a window."""
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return random.normal(0, 0.5, shape).astype(np.float32)

    return Weights(
        drawn(5, CHANNELS, *window), drawn(5), drawn(6, 5, *window), drawn(6),
        drawn(CLASSES, 6), drawn(CLASSES),
    )  # fmt: skip


def in_torch(own: Weights) -> Any:
    """The network in PyTorch."""
    import torch
    from torch import nn

    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[own.axes - 1]
    pooling = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)[own.axes - 1]

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = convolution(CHANNELS, 5, own.window, padding=own.padding)
            self.relu = nn.ReLU()
            self.pool = pooling(own.strides)
            self.last = convolution(5, 6, own.window, padding=own.padding)
            self.relu2 = nn.ReLU()
            self.fc = nn.Linear(6, CLASSES)

        def forward(self, x):
            x = self.pool(self.relu(self.conv(x)))
            return self.fc(self.relu2(self.last(x)).flatten(2).mean(2))

    model = Small().eval()
    with torch.no_grad():
        for part, kernel, bias in (
            (model.conv, own.first, own.first_bias),
            (model.last, own.second, own.second_bias),
            (model.fc, own.linear, own.linear_bias),
        ):
            part.weight.copy_(torch.tensor(kernel))
            part.bias.copy_(torch.tensor(bias))
    return model


def in_onnx(own: Weights) -> Any:
    """The network as an ONNX model."""
    from onnx import TensorProto, helper, numpy_helper

    stored = {
        "w1": own.first, "b1": own.first_bias, "w2": own.second, "b2": own.second_bias,
        "w3": own.linear, "b3": own.linear_bias,
    }  # fmt: skip
    pads = [*own.padding, *own.padding]
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="conv", pads=pads),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node(
            "MaxPool", ["b"], ["c"], name="pool", kernel_shape=own.strides, strides=own.strides
        ),
        helper.make_node("Conv", ["c", "w2", "b2"], ["d"], name="last", pads=pads),
        helper.make_node("Relu", ["d"], ["e"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["e"], ["f"], name="mean"),
        helper.make_node("Flatten", ["f"], ["g"], name="flat"),
        helper.make_node("Gemm", ["g", "w3", "b3"], ["scores"], name="fc", transB=1),
    ]
    lengths = [f"axis{place}" for place in range(own.axes)]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", CHANNELS, *lengths])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def in_keras(own: Weights) -> Any:
    """The network in Keras."""
    import keras
    from keras import layers

    convolution = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[own.axes - 1]
    pooling = (layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D)[own.axes - 1]
    mean = (
        layers.GlobalAveragePooling1D,
        layers.GlobalAveragePooling2D,
        layers.GlobalAveragePooling3D,
    )[own.axes - 1]
    stack = [
        convolution(5, own.window, padding="same", name="conv"),
        layers.ReLU(name="relu"),
        pooling(own.strides, name="pool"),
        convolution(6, own.window, padding="same", name="last"),
        layers.ReLU(name="relu2"),
        mean(name="mean"),
        layers.Dense(CLASSES, name="fc"),
    ]
    inputs = keras.Input((*[None] * own.axes, CHANNELS))
    x = inputs
    for layer in stack:
        x = layer(x)
    model = keras.Model(inputs, x)
    model.get_layer("conv").set_weights([_last(own.first), own.first_bias])
    model.get_layer("last").set_weights([_last(own.second), own.second_bias])
    model.get_layer("fc").set_weights([own.linear.T, own.linear_bias])
    return model


def _last(kernel: np.ndarray) -> np.ndarray:
    """Kernel (out, in, *window) as Keras has it."""
    return np.moveaxis(kernel, (0, 1), (-1, -2))


MADE: dict[str, Callable[[Weights], Any]] = {
    "torch": in_torch,
    "onnx": in_onnx,
    "keras": in_keras,
}
"""By framework."""


def patched_transformer(grid: Sequence[int], *, seed: int = 0) -> Any:
    """Patches of four along every axis that is not flat, a class token, two blocks of attention."""
    import torch
    from torch import nn

    patch = tuple(4 if length > 1 else 1 for length in grid)
    convolution = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(patch) - 1]

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.qkv = nn.Linear(8, 24)
            self.out = nn.Linear(8, 8)

        def forward(self, x):
            q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
            attended = torch.softmax(q @ k.transpose(-1, -2) / 8**0.5, dim=-1) @ v
            return x + self.out(attended)

    class Patched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = convolution(CHANNELS, 8, patch, stride=patch)
            self.first = nn.Parameter(torch.zeros(1, 1, 8))
            self.one = Block()
            self.two = Block()
            self.fc = nn.Linear(8, CLASSES)

        def forward(self, x):
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.first.expand(len(x), -1, -1), tokens], dim=1)
            return self.fc(self.two(self.one(x))[:, 0])

    model = Patched().eval()
    drawn = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data = torch.randn(weight.numel(), generator=drawn).reshape(weight.shape) * 0.5
    return model
