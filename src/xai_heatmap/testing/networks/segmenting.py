"""Small networks that score every place, whose right answer can be read off their weights."""

from typing import Any

import torch
from torch import nn

from xai_heatmap.testing.networks.colours import BIAS, CLASSIFY, SIDE, kernel


class Colours(nn.Module):
    """Labels red and green pixels: a 3x3 mean, colours against each other, drawn out again.

    The first layer's maps are the colours in the neighbourhood, so what speaks for red is red.
    """

    def __init__(self, answer: str = "map", coarse: int = 1) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, 3, 3, padding=1, stride=coarse, bias=False)
        self.relu = nn.ReLU()
        self.classify = nn.Conv2d(3, 3, 1)
        self.softmax = nn.Softmax(dim=1)
        self.answer = answer
        with torch.no_grad():
            self.near.weight[:] = torch.from_numpy(kernel())
            self.classify.weight[:] = torch.from_numpy(CLASSIFY[..., None, None])
            self.classify.bias[:] = torch.from_numpy(BIAS)

    def forward(self, x):
        scores = self.classify(self.relu(self.near(x)))
        if self.answer == "dict":
            return {"out": scores, "aux": scores * 0}
        if self.answer == "softmax":
            return self.softmax(scores)
        if self.answer == "functional":
            return torch.softmax(scores, dim=1)
        if self.answer == "over places":
            return torch.softmax(scores, dim=3)
        if self.answer == "last":
            return scores.permute(0, 2, 3, 1)
        return scores


class Binary(nn.Module):
    """One number a place: red or not."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = Colours()

    def forward(self, x):
        return self.colours(x)[:, :1]


def in_keras() -> Any:
    """The same network in Keras, closing in a softmax over the last axis."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Conv2D(3, 3, padding="same", use_bias=False, name="near"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Conv2D(3, 1, name="classify", activation="softmax"),
        ]
    )
    model.set_weights([kernel().transpose(2, 3, 1, 0), CLASSIFY.T[None, None], BIAS])
    return model


def in_onnx() -> Any:
    """The same network as an ONNX graph."""
    from onnx import TensorProto, helper, numpy_helper

    stored = {"near.w": kernel(), "classify.w": CLASSIFY[..., None, None], "classify.b": BIAS}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "near.w"], ["near"], name="near", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["near"], ["relu"], name="relu"),
            helper.make_node("Conv", ["relu", "classify.w", "classify.b"], ["y"], name="classify"),
        ],
        "colours",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
