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

RED, GREEN = 0, 1
SIDE = 16
SPAN, STRIDE = 4, 2
SHAPE = (3, SIDE, SIDE)
ACROSS = (SIDE - SPAN) // STRIDE + 1

STARTS = np.stack(
    np.meshgrid(np.arange(ACROSS) * STRIDE, np.arange(ACROSS) * STRIDE), axis=-1
).reshape(-1, 2)
ANCHORS = np.concatenate([STARTS, STARTS + SPAN], axis=1).astype(np.float32)
"""Left, top, right, bottom of every box in pixels of the input, row after row."""


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
            self.classify.weight[:] = torch.tensor([[6.0, -3, 0], [-3, 6, 0], [0, 0, 0]]).reshape(
                3, 3, 1, 1
            )
            self.classify.bias[:] = torch.tensor([-2.0, -2, 1])
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


def scene(side: int = SIDE) -> np.ndarray:
    """(3, side, side): a red square above to the left, a green one below to the right, on grey."""
    x = np.full((3, side, side), 0.2, np.float32)
    span = SPAN * side // SIDE
    for colour, box in ((RED, square(RED, side)), (GREEN, square(GREEN, side))):
        left, top, _, _ = box
        here = slice(top, top + span), slice(left, left + span)
        x[:, *here] = 0
        x[colour, *here] = 1
    return x


def square(colour: int, side: int = SIDE) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the square of that colour."""
    step = side // SIDE
    left, top = ((2, 4), (10, 8))[colour]
    return left * step, top * step, (left + SPAN) * step, (top + SPAN) * step


def query(colour: int) -> int:
    """Number of the box that lies around the square of a colour."""
    left, top, _, _ = square(colour)
    return top // STRIDE * ACROSS + left // STRIDE


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
