"""Signals and volumes with something planted in them, and networks whose weights are set to see
just that.
"""

import numpy as np
import torch
from torch import nn

NORMAL, EXTRA = 0, 1


def bump(length, centre, width, height):
    """A Gaussian of a centre, a width and a height, over `length` samples."""
    return height * np.exp(-0.5 * ((np.arange(length) - centre) / width) ** 2)


def ecg(length=2000, *, event=1230, leads=1, seed=0):
    """A beat every 200 samples, and at `event` one of another shape: wide and downwards; (c, l)."""
    random = np.random.default_rng(seed)
    line = 0.02 * random.normal(size=length) + 0.05 * np.sin(np.arange(length) / 300)
    for beat in range(100, length, 200):
        for away, width, height in (
            (-35, 10, 0.12), (-5, 3, -0.12), (0, 4, 1.0), (6, 4, -0.2), (50, 16, 0.25),
        ):  # fmt: skip
            line += bump(length, beat + away, width, height)
    if event is not None:
        line += bump(length, event, 16, -1.1) + bump(length, event + 40, 22, 0.5)
    return np.stack([line * share for share in np.linspace(1, 0.4, leads)]).astype(np.float32)


class Beats(nn.Module):
    """One filter of the shape of each kind of beat; the larger answer is the class."""

    def __init__(self, leads=1):
        super().__init__()
        self.shapes = nn.Conv1d(leads, 2, 81, stride=4, padding=40)
        self.relu = nn.ReLU()
        self.most = nn.AdaptiveMaxPool1d(1)
        self.fc = nn.Linear(2, 2)
        shapes = np.stack([bump(81, 40, 4, 1.0), bump(81, 40, 16, -1.0)])
        shapes -= shapes.mean(axis=1, keepdims=True)
        shapes /= np.abs(shapes).sum(axis=1, keepdims=True) * leads
        with torch.no_grad():
            self.shapes.weight[:] = torch.tensor(shapes[:, None], dtype=torch.float32)
            self.shapes.bias[:] = torch.tensor([-0.05, -0.1])
            self.fc.weight[:] = torch.tensor([[1.0, 0.0], [0.0, 8.0]])
            self.fc.bias.zero_()

    def forward(self, x):
        return self.fc(self.most(self.relu(self.shapes(x))).flatten(1))


def scan(shape=(40, 64, 56), *, ball=(27, 40, 20), radius=5, seed=0):
    """A body with an organ, and a bright ball of some radius; (1, d, h, w)."""
    at = np.indices(shape)
    sizes = np.array(shape)

    def within(centre, reach):
        parts = [(a - c) / r for a, c, r in zip(at, centre, reach, strict=True)]
        return sum(part**2 for part in parts) < 1

    values = 0.05 * np.random.default_rng(seed).normal(size=shape)
    values[within(sizes / 2, sizes * (0.48, 0.45, 0.42))] += 0.4
    values[within((20, 22, 38), (18, 10, 7))] -= 0.2
    if ball is not None:
        values[within(ball, (radius,) * 3)] += 0.6
    return values[None].astype(np.float32)


class Ball(nn.Module):
    """A filter that answers a ball of a radius of four or more, and adds up its answers."""

    def __init__(self, channels=1):
        super().__init__()
        self.round = nn.Conv3d(channels, 1, 9, stride=2, padding=4, padding_mode="replicate")
        self.relu = nn.ReLU()
        self.fc = nn.Linear(1, 2)
        far = np.sqrt(((np.indices((9, 9, 9)) - 4) ** 2).sum(axis=0))
        shape = (far <= 4).astype(np.float32)
        shape -= shape.mean()
        with torch.no_grad():
            self.round.weight[:] = torch.tensor(shape / np.abs(shape).sum() / channels)
            self.round.bias.fill_(-0.08)
            self.fc.weight[:] = torch.tensor([[-50.0], [50.0]])
            self.fc.bias[:] = torch.tensor([1.0, -1.0])

    def forward(self, x):
        return self.fc(self.relu(self.round(x)).flatten(2).sum(2))


def film(*, frames=12, size=(48, 64), ball=(24, 40), seen=range(4, 9), radius=5):
    """A yellow ball before a coloured ground, in some of the frames alone; (3, t, h, w)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    down = rows / size[0]
    picture = np.stack([0.1 + 0.2 * down, 0.2 + 0 * down, 0.4 - 0.3 * down])
    video = np.repeat(picture[:, None], frames, axis=1)
    disc = (rows - ball[0]) ** 2 + (columns - ball[1]) ** 2 < radius**2
    for frame in seen:
        video[:, frame, disc] = np.array([1.0, 0.9, 0.1])[:, None]
    return video.astype(np.float32)
