"""Frames of a video: by their presentation times, upright, in any order."""

import numpy as np
import pytest

from clips import clip, pictures, read_back
from xai_heatmap.core.errors import BadOption, ImageNotFound, InputError, NotAnImage
from xai_heatmap.sources import video
from xai_heatmap.sources.listing.clip import frame_entry, in_video
from xai_heatmap.sources.listing.listed import entries
from xai_heatmap.sources.video import Clip, frames, times

UNEVEN = [0, 40, 250, 260, 700, 710, 720, 1500]


def near(one, other):
    return np.abs(one.astype(int) - other.astype(int)).mean() < 6


def test_frames_are_told_by_the_time_at_which_they_are_shown(tmp_path):
    path = clip(tmp_path / "a.mkv", times=UNEVEN)
    assert [round(1000 * seconds) for _, seconds in times(path)] == UNEVEN
    shown = list(frames(path))
    assert [pts for pts, _ in shown] == [pts for pts, _ in times(path)]
    assert all(near(one, own) for (_, one), own in zip(shown, pictures(), strict=True))


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_frame_is_turned_as_the_file_says(tmp_path, turned):
    path = clip(tmp_path / "a.mp4", turned=turned)
    _, first = next(frames(path))
    assert near(first, np.rot90(pictures()[0], turned // 90 % 4))


def test_any_order_gives_the_same_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "KEPT", 3)
    path = clip(tmp_path / "a.mp4")
    all_of_them = dict(frames(path))
    order = list(all_of_them)
    np.random.default_rng(0).shuffle(order)
    one = Clip(path)
    for pts in [*order, *order]:
        assert np.array_equal(one.frame(pts), all_of_them[pts])


def test_frames_in_order_are_decoded_once(tmp_path):
    path = clip(tmp_path / "a.mp4")
    one = Clip(path)
    for pts, _ in times(path):
        one.frame(pts)
    assert one.decoded == 8


def test_a_time_without_a_frame_is_said(tmp_path):
    path = clip(tmp_path / "a.mp4")
    with pytest.raises(NotAnImage, match="no frame at its time 3"):
        Clip(path).frame(3)


def test_entries_of_a_video(tmp_path):
    path = clip(tmp_path / "a.mp4", times=UNEVEN)
    found = list(entries([path]))
    assert [one.id for one in found[:3]] == [
        "a.mp4@000000.000000", "a.mp4@000000.040000", "a.mp4@000000.250000",
    ]  # fmt: skip
    assert near(found[4].given(), pictures()[4])
    assert frame_entry(found[4].id, found[4].uri) == found[4]
    assert [one.id for one in in_video(path, every=3)] == [one.id for one in found[::3]]
    with pytest.raises(BadOption, match="at least 1"):
        list(in_video(path, every=0))


def test_a_pattern_takes_videos(tmp_path):
    clip(tmp_path / "a.mp4", sound=False)
    clip(tmp_path / "b.mp4", pictures(3), sound=False)
    assert len(list(entries([str(tmp_path / "*.mp4")]))) == 11


def test_what_is_no_video_is_said(tmp_path):
    (tmp_path / "text.mp4").write_text("no video " * 100)
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(NotAnImage, match="can't be read as a video"):
        times(str(tmp_path / "text.mp4"))
    with pytest.raises(NotAnImage, match="can't be read as a video"):
        times(str(tmp_path / "empty.mp4"))
    with pytest.raises(ImageNotFound, match="no video"):
        times(str(tmp_path / "missing.mp4"))


def test_a_file_that_is_cut_off_gives_what_it_has(tmp_path):
    whole = clip(tmp_path / "a.ts", sound=False)
    data = (tmp_path / "a.ts").read_bytes()
    (tmp_path / "b.ts").write_bytes(data[: len(data) * 2 // 3])
    found = list(frames(str(tmp_path / "b.ts")))
    assert 0 < len(found) < len(list(frames(whole)))


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    path = clip(tmp_path / "a.mp4")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match=r"xai-heatmap\[video\]"):
        times(path)


def test_reading_back_is_what_was_written(tmp_path):
    at, shown, heard = read_back(clip(tmp_path / "a.mp4", times=UNEVEN))
    assert at == UNEVEN
    assert near(shown[3], pictures()[3])
    assert heard
