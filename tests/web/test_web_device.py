"""Cameras and videos of this machine: on a page, line by line, and from the old tool."""

import io
import json
import sys
import threading
from contextlib import ExitStack

import numpy as np
import PIL.Image
import pytest
from starlette.websockets import WebSocketDisconnect

import xai_heatmap as xh
from web.pages import TOKEN, client, served, values
from xai_heatmap.apps.cli import main
from xai_heatmap.apps.web import device
from xai_heatmap.core.errors import ImageNotFound, InputError, NotAnImage
from xai_heatmap.runners.looking.feed import shots
from xai_heatmap.runners.looking.packet import unpacked
from xai_heatmap.sources.camera import VideoFrame, is_live, video_frames

av = pytest.importorskip("av", reason="needs PyAV")

SIZE = (48, 64)


def film(path, *, frames=6, turned=0):
    """A film whose upper left quarter is bright, and whose blue rises from frame to frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=10)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv444p"
        if turned:
            stream.set_display_rotation(turned)
        for number in range(frames):
            pixels = np.zeros((*SIZE, 3), np.uint8)
            pixels[:24, :32, 0], pixels[..., 2] = 250, 20 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return str(path)


def test_every_frame_of_a_file_is_given_in_order_with_its_time(tmp_path):
    found = list(shots(film(tmp_path / "film.mp4")))
    assert [one.frame.number for one in found] == list(range(6))
    assert [one.dropped for one in found] == [0] * 6
    np.testing.assert_allclose([one.frame.time for one in found], np.arange(6) / 10, atol=1e-6)
    blue = [int(one.frame.image[-1, -1, 2]) for one in found]
    assert all(abs(own - 20 * number) < 8 for number, own in enumerate(blue))


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_film_that_is_turned_is_seen_upright(tmp_path, turned):
    frame = next(video_frames(film(tmp_path / "film.mp4", frames=1, turned=turned)))
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[:24, :32, 0] = 250
    expected = np.rot90(pixels, turned // 90)
    assert frame.image.shape == expected.shape
    assert np.abs(frame.image[..., 0].astype(int) - expected[..., 0]).mean() < 10


def test_of_a_camera_the_newest_frame_alone_is_given():
    more, seen = threading.Semaphore(0), threading.Event()

    def frames(_):
        for number in range(10):
            if number in (1, 9):
                seen.set()
            more.acquire()
            yield VideoFrame(np.full((4, 4, 3), number, np.uint8), number / 10, number)

    feed = shots("0", frames=frames)
    more.release()
    assert next(feed).frame.number == 0
    seen.clear()
    for _ in range(8):
        more.release()
    assert seen.wait(5)
    shot = next(feed)
    assert (shot.frame.number, shot.dropped) == (8, 7)
    feed.close()


def test_a_camera_that_breaks_off_raises_where_its_frames_are_taken():
    def frames(_):
        yield VideoFrame(np.zeros((4, 4, 3), np.uint8), 0.0, 0)
        raise NotAnImage("unplugged")

    feed = shots("rtsp://there", frames=frames)
    with pytest.raises(NotAnImage, match="unplugged"):
        list(feed)


def test_what_goes_by_unseen_and_what_waits():
    assert all(map(is_live, ("0", "/dev/video1", "rtsp://a/b", "udp://1.2.3.4:5")))
    assert not any(map(is_live, ("film.mp4", "http://a/film.mp4", "7.mp4")))


@pytest.mark.parametrize(
    ("where", "kind", "word"),
    [
        ("77", ImageNotFound, "--device 1"),
        ("nothing.mp4", ImageNotFound, "Check the path"),
        (__file__, NotAnImage, "Check the path"),
        ("rtsp://127.0.0.1:9/x", NotAnImage, "can be reached"),
    ],
)
def test_what_is_no_video_says_so(where, kind, word):
    with pytest.raises(kind, match=word):
        next(video_frames(where))


def test_the_extra_is_named_where_pyav_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"xai-heatmap\[video\]"):
        next(video_frames("0"))
    assert main(["live", "demo", "--device", "0", "--headless"]) == 4
    assert "xai-heatmap[video]" in capsys.readouterr().err


def test_a_film_is_told_of_frame_by_frame(tmp_path, capsys):
    where = film(tmp_path / "film.mp4")
    words = ["live", "demo", "--device", where, "--headless", "--json", "--frames", "4"]
    assert main(words) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2, 3]
    frames = list(video_frames(where))
    for line in lines[::3]:
        true = xh.explain("demo", frames[line["frame"]].image)
        assert (line["target"], line["layer"]) == (true.target, true.layer.name)
        assert line["score"] == pytest.approx(true.score, rel=1e-5)
        row, column = divmod(int(true.map.argmax()), true.map.shape[1])
        cell = np.array(true.geometry.to_image((column + 0.5) * 8, (row + 0.5) * 8))
        assert line["strongest_at"] == pytest.approx(list(cell))


def test_frames_are_saved_where_that_is_asked_for(tmp_path, capsys):
    where, out = film(tmp_path / "film.mp4", frames=2), tmp_path / "out"
    words = ["live", "demo", "--device", where, "--headless", "--target", "bear"]
    assert main([*words, "--layer", "stem", "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert all(" bear" in line and "frames/s" in line for line in said)
    assert {path.name for path in out.glob("*.png")} == {"frame-000000.png", "frame-000001.png"}
    assert json.loads((out / "manifest.json").read_text())


def test_a_place_that_is_no_folder_is_refused_before_a_frame_is_asked_for(tmp_path, capsys):
    (tmp_path / "file").touch()
    words = ["live", "demo", "--device", "none.mp4", "--headless", "-o", str(tmp_path / "file")]
    assert main(words) == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert "is a file" in said.err


def test_without_a_device_nothing_goes_on_without_a_page(capsys):
    assert main(["live", "demo", "--headless"]) == 2
    assert "--device 0" in capsys.readouterr().err


def watched(page):
    return page.websocket_connect(f"ws://127.0.0.1/ws/device?token={TOKEN}")


def test_a_page_watches_a_film_frame_by_frame_with_its_maps(tmp_path):
    held = served()
    held.device = film(tmp_path / "film.mp4", frames=3)
    page = client(held)
    assert page.get("/api/model").json()["device"] == held.device
    frames = list(video_frames(held.device))
    with watched(page) as line:
        line.send_text(json.dumps({"target": "bear", "layers": "features"}))
        for number in range(3):
            header, payload = unpacked(line.receive_bytes())
            place = header["frame"]["offset"], header["frame"]["length"]
            shown = PIL.Image.open(io.BytesIO(payload[place[0] : sum(place)]))
            assert (header["number"], header["width"], header["height"]) == (number, 64, 48)
            assert shown.size == (64, 48)
            (entry,) = header["maps"]
            if not number:
                true = xh.explain("demo", frames[0].image, target="bear", layer="features")
                away = np.abs(values(entry, payload) - true.map).max()
                assert away <= (entry["hi"] - entry["lo"]) / 500
            line.send_text('{"next": true}')
        assert json.loads(line.receive_text())["code"] == "over"
        with pytest.raises(WebSocketDisconnect):
            line.receive_text()


def test_a_fault_while_a_page_watches_is_told_of(tmp_path, caplog):
    held = served()
    held.device = film(tmp_path / "film.mp4", frames=3)
    with watched(client(held)) as line:
        line.send_text('{"target": "cow"}')
        said = json.loads(line.receive_text())
        assert (said["code"], said["t"]) == ("XH105", 0)
        line.send_text("?")
        assert json.loads(line.receive_text())["code"] == "XH108"
        line.send_text('{"target": ""}')
        assert unpacked(line.receive_bytes())[0]["number"] == 1
    held.device = "nothing.mp4"
    with watched(client(held)) as line:
        line.send_text('{"next": true}')
        assert json.loads(line.receive_text())["code"] == "XH201"
    held.device = None
    with watched(client(held)) as line:
        assert json.loads(line.receive_text())["code"] == "XH100"
    assert "XH201" in caplog.text


@pytest.mark.parametrize("failed", [OSError("unplugged"), RuntimeError("a bug")])
def test_a_device_that_fails_in_any_way_is_told_of(tmp_path, monkeypatch, failed):
    def breaking(_):
        raise failed
        yield

    monkeypatch.setattr(device, "shots", breaking)
    held = served()
    held.device = "0"
    with watched(client(held)) as line:
        line.send_text('{"next": true}')
        said = json.loads(line.receive_text())
        assert (said["code"], said["t"]) == ("XH000", None)


def test_a_bug_costs_the_frame_of_a_device_and_not_the_line(tmp_path, monkeypatch):
    held = served()
    held.device = film(tmp_path / "film.mp4", frames=2)
    glance, frames = device.glance, []

    def once(*args, **how):
        frames.append(1)
        if len(frames) == 1:
            raise RuntimeError("a bug")
        return glance(*args, **how)

    monkeypatch.setattr(device, "glance", once)
    with watched(client(held)) as line:
        line.send_text('{"next": true}')
        assert json.loads(line.receive_text())["code"] == "XH000"
        line.send_text('{"next": true}')
        assert unpacked(line.receive_bytes())[0]["number"] == 1


def test_the_old_tool_opens_the_app_with_its_own_preprocessing():
    seen = []

    def dimmed(batch):
        seen.append(batch.shape)
        return batch / 512

    tool = xh.XVisTool("demo", 128, preprocess_img_func=dimmed, labels=[f"c{n}" for n in range(12)])
    picture = xh.scenes.scene(3, size=96).image
    tool.setStillImg(picture[..., ::-1])
    with tool.live(browser=False, port=0, wait=False) as running, ExitStack() as closing:
        assert running.url.endswith("#view=live")
        page = closing.enter_context(client_of(running))
        said = page.get("/api/model").json()
        assert said["labels"][0] == "c0"
        written = io.BytesIO()
        PIL.Image.fromarray(picture).save(written, "PNG")
        key = page.post("/api/image", content=written.getvalue()).json()["id"]
        header, payload = unpacked(page.get(f"/api/maps/{key}").content)
    assert seen[0] == (1, 128, 128, 3)
    tool.stillImgRun(tool.getLayers().index(header["maps"][0]["layer"]))
    away = np.abs(values(header["maps"][0], payload) - tool.last.map).max()
    assert away <= (header["maps"][0]["hi"] - header["maps"][0]["lo"]) / 500
    assert header["target"]["label"] == tool.last.target


def client_of(running):
    import httpx

    said = {"authorization": f"Bearer {running.token}"}
    return httpx.Client(base_url=running.home, headers=said, timeout=30)
