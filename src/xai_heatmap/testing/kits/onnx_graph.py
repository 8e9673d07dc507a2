"""Small ONNX graphs written node by node, and what their nodes compute in plain numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from xai_heatmap.testing.conformance.kit import CLASSES, Function

OPSET = 18


Array = np.ndarray


def conv(x: Array, weight: Array, bias: Array, *, pad: int = 0) -> Array:
    """Convolution of stride one."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return np.einsum("ncijhw,kchw->nkij", windows, weight, optimize=True) + bias[:, None, None]


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """x W^T + b."""
    return np.einsum("ni,oi->no", x, weight) + bias


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def pooled(x: Array) -> Array:
    """The mean over the grid, n k h w to n k."""
    return x.mean((2, 3))


def float32(function: Function) -> Function:
    """Function with an answer of float32, from any other."""
    return lambda x: np.asarray(function(x), np.float32)


class Graph:
    """Writes nodes one after the other; every node is named as it is said."""

    def __init__(self, *, seed: int = 0, dtype: type = np.float32) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[str, Array] = {}
        self.random = np.random.default_rng(seed)
        self.dtype = dtype

    def __call__(self, operator: str, *inputs: str, name: str = "", outputs: int = 1, **how: Any):
        made = [f"t{len(self.nodes)}.{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, made, name=name, **how))
        return made[0] if outputs == 1 else made

    def stores(self, name: str, value: Any) -> str:
        self.stored[name] = np.asarray(value)
        return name

    def weight(self, name: str, *shape: int) -> str:
        fan = max(int(np.prod(shape[1:])), 1)
        value = self.random.uniform(-1, 1, shape) / np.sqrt(fan)
        return self.stores(name, value.astype(self.dtype))

    def conv(self, x: str, name: str, k: int, c: int = 3, size: int = 3, **how: Any) -> str:
        weight = self.weight(f"{name}.weight", k, c, size, size)
        return self("Conv", x, weight, self.weight(f"{name}.bias", k), name=name, **how)

    def linear(self, x: str, name: str, out: int, into: int) -> str:
        weight = self.weight(f"{name}.weight", out, into)
        return self("Gemm", x, weight, self.weight(f"{name}.bias", out), name=name, transB=1)

    def classified(self, x: str, out: int = CLASSES) -> str:
        """Global average, flatten, linear."""
        return self.linear(self("Flatten", self("GlobalAveragePool", x)), "fc", out, 5)

    def model(self, **outputs: str) -> onnx.ModelProto:
        """With an input "image" of any number of 3 x 8 x 8 pictures."""
        last = {name: f"{name}" for name in outputs}
        nodes = [*self.nodes, *(helper.make_node("Identity", [t], [last[n]], name=f"out {n}")
                                for n, t in outputs.items())]  # fmt: skip
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        graph = helper.make_graph(
            nodes,
            "small",
            [helper.make_tensor_value_info("image", kind, ["n", 3, 8, 8])],
            [helper.make_tensor_value_info(n, kind, _shape(n)) for n in outputs],
            [numpy_helper.from_array(value, name) for name, value in self.stored.items()],
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10
        )

    def head(self, a: Array) -> Array:
        """ReLU, global average, linear."""
        return linear(pooled(relu(a)), self.stored["fc.weight"], self.stored["fc.bias"])

    def first(self, x: Array) -> Array:
        return conv(x, self.stored["conv.weight"], self.stored["conv.bias"])


def _shape(output: str) -> Sequence[str | int | None]:
    return {"hidden": ["n", 7], "aside": ["n", 2, 3]}.get(output, ["n", None])
