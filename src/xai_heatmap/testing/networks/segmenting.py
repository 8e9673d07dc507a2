"""Small networks that score every place, whose right answer can be read off their weights."""

import numpy as np
import torch
from torch import nn

RED, GREEN, OTHER = 0, 1, 2
SIDE = 12


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
            self.near.weight.zero_()
            for channel in range(3):
                self.near.weight[channel, channel] = 1 / 9
            self.classify.weight[:] = torch.tensor([[4.0, -2, -2], [-2, 4, -2], [0, 0, 0]]).reshape(
                3, 3, 1, 1
            )
            self.classify.bias[:] = torch.tensor([-1.0, -1, 0])

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


def scene(side: int = SIDE) -> np.ndarray:
    """(3, side, side): a red square above to the left, a green one below to the right, on grey."""
    x = np.full((3, side, side), 0.2, np.float32)
    half = side // 2
    for colour, start in ((0, 1), (1, half + 1)):
        box = slice(start, start + half - 2)
        x[:, box, box] = 0
        x[colour, box, box] = 1
    return x


def square(colour: int, side: int = SIDE) -> np.ndarray:
    """Mask of the square of a colour."""
    return scene(side)[colour] == 1
