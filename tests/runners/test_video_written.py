"""A video written with its heat: times, sound, scale, rows, and what can go wrong."""

import numpy as np
import pytest

import xai_heatmap as xh
from clips import clip, pictures, read_back
from xai_heatmap.core.errors import BadOption, NotAnImage, OutputError
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.sinks.video import write_video
from xai_heatmap.sources.video import frames

UNEVEN = [0, 40, 250, 260, 700, 710, 720, 1500]


class Bright:
    """A score that is how bright the left third and the rest are; how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, x):
        self.asked += len(x)
        third = x.shape[-1] // 3
        return np.stack([x[..., :third].mean((1, 2, 3)), x[..., third:].mean((1, 2, 3))], 1)


def network(score=None):
    return xh.network(score or Bright(), image_shape=(3, 48, 64))


HOW = {"method": "occlusion", "preprocess": "unit", "options": {"window": 16, "stride": 16}}


def test_times_and_sound_stay_what_they_were(tmp_path):
    path = clip(tmp_path / "in.mp4", times=UNEVEN)
    found = xh.video(path, network(), out=tmp_path / "out.mp4", target=0, **HOW)
    at, shown, heard = read_back(tmp_path / "out.mp4")
    assert at == UNEVEN
    assert heard == read_back(path)[2]
    assert shown[0].shape[0] > 48  # a line of words below
    assert [row["id"].partition("@")[2] for row in found.rows()][2] == "000000.250000"
    assert found.status.rows == 8
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "out.mp4", "out.mp4.run"}


def test_the_same_call_asks_the_network_nothing_again(tmp_path):
    path, score = clip(tmp_path / "in.mp4"), Bright()
    how = {"out": tmp_path / "out.mp4", "target": 0, **HOW}
    xh.video(path, network(score), **how)
    (tmp_path / "out.mp4").unlink()
    opened, score.asked = network(score), 0
    before = score.asked
    xh.video(path, opened, **how)
    assert score.asked - before <= 2  # what opening asks
    assert (tmp_path / "out.mp4").exists()


def test_one_scale_holds_for_the_clip(tmp_path, monkeypatch):
    scales, plain = [], Explanation.overlay

    def overlay(self, **how):
        scales.append(how["scale"])
        return plain(self, **how)

    monkeypatch.setattr(Explanation, "overlay", overlay)
    path = clip(tmp_path / "in.mp4")
    found = xh.video(path, network(), out=tmp_path / "a.mp4", target=0, **HOW)
    peaks = [float(found.map(row).max()) for row in found.rows()]
    assert len(set(peaks)) > 1
    assert len(set(scales)) == 1
    assert scales[0] == pytest.approx(max(peaks), rel=1e-5)
    scales.clear()
    xh.video(
        path,
        network(),
        out=tmp_path / "b.mp4",
        run=tmp_path / "a.mp4.run",
        target=0,
        top=7.0,
        **HOW,
    )
    assert set(scales) == {7.0}


def test_frames_between_keep_the_heat(tmp_path):
    path = clip(tmp_path / "in.mp4")
    found = xh.video(path, network(), out=tmp_path / "out.mp4", every=3, target=0, **HOW)
    assert found.status.rows == 3
    assert len(read_back(tmp_path / "out.mp4")[0]) == 8


def test_a_run_over_other_frames_is_refused(tmp_path):
    path = clip(tmp_path / "in.mp4")
    how = {"out": tmp_path / "out.mp4", "target": 0, **HOW}
    xh.video(path, network(), every=3, **how)
    with pytest.raises(BadOption, match="is of 3 frames, and --every and the video ask for 4"):
        xh.video(path, network(), every=2, **how)
    clip(tmp_path / "in.mp4", times=UNEVEN)
    with pytest.raises(BadOption, match="ask for other ones"):
        xh.video(path, network(), every=3, **how)
    assert len(xh.open_run(tmp_path / "out.mp4.run")) == 3


def test_an_encoder_that_fails_is_not_said_of_the_source(tmp_path):
    source = clip(tmp_path / "in.mp4", sound=False)
    frame = next(frames(source))
    with pytest.raises(OutputError, match=r"out.nothing' can't be written"):
        write_video(tmp_path / "out.nothing", [frame], source)
    with pytest.raises(OutputError, match=r"out.mp4' can't be written"):
        write_video(tmp_path / "out.mp4", [frame, (0, np.zeros((0, 0, 3), np.uint8))], source)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


@pytest.mark.parametrize("name", ["out.txt", "out", "out.png"])
def test_what_is_written_is_a_video(tmp_path, name):
    path = clip(tmp_path / "in.mp4", sound=False)
    with pytest.raises(BadOption, match=r"--out NAME.mp4"):
        xh.video(path, network(), out=tmp_path / name, target=0, **HOW)
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4"}


def test_a_frame_that_fails_is_shown_without_heat(tmp_path):
    class Fails(Bright):
        def __call__(self, x):
            if (x.mean((1, 2, 3)) > 0.9).any():
                raise RuntimeError("too bright")
            return super().__call__(x)

    white = [*pictures(3), np.full((48, 64, 3), 255, np.uint8), *pictures(2)]
    path = clip(tmp_path / "in.mp4", white)
    found = xh.video(path, network(Fails()), out=tmp_path / "out.mp4", target=0, **HOW)
    assert found.status.errors == 1
    _, shown, _ = read_back(tmp_path / "out.mp4")
    assert len(shown) == 6
    assert shown[3][:40].mean() > 250


@pytest.mark.parametrize("name", ["out.mp4", "out.webm", "out.mkv"])
def test_colours_and_odd_sizes(tmp_path, name):
    source = clip(tmp_path / "in.mp4", sound=False)
    odd = [np.full((33, 41, 3), colour, np.uint8) for colour in [(250, 10, 10)] * 4]
    times = [pts for pts, _ in frames(source)][:4]
    write_video(tmp_path / name, zip(times, odd, strict=True), source)
    _, shown, _ = read_back(tmp_path / name)
    assert shown[0].shape == (34, 42, 3)
    assert np.abs(shown[1].astype(int) - (250, 10, 10)).max() < 12


def test_hd_has_the_colours_of_hd(tmp_path):
    source = clip(tmp_path / "in.mp4", sound=False)
    red = np.full((720, 64, 3), (250, 10, 10), np.uint8)
    times = [pts for pts, _ in frames(source)][:2]
    write_video(tmp_path / "out.mp4", zip(times, [red, red], strict=True), source)
    with pytest.importorskip("av").open(str(tmp_path / "out.mp4")) as made:
        frame = next(made.decode(video=0))
        assert int(frame.colorspace) == 1
        assert np.abs(frame.to_ndarray(format="rgb24").astype(int) - (250, 10, 10)).max() < 12


def test_a_video_that_fails_leaves_what_was_there(tmp_path):
    source = clip(tmp_path / "in.mp4", sound=False)
    (tmp_path / "out.mp4").write_text("before")

    def broken():
        yield next(frames(source))
        raise OSError("the disk is full")

    with pytest.raises(OutputError, match="disk is full"):
        write_video(tmp_path / "out.mp4", broken(), source)
    assert (tmp_path / "out.mp4").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"in.mp4", "out.mp4"}


def test_what_can_be_wrong_is_said_at_once(tmp_path):
    path, score = clip(tmp_path / "in.mp4"), Bright()
    (tmp_path / "file").touch()
    (tmp_path / "no.mp4").write_text("no video")
    for error, words, call in [
        (BadOption, "One video", {"source": str(tmp_path / "file")}),
        (NotAnImage, "can't be read as a video", {"source": str(tmp_path / "no.mp4")}),
        (BadOption, "replace the one", {"out": path}),
        (OutputError, "is a file", {"out": tmp_path / "file" / "out.mp4"}),
    ]:
        with pytest.raises(error, match=words):
            xh.video(
                **{"source": path, "out": tmp_path / "x.mp4", "model": network(score), **HOW} | call
            )
