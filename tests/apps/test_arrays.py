"""Signals and volumes on the command line."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

from xai_heatmap.testing.networks.planted import ecg, scan

FACTORY = """
from xai_heatmap.testing.networks.planted import Ball, Beats

def beats():
    return Beats()

def ball():
    return Ball()
"""


@pytest.fixture
def arrays(place):
    """beat.npy, calm.npy, scan.npy and the networks that look at them."""
    (place / "arrays.py").write_text(FACTORY)
    np.save(place / "beat.npy", ecg())
    np.save(place / "calm.npy", ecg(event=None))
    np.save(place / "scan.npy", scan())
    return place


@pytest.mark.slow
def test_signals_are_explained_and_written(arrays, cli):
    said = cli("explain", "beat.npy", "calm.npy", "-m", "arrays.py:beats", "--out", "maps")
    assert said.code == 0, said.err
    assert [line.split()[0] for line in said.out.splitlines() if ".png" in line] == [
        "beat.npy", "calm.npy", "sheet",
    ]  # fmt: skip
    assert len(list((arrays / "maps").glob("*.png"))) == 2
    assert len(list((arrays / "maps" / "sheets").glob("*.png"))) == 1
    alone = cli("explain", "beat.npy", "-m", "arrays.py:beats", "--out", "maps").out
    assert "beat.npy (1x2000, taken as it is)" in alone
    assert "layer    relu  2x500  auto" in alone
    with np.load(next((arrays / "maps").glob("beat*.npz"))) as found:
        assert found["map"].shape == (500,)
        assert abs(int(found["upsampled"].argmax()) - 1230) <= 40


@pytest.mark.slow
def test_several_methods_of_a_signal_get_a_sheet(arrays, cli):
    said = cli("explain", "beat.npy", "-m", "arrays.py:beats", "--method", "gradcam",
               "--method", "hirescam", "--json")  # fmt: skip
    assert said.code == 0, said.err
    assert Path(said.json[0]["sheet"]).exists()
    assert [e["input_shape"] for e in said.json[0]["explanations"]] == [[1, 2000]] * 2


@pytest.mark.slow
def test_slices_of_a_volume_are_chosen(arrays, cli):
    def drawn(*words):
        said = cli("explain", "scan.npy", "-m", "arrays.py:ball", "--json", *words)
        assert said.code == 0, said.err
        with PIL.Image.open(said.json[0]["explanations"][0]["picture"]) as found:
            return np.asarray(found)

    usual = drawn()
    assert drawn("--slices", "4").shape[0] < usual.shape[0]
    which = drawn("--slices", "27,28", "--axis", "0")
    assert which.shape != usual.shape
    assert drawn("--axis", "2").shape != usual.shape


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--slices", "99"), None),  # as many as there are
        (("--slices", "1,99"), "numbers from 1 to 40"),
        (("--slices", "many"), "slices can't be"),
        (("--axis", "5"), "axis 0, 1 or 2"),
    ],
)
def test_slices_that_are_not_there_are_said(arrays, cli, words, said):
    answer = cli("explain", "scan.npy", "-m", "arrays.py:ball", *words)
    assert (answer.code == 0) == (said is None), answer.err
    assert said is None or said in answer.err


def test_a_picture_for_a_network_of_volumes_is_refused(arrays, cli):
    said = cli("explain", "dog.png", "-m", "arrays.py:ball")
    assert said.code == 4
    assert "takes a volume" in said.err
    assert "dog.png" in said.err


def test_an_array_that_is_not_there_does_not_stop_the_others(arrays, cli):
    said = cli("explain", "gone.npy", "beat.npy", "-m", "arrays.py:beats")
    assert said.code == 1
    assert "gone.npy" in said.err
    assert "beat.npy" in said.out


@pytest.mark.slow
def test_compare_draws_a_page_of_signals_and_of_volumes(arrays, cli):
    for name, model in (("beat.npy", "arrays.py:beats"), ("scan.npy", "arrays.py:ball")):
        said = cli("compare", name, "-m", model, "--methods", "gradcam,hirescam", "--json")
        assert said.code == 0, said.err
        page = Path(name).stem + ".compare.png"
        with PIL.Image.open(arrays / "heatmaps" / page) as found:
            assert min(found.size) > 200


def test_layers_of_a_network_of_signals_are_listed(arrays, cli):
    said = cli("layers", "arrays.py:beats")
    assert said.code == 0, said.err
    assert "2x256" in said.out


VIDEO = """
import torch

class Video(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.last = torch.nn.Conv3d(3, 4, 2, 2), torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.body(x.transpose(1, 2)).relu().mean((2, 3, 4)))

def make():
    return Video().eval()
"""


def test_axes_are_said_on_the_command_line(place, cli):
    (place / "video.py").write_text(VIDEO)
    np.save(place / "clip.npy", np.ones((6, 3, 16, 16), np.float32))
    line = ("explain", "clip.npy", "-m", "video.py:make", "--layer", "body", "--out", "maps")
    said = cli(*line, "--axes", "tchw")
    assert said.code == 0, said.err
    with np.load(next((place / "maps").glob("clip*.npz"))) as found:
        assert found["upsampled"].shape == (6, 16, 16)
    wrong = cli(*line, "--axes", "nchw")
    assert wrong.code != 0
    assert "axes names the axes" in wrong.err
