"""--hold and --picture: what a model takes beside the picture."""

import numpy as np
import pytest

TWO = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.read = nn.Linear(2, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, metadata, image):
        a = torch.tanh(self.conv(image) * self.read(metadata.float())[:, :, None, None])
        return self.fc(a.mean((2, 3)))

def two():
    torch.manual_seed(0)
    return Two()
"""

ASK = ("explain", "dog.png", "-m", "two.py:two", "--preprocess", "unit", "--size", "24", "--json")


@pytest.fixture
def two(place):
    (place / "two.py").write_text(TWO)
    np.save(place / "metadata.npy", np.array([[0.5, -2.0]]))
    return place


def found(cli, *words):
    said = cli(*ASK, *words)
    assert said.code == 0, said.out
    (one,) = said.json[0]["explanations"]
    return one["score"], np.load(one["arrays"])["map"]


@pytest.mark.slow
def test_a_file_and_a_row_of_numbers_are_held(two, cli):
    words = ("--picture", "image", "--hold")
    score, map_ = found(cli, *words, "metadata=metadata.npy")
    again, same = found(cli, *words, "metadata=0.5,-2.0")
    assert score == again
    np.testing.assert_array_equal(map_, same)
    other, _ = found(cli, *words, "metadata=1.5,2")
    assert other != score


def test_compare_and_layers_hold_too(two, cli):
    held = ("--hold", "metadata=metadata.npy", "--picture", "image")
    said = cli("layers", "two.py:two", "--size", "24", "--json", *held)
    assert [layer["name"] for layer in said.json["layers"]] == ["conv"]
    said = cli(
        "compare", "dog.png", "-m", "two.py:two", "--preprocess", "unit", "--size", "24",
        "--methods", "gradcam", *held,
    )  # fmt: skip
    assert said.code == 0


def test_a_settings_file_holds_too(two, cli):
    (two / "xai-heatmap.toml").write_text('hold = ["0=metadata.npy"]\npicture = "1"\n')
    assert cli(*ASK).code == 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "--hold metadata=FILE.npy"),
        (("--hold", "metadata"), "NAME=FILE.npy"),
        (("--hold", "metadata=wide"), "holds no number"),
        (("--hold", "meta=1,2"), "Did you mean 'metadata'?"),
    ],
)
def test_what_is_wrong_is_said(two, cli, words, hint):
    said = cli(*ASK, *words, "--picture", "image")
    assert said.code == 2
    assert hint in said.json["error"]["message"]


def test_a_file_that_is_no_array_is_refused_before_the_model_is_loaded(two, cli):
    (two / "metadata.npy").write_text("no array")
    said = cli("explain", "dog.png", "-m", "absent.py:net", "--hold", "metadata=metadata.npy")
    assert said.code == 4
    assert "numpy.save" in said.err
