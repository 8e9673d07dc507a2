"""A tiny classifier as a user would write it, and a way to call the command line in process."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.apps.cli import main

FACTORY = """
import torch
from torch import nn

def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, padding=1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )

def broken():
    raise RuntimeError("no such cable")

def picky():
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 30 * 30, 2))

def talking():
    print("hello from the factory")
    return net()

def odd():
    return 7
"""


@dataclass(frozen=True)
class Said:
    """What one call of the command line answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The current folder, with net.py, dog.png, cat.png and labels.csv in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FACTORY)
    random = np.random.default_rng(0)
    for name in ("dog", "cat"):
        pixels = random.integers(0, 255, (40, 60, 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text('index,name\n0,"dog, hound"\n1,cat\n2,t-rex\n')
    return tmp_path


@pytest.fixture
def cli(place, capsys):
    """Call the command line in `place`."""

    def call(*words: str) -> Said:
        code = main(list(words))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


@pytest.fixture
def explain(cli):
    """`explain dog.png` with the tiny network, and flags of one's own after it."""

    def call(*words: str, images=("dog.png",), model="net.py:net") -> Said:
        always = ("--model", model, "--preprocess", "imagenet", "--size", "32x48")
        return cli("explain", *images, *always, *words)

    return call
