"""Findings of runs over archives and videos, whose pictures lie in no file of their own."""

import io
import tarfile

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from finding_places import NAMES, SIDE, made, network, picture

import xai_heatmap as xh

COUNT = 24


def archive(path, numbers):
    with tarfile.open(path, "w") as tar:
        for number in numbers:
            written = io.BytesIO()
            PIL.Image.fromarray(picture(number)).save(written, "PNG")
            for name, data in (
                (f"{number:03d}.png", written.getvalue()),
                (f"{number:03d}.cls", str(number % 2).encode()),
            ):
                told = tarfile.TarInfo(name)
                told.size = len(data)
                tar.addfile(told, io.BytesIO(data))
    return path


def video(path):
    """A clip whose frames are the pictures, each four times as large so that colours survive."""
    av = pytest.importorskip("av", reason="needs PyAV")
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=5)
        stream.width = stream.height = 4 * SIDE
        stream.pix_fmt, stream.options = "yuv444p", {"crf": "8"}
        for number in range(COUNT):
            pixels = np.kron(picture(number), np.ones((4, 4, 1), np.uint8))
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return path


def told(found):
    return {(one.name, one.group.pictures, one.shortcut) for one in found.findings}


def test_archives_are_read_again_member_by_member(tmp_path):
    (tmp_path / "in").mkdir()
    archive(tmp_path / "in" / "a.tar", range(14))
    archive(tmp_path / "in" / "b.tar", range(14, COUNT))
    made(tmp_path / "run", tmp_path / "in", shard=10)
    found = xh.findings(tmp_path / "run", network())
    assert (found.rows, found.looked, found.missing) == (COUNT, COUNT, 0)
    assert {one.name for one in found.findings} == set(NAMES)
    assert {one.name for one in found.shortcuts} <= set(NAMES)
    assert all(one.group.tiles[0]["id"].startswith(("a", "b")) for one in found.findings)


def test_frames_of_a_video_are_read_again_by_their_time(tmp_path):
    clip = video(tmp_path / "clip.mp4")
    made(tmp_path / "run", clip, preprocess={"mode": "unit", "fit": "stretch"})
    found = xh.findings(tmp_path / "run", network())
    assert (found.rows, found.looked, found.missing) == (COUNT, COUNT, 0)
    assert {one.name for one in found.findings} == set(NAMES)
    first = found.findings[0]
    assert first.fall.mean > 0
    assert "@" in first.group.tiles[0]["id"]
