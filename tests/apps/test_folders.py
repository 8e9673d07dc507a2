"""A model that changes the working directory changes no path of the command line."""

import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

WANDERING = """
import os
import torch

class Wandering(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.head = torch.nn.Conv2d(3, 4, 4, 4), torch.nn.Linear(4, 3)
    def forward(self, x):
        os.chdir("/")
        return self.head(self.body(x).relu().mean((2, 3)))

def make():
    return Wandering().eval()
"""


@pytest.fixture
def pictures(place):
    (place / "net.py").write_text(WANDERING)
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3)).astype(np.uint8)
        PIL.Image.fromarray(pixels).save(place / name)
    return ["a.png", "b.png"]


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_pictures_and_results_lie_where_they_were_said(cli, place, pictures, command):
    words = [command, *pictures, "--model", "net.py:make", "--preprocess", "unit"]
    said = cli(*words, "--size", "32x32", "--out", "out")
    assert said.code == 0, said.err
    written = {path.name[:2] for path in (place / "out").glob("*.png")}
    assert written == {"a.", "b."}
    assert Path.cwd() == place.resolve()


@pytest.mark.slow
def test_layers_and_export_too(cli, place, pictures):
    assert cli("layers", "net.py:make", "--size", "32x32").code == 0
    assert Path(os.curdir).resolve() == place.resolve()
    said = cli("export", "net.py:make", "out.onnx", "--image-shape", "3x32x32")
    assert said.code == 0, said.err
    assert (place / "out.onnx").is_file()
    assert Path.cwd() == place.resolve()
