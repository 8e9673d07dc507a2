"""Boxes that are rows, (n, boxes, numbers): whether their fifth number is objectness."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402

SIDE, STRIDE = 64, 8
CLASS = 2
NAMES = {0: "cat", 1: "dog", 2: "bus", 3: "owl"}


class Rows(nn.Module):
    """A detector whose boxes are rows; class 2 is red."""

    def __init__(self, *, objectness: bool, names: dict[int, str] | None = None) -> None:
        super().__init__()
        self.stem, self.score = nn.Conv2d(3, 1, STRIDE, STRIDE, bias=False), nn.Conv2d(1, 4, 1)
        self.objectness = objectness
        if names:
            self.names = names
        with torch.no_grad():
            self.stem.weight.zero_()
            self.stem.weight[0, 0] = 1 / STRIDE**2
            self.score.weight.zero_()
            self.score.bias.fill_(-6)
            self.score.weight[CLASS] = 12

    def forward(self, x):
        level = self.stem(x)
        y, x = torch.meshgrid(*[torch.arange(SIDE // STRIDE)] * 2, indexing="ij")
        boxes = torch.stack([(x + 0.5) * 8, (y + 0.5) * 8, x * 0 + 16.0, y * 0 + 16.0]).flatten(1)
        boxes = boxes.expand(level.shape[0], -1, -1) + 0 * level.flatten(2)
        scores = self.score(level).sigmoid().flatten(2)
        found = (
            [boxes, scores.amax(1, keepdim=True), scores] if self.objectness else [boxes, scores]
        )
        return torch.cat(found, 1).transpose(1, 2)


def explained(model, answers="boxes"):
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[32:40, 16:24, 0] = 255
    network = xh.network(model.eval(), image_shape=(3, SIDE, SIDE), answers=answers)
    ready = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
    return xh.explain(network, picture, preprocess=ready, target=xh.box((12, 28, 28, 44)))


def assumed(e):
    return any("read as objectness" in note for note in e.notes)


def test_as_many_numbers_as_names_are_classes_without_objectness():
    e = explained(Rows(objectness=False, names=NAMES))
    assert e.detection.label == "bus"
    assert e.detection.probability == pytest.approx(0.9975, abs=1e-3)
    assert not assumed(e)


def test_one_number_more_than_names_is_objectness():
    e = explained(Rows(objectness=True, names=NAMES))
    assert e.detection.label == "bus"
    assert e.detection.probability == pytest.approx(0.9975**2, abs=1e-3)
    assert not assumed(e)


def test_what_nothing_tells_is_said():
    e = explained(Rows(objectness=True))
    assert e.detection.label == "class 2"
    assert assumed(e)
    e = explained(Rows(objectness=False), xh.Boxes(objectness=False))
    assert e.detection.label == "class 2"
    assert not assumed(e)
