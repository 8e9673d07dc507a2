"""Detectors with a head for each of three levels, in PyTorch and in ONNX, with the same weights."""

from typing import Any

import numpy as np
import torch
from torch import nn

STRIDES = (8, 16, 32)
LEVELS = ("fine", "middle", "coarse")


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


def boxes_of(level: int, side: int) -> tuple[float, float, float, float]:
    """About the box of the place (1, 2) of a level, or the last one there is."""
    stride = STRIDES[level]
    places = side // stride
    row, column = min(1, places - 1), min(2, places - 1)
    left, top = column * stride, row * stride
    return left, top, left + stride, top + stride


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
