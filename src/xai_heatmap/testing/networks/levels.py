"""Detectors with a head for each of three levels, in PyTorch and in ONNX, with the same weights."""

from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.testing.networks.anchors import LEVELS, STRIDES


class Levels(nn.Module):
    """Scores and boxes (n, 4 + classes, boxes) of three levels, each from two branches or one."""

    def __init__(self, classes: int, *, branches: int = 2) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.ReLU())
        self.fine, self.middle, self.coarse = (
            nn.Sequential(nn.Conv2d(6, 6, 2, 2), nn.ReLU()) for _ in range(3)
        )
        self.scores = nn.ModuleList(nn.Conv2d(6, classes, 1) for _ in STRIDES)
        self.boxes = nn.ModuleList(nn.Conv2d(6, 4, 1) for _ in STRIDES)
        self.branches = branches

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        found = []
        for level, (features, stride) in enumerate(
            zip((fine, middle, self.coarse(middle)), STRIDES, strict=True)
        ):
            rows = torch.arange(features.shape[2]), torch.arange(features.shape[3])
            y, across = torch.meshgrid(*rows, indexing="ij")
            at = torch.stack([across, y]).flatten(1)[None] * stride + stride / 2
            box = self.boxes[level](features).flatten(2)
            scores = self.scores[level](features).flatten(2).sigmoid()
            around = [at + box[:, :2] * 0.01, stride + box[:, 2:] * 0.01]
            found.append(torch.cat([*around, scores], 1))
        return torch.cat(found, 2)


def in_onnx(model: Levels, side: int) -> Any:
    """Network of the same weights in ONNX, for one picture or several of that side."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, stored = [], []

    def keep(name: str, value: Any) -> str:
        stored.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(kind: str, name: str, *inputs: str, **options: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **options))
        return name

    def conv(name: str, value: str, part: nn.Conv2d) -> str:
        weight = keep(f"{name}.w", part.weight.detach().numpy())
        bias = keep(f"{name}.b", part.bias.detach().numpy())
        return add("Conv", name, value, weight, bias, strides=list(part.stride))

    with torch.no_grad():
        keep("hundredth", np.float32(0.01))
        keep("flat", np.array([0, 0, -1]))
        value = add("Relu", "stem", conv("stem.conv", "x", model.stem[0]))
        found = []
        for level, name in enumerate(LEVELS):
            part = getattr(model, name)
            value = add("Relu", name, conv(f"{name}.conv", value, part[0]))
            stride, places = STRIDES[level], side // STRIDES[level]
            box = conv(f"{name}.boxes", value, model.boxes[level])
            score = conv(f"{name}.scores", value, model.scores[level])
            box = add("Reshape", f"{name}.flat boxes", box, "flat")
            score = add("Reshape", f"{name}.flat scores", score, "flat")
            score = add("Sigmoid", f"{name}.likely", score)
            y, x = np.meshgrid(np.arange(places), np.arange(places), indexing="ij")
            start = np.stack([x.ravel(), y.ravel()]) * stride + stride / 2
            start = np.concatenate([start, np.full_like(start, stride)])[None]
            moved = add("Mul", f"{name}.moved", box, "hundredth")
            placed = add(
                "Add", f"{name}.placed", moved, keep(f"{name}.at", start.astype(np.float32))
            )
            found.append(add("Concat", f"{name}.found", placed, score, axis=1))
        add("Concat", "found", *found, axis=2)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "levels",
        [value("x", TensorProto.FLOAT, ["n", 3, side, side])],
        [value("found", TensorProto.FLOAT, ["n", None, None])],
        stored,
    )
    return onnx.helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def in_keras(model: Levels, side: int) -> Any:
    """Network of the same weights in Keras, for pictures of that side."""
    import keras
    from keras import layers, ops

    parts: list[tuple[Any, nn.Conv2d]] = []

    def conv(name: str, value: Any, part: nn.Conv2d, activation: str | None = None) -> Any:
        own = layers.Conv2D(
            part.out_channels, part.kernel_size, part.stride, activation=activation, name=name
        )
        parts.append((own, part))
        return own(value)

    def flat(value: Any) -> Any:
        return ops.transpose(ops.reshape(value, (-1, *_size(value))), (0, 2, 1))

    def _size(value: Any) -> tuple[int, int]:
        return value.shape[1] * value.shape[2], value.shape[3]

    image = keras.Input((side, side, 3))
    value, found = conv("stem", image, model.stem[0], "relu"), []
    for level, name in enumerate(LEVELS):
        value = conv(name, value, getattr(model, name)[0], "relu")
        stride, places = STRIDES[level], side // STRIDES[level]
        box = flat(conv(f"{name}_boxes", value, model.boxes[level]))
        score = ops.sigmoid(flat(conv(f"{name}_scores", value, model.scores[level])))
        y, x = np.meshgrid(np.arange(places), np.arange(places), indexing="ij")
        start = np.stack([x.ravel(), y.ravel()]) * stride + stride / 2
        start = np.concatenate([start, np.full_like(start, stride)])[None].astype(np.float32)
        found.append(ops.concatenate([box * 0.01 + start, score], axis=1))
    made = keras.Model(image, ops.concatenate(found, axis=2))
    for own, part in parts:
        own.set_weights(
            [part.weight.detach().numpy().transpose(2, 3, 1, 0), part.bias.detach().numpy()]
        )
    return made
