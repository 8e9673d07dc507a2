"""Small detectors whose right answer can be read off their weights.

A box lies around every second place of the picture; its score for a colour is the mean of that
colour inside of it, so what speaks for a box is bright and lies in the box.
"""

import io
import warnings
from typing import Any

import numpy as np
import torch
from torch import nn

from xai_heatmap.testing.networks.anchors import (
    ANCHORS,
    BIAS,
    CLASSIFY,
    SHAPE,
    SIDE,
    SPAN,
    STRIDE,
)


class Bright(nn.Module):
    """Scores every box by the colours inside of it, and moves it a little to where it is blue."""

    def __init__(self, answer: str = "detr", *, moving: float = 0.0) -> None:
        super().__init__()
        self.look = nn.Conv2d(3, 3, 1, bias=False)
        self.relu = nn.ReLU()
        self.inside = nn.AvgPool2d(SPAN, STRIDE)
        self.classify = nn.Conv2d(3, 3, 1)
        self.move = nn.Conv2d(3, 4, 1, bias=False)
        self.answer = answer
        self.register_buffer("anchors", torch.from_numpy(ANCHORS))
        with torch.no_grad():
            self.look.weight[:] = torch.eye(3).reshape(3, 3, 1, 1)
            self.classify.weight[:] = torch.from_numpy(CLASSIFY[..., None, None])
            self.classify.bias[:] = torch.from_numpy(BIAS)
            self.move.weight[:] = moving * torch.tensor([[0.0, 0, 1]]).repeat(4, 1)[..., None, None]

    def found(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of red, green and nothing, (n, boxes, 3), and corners in pixels."""
        inside = self.inside(self.relu(self.look(x)))
        flat = self.classify(inside).flatten(2).transpose(1, 2)
        return flat, self.anchors + self.move(inside).flatten(2).transpose(1, 2)

    def explained(self, x: torch.Tensor) -> torch.Tensor:
        """z of every box and class, (n, boxes, classes): what a target is to be."""
        logits, _ = self.found(x)
        if self.answer == "ssd":
            return torch.log_softmax(logits[..., [2, 0, 1]], dim=-1)
        if self.answer == "yolo":
            return logits[..., :2]
        if self.answer == "yolo with objectness":
            return torch.logit(torch.sigmoid(2 - logits[..., 2:]) * torch.sigmoid(logits[..., :2]))
        return logits

    def forward(self, x: torch.Tensor) -> Any:
        logits, corners = self.found(x)
        sizes = corners[..., 2:] - corners[..., :2]
        centred = torch.cat([(corners[..., :2] + corners[..., 2:]) / 2, sizes], dim=-1)
        if self.answer == "detr":
            return {"aux": logits * 0, "pred_logits": logits, "pred_boxes": centred / SIDE}
        if self.answer == "tuple":
            return logits, corners
        if self.answer == "ssd":
            first = torch.softmax(logits[..., [2, 0, 1]], dim=-1)
            return {"classes": first, "boxes": corners / SIDE}
        if self.answer == "yolo":
            return torch.cat([centred, torch.sigmoid(logits[..., :2])], dim=-1).transpose(1, 2)
        if self.answer == "yolo with objectness":
            likely = torch.sigmoid(2 - logits[..., 2:])
            return torch.cat([centred, likely, torch.sigmoid(logits[..., :2])], dim=-1)
        raise ValueError(self.answer)


def in_keras(answer: str) -> Any:
    """Network of the same weights in Keras, its outputs as `answer` says."""
    import keras
    from keras import layers, ops

    own = Bright(answer)
    image = keras.Input((SIDE, SIDE, 3))
    looked = layers.Conv2D(3, 1, use_bias=False, name="look")(image)
    inside = layers.AveragePooling2D(SPAN, STRIDE, name="inside")(layers.ReLU(name="relu")(looked))
    logits = layers.Reshape((-1, 3))(layers.Conv2D(3, 1, name="classify")(inside))
    still = logits[..., :1] * 0
    corners = still + ops.convert_to_tensor(ANCHORS[None])
    centred = ops.concatenate(
        [(corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]], axis=-1
    )
    outputs = {
        "detr": lambda: {"pred_logits": logits, "pred_boxes": centred / SIDE},
        "tuple": lambda: (logits, corners),
        "yolo": lambda: ops.transpose(
            ops.concatenate([centred, ops.sigmoid(logits[..., :2])], axis=-1), (0, 2, 1)
        ),
    }[answer]()
    model = keras.Model(image, outputs)
    kernels = [own.look.weight, own.classify.weight]
    turned = [w.detach().numpy().transpose(2, 3, 1, 0) for w in kernels]
    model.set_weights([turned[0], turned[1], own.classify.bias.detach().numpy()])
    return model


def in_onnx() -> Any:
    """Network of the same weights as an ONNX graph, written by hand, that answers as DETR does."""
    from onnx import TensorProto, helper, numpy_helper

    corners = ANCHORS / SIDE
    centred = np.concatenate(
        [(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], axis=1
    )
    stored = {
        "look.w": np.eye(3, dtype=np.float32)[..., None, None],
        "classify.w": CLASSIFY[..., None, None],
        "classify.b": BIAS,
        "flat": np.array([0, 3, -1]),
        "zero": np.float32(0),
        "four": np.array([0, 0, 0, 0]),
        "anchors": centred[None].astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "look.w"], ["look"], name="look"),
        node("Relu", ["look"], ["relu"], name="relu"),
        node("AveragePool", ["relu"], ["inside"], name="inside", kernel_shape=[SPAN, SPAN],
             strides=[STRIDE, STRIDE]),
        node("Conv", ["inside", "classify.w", "classify.b"], ["classify"], name="classify"),
        node("Reshape", ["classify", "flat"], ["rows"], name="rows"),
        node("Transpose", ["rows"], ["logits"], name="logits", perm=[0, 2, 1]),
        node("Gather", ["logits", "four"], ["some"], name="some", axis=2),
        node("Mul", ["some", "zero"], ["still"], name="still"),
        node("Add", ["still", "anchors"], ["pred_boxes"], name="boxes"),
    ]  # fmt: skip
    value, number = helper.make_tensor_value_info, len(ANCHORS)
    graph = helper.make_graph(
        nodes,
        "bright",
        [value("x", TensorProto.FLOAT, ["n", *SHAPE])],
        [
            value("logits", TensorProto.FLOAT, ["n", number, 3]),
            value("pred_boxes", TensorProto.FLOAT, ["n", number, 4]),
        ],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in stored.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


NAMES = {"detr": ["aux", "logits", "pred_boxes"], "ssd": ["scores", "boxes"]}
"""Names of a file's outputs, by the kind of detector."""


def exported(model: Bright) -> Any:
    """The model as torch's own exporter writes it, for any number of pictures."""
    import onnx

    written, names = io.BytesIO(), NAMES.get(model.answer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model.eval(),
            (torch.zeros(2, *SHAPE),),
            dynamo=True,
            verbose=False,
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("images")},),
        )
    program.save(written)
    return onnx.load_from_string(written.getvalue())
