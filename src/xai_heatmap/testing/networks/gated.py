"""The network of `oracles.rescaled_by_loops` in every framework: what makes slopes between two runs
differ from derivatives, one after the other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

SHAPE, FEATURES = (2, 6, 8), 3
"""(c, H, W) of the pictures, and the feature maps of the convolution."""

Weights = dict[str, np.ndarray]


def drawn(seed: int) -> Weights:
    """Random ``kernel`` (out, in, 3, 3), ``bias`` (out,) and ``last`` (out, h, w)."""
    random = np.random.default_rng(seed)
    shapes = {
        "kernel": (FEATURES, SHAPE[0], 3, 3),
        "bias": (FEATURES,),
        "last": (FEATURES, (SHAPE[1] - 2) // 2, (SHAPE[2] - 2) // 2),
    }
    return {n: random.normal(0, 0.5, shape).astype(np.float32) for n, shape in shapes.items()}


def in_torch(own: Weights) -> Any:
    """The network in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(SHAPE[0], FEATURES, 3)
            self.last = nn.Parameter(torch.tensor(own["last"]))
            with torch.no_grad():
                self.conv.weight.copy_(torch.tensor(own["kernel"]))
                self.conv.bias.copy_(torch.tensor(own["bias"]))

        def forward(self, x):
            t = torch.tanh(functional.max_pool2d(functional.leaky_relu(self.conv(x), 0.2), 2))
            y = (self.last * t * torch.sigmoid(t.mean((2, 3), keepdim=True))).sum((1, 2, 3))
            return torch.stack([-y, y], 1)

    return Gated().eval()


def in_onnx(own: Weights) -> Any:
    """The network as an ONNX graph."""
    from onnx import TensorProto, helper, numpy_helper

    stored = {**own, "places": np.array([1, 2, 3])}
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "kernel", "bias"], ["u"], name="conv"),
        node("LeakyRelu", ["u"], ["v"], name="bent", alpha=0.2),
        node("MaxPool", ["v"], ["p"], name="most", kernel_shape=[2, 2], strides=[2, 2]),
        node("Tanh", ["p"], ["t"], name="tanh"),
        node("GlobalAveragePool", ["t"], ["m"], name="mean"),
        node("Sigmoid", ["m"], ["g"], name="gate"),
        node("Mul", ["t", "last"], ["w"], name="weighed"),
        node("Mul", ["w", "g"], ["z"], name="gated"),
        node("ReduceSum", ["z", "places"], ["s"], name="sum", keepdims=0),
        node("Unsqueeze", ["s", "one"], ["y"], name="for"),
        node("Neg", ["y"], ["against"], name="against"),
        node("Concat", ["against", "y"], ["scores"], name="both", axis=1),
    ]
    stored["one"] = np.array([1])
    graph = helper.make_graph(
        nodes,
        "gated",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SHAPE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def in_keras(own: Weights) -> Any:
    """The network in Keras."""
    import keras
    from keras import layers, ops

    image = keras.Input((*SHAPE[1:], SHAPE[0]))
    conv = layers.Conv2D(FEATURES, 3, name="conv")
    bent = layers.LeakyReLU(negative_slope=0.2)(conv(image))
    t = ops.tanh(layers.MaxPooling2D(2)(bent))
    gate = ops.sigmoid(ops.mean(t, axis=(1, 2), keepdims=True))
    last = ops.convert_to_tensor(np.moveaxis(own["last"], 0, -1)[None])
    y = ops.sum(t * last * gate, axis=(1, 2, 3))
    model = keras.Model(image, ops.stack([-y, y], axis=1))
    conv.set_weights([own["kernel"].transpose(2, 3, 1, 0), own["bias"]])
    return model


MADE: dict[str, Callable[[Weights], Any]] = {
    "torch": in_torch,
    "onnx": in_onnx,
    "keras": in_keras,
}
"""By framework."""
