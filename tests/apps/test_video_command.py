"""`xai-heatmap video`."""

import json

import pytest

from clips import clip, pictures


def test_the_command_writes_it(cli, place):
    clip(place / "in.mp4", pictures(3, 64, 64))
    said = cli("video", "in.mp4", "--model", "net.py:net", "--preprocess", "unit", "--size", "32",
               "--json", "--every", "2")  # fmt: skip
    assert said.code == 0
    told = [json.loads(line) for line in said.out.splitlines()]
    assert told[-1]["rows"] == 2
    assert told[-2]["complete"]
    assert (place / "in.xai.mp4").exists()
    assert (place / "in.xai.mp4.run" / "rows").is_dir()


@pytest.mark.parametrize("words", [["video"], ["video", "a.jpg"]])
def test_the_command_without_a_video_says_what_to_write(cli, place, words):
    said = cli(*words, "--model", "net.py:net")
    assert said.code == 2
    assert "clip.mp4" in said.err
