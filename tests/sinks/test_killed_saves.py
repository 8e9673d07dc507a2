"""What a process that is killed leaves half written is known as the package's own, and removed."""

import os
from pathlib import Path

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import OutputError
from xai_heatmap.runners.batch.drawn import Drawing
from xai_heatmap.sinks import staging
from xai_heatmap.training.loggers import Folder, Told

LEFT = ".0123456789abcdef.png.tmp"


def exported(folder: Path) -> Path:
    pytest.importorskip("onnx", reason="needs ONNX")
    from onnx import helper

    from xai_heatmap.exporting.saving import save

    save(helper.make_model(helper.make_graph([], "none", [], [])), folder / "a.onnx")
    return folder / "a.onnx"


def map_of_a_run(folder: Path) -> Path:
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    layers = torch.nn.Conv2d(3, 4, 4, 4), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    network = xh.network(torch.nn.Sequential(*layers).eval(), image_shape=(3, 16, 16))
    one = xh.explain(network, np.full((16, 16, 3), 90, np.uint8), preprocess="unit", target=0)
    drawing = Drawing(folder, png=False, npz=True, draw=lambda own: own.overlay())
    place = drawing.path("npz", "a")
    place.parent.mkdir(parents=True, exist_ok=True)
    (folder / LEFT).replace(place.parent / LEFT)
    drawing("a", one)
    return place


def maps_of_an_epoch(folder: Path) -> Path:
    Folder(folder).look(Told(1, np.zeros((4, 4, 3), np.uint8), {}, [None]))
    return folder / "epoch-0001.npz"


@pytest.mark.parametrize("write", [exported, map_of_a_run, maps_of_an_epoch])
def test_what_a_killed_process_left_goes_with_the_next_save(write, tmp_path, monkeypatch):
    (tmp_path / LEFT).write_bytes(b"half")
    half: list[str] = []
    sync = os.fsync

    def synced(number: int) -> None:
        half.extend(path.name for path in tmp_path.rglob(".*"))
        sync(number)

    monkeypatch.setattr(os, "fsync", synced)
    place = write(tmp_path)
    assert half
    assert all(staging.STAGED.fullmatch(name) for name in half)
    assert place.is_file()
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_a_file_that_grows_is_left_to_the_process_that_writes_it(tmp_path, monkeypatch):
    with staging.growing(tmp_path / "a.mp4") as own:
        own.write_bytes(b"half")
        assert own.suffix == ".mp4"
        assert staging.GROWING.fullmatch(own.name)
        monkeypatch.setattr(staging, "_tidied", set())  # as another process that saves there
        with staging.alone(tmp_path):
            assert own.read_bytes() == b"half"
    assert not own.exists()


def test_a_file_that_grew_in_a_dead_process_goes_with_the_next_save(tmp_path):
    fcntl = pytest.importorskip("fcntl", reason="needs locks of files")
    dead = tmp_path / ".0123456789abcdef.mp4.tmp.mp4"
    dead.write_bytes(b"half")
    held = tmp_path / ".fedcba9876543210.mp4.tmp.mp4"
    with held.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with staging.growing(tmp_path / "a.mp4") as own:
            own.replace(tmp_path / "a.mp4")
        assert {path.name for path in tmp_path.iterdir()} == {held.name, "a.mp4"}


def test_a_model_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        exported(tmp_path)
    assert not list(tmp_path.iterdir())
