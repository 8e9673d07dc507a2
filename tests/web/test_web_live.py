"""The live line: the newest frame alone, faults that cost their frame, pages that leave."""

import json
import threading

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

import xai_heatmap as xh
from web.pages import TOKEN, client, frame, served, values
from xai_heatmap.apps.web import live
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import unpacked

SCENE = xh.scenes.scene(3, size=128).image
DARK, GREY, LIGHT = (np.full((32, 32, 3), level, np.uint8) for level in (0, 100, 255))


def open_line(page, query=f"?token={TOKEN}"):
    return page.websocket_connect(f"ws://127.0.0.1/ws/live{query}")


def moody():
    """A network that raises on black, answers NaN to white, and waits while it is told to."""
    gate, entered = threading.Event(), threading.Event()
    gate.set()
    gate.entered = entered

    def scores(x):
        entered.set()
        gate.wait(5)
        level = float(x.mean())
        if level < 0.01:
            raise ValueError("<b>no light</b>")
        if level > 0.99:
            return np.full((len(x), 2), np.nan, np.float32)
        return np.stack([x[:, 0].mean((1, 2)), x[:, 1, :16].mean((1, 2))], 1).astype(np.float32)

    network = xh.network(scores, image_shape=(3, 32, 32))
    labels = ["<script>alert(1)</script>", "b"]
    own = Model("moody", "moody", network, "unit", labels=labels, method="occlusion")
    return served({"moody": own}), gate


def test_a_frame_is_answered_as_explain_answers(page):
    with open_line(page) as line:
        line.send_text(json.dumps({"target": "bear", "layers": "features"}))
        line.send_bytes(frame(12.5, SCENE))
        header, payload = unpacked(line.receive_bytes())
    true = xh.explain("demo", SCENE, target="bear", layer="features")
    (entry,) = header["maps"]
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
    assert header["t"] == 12.5
    assert (header["passes"], header["backward_passes"], header["dropped"]) == (1, 1, 0)
    assert header["age_ms"] >= header["forward_ms"] > 0


def test_of_a_flood_the_newest_frame_alone_is_answered():
    held, gate = moody()
    with open_line(client(held)) as line:
        gate.entered.clear()
        gate.clear()
        line.send_bytes(frame(0, GREY))
        assert gate.entered.wait(5)
        for number in range(1, 200):
            line.send_bytes(frame(number, GREY))
        line.send_text("?")  # refused in order: all frames have come before
        assert json.loads(line.receive_text())["code"] == "XH108"
        gate.set()
        first, last = (unpacked(line.receive_bytes())[0] for _ in range(2))
    assert first["t"] == 0
    assert (last["t"], last["dropped"]) == (199, 198)


@pytest.mark.parametrize(
    ("sent", "code", "word"),
    [
        (frame(7, b"no picture"), "XH202", "not an image"),
        (frame(7, DARK), "XH137", "no light"),
        (frame(7, LIGHT), "XH136", "NaN"),
    ],
    ids=["no picture", "raises", "answers NaN"],
)
def test_a_fault_costs_its_frame_and_no_more(caplog, sent, code, word):
    held, _ = moody()
    with open_line(client(held)) as line:
        line.send_bytes(sent)
        said = json.loads(line.receive_text())
        assert (said["code"], said["t"]) == (code, 7)
        assert word in said["message"]
        line.send_bytes(frame(8, GREY))
        header, _ = unpacked(line.receive_bytes())
    assert header["t"] == 8
    assert header["predictions"][0]["label"] in ("<script>alert(1)</script>", "b")
    assert code in caplog.text


def two():
    """Two networks that say in which thread they ran; the first waits while it is told to."""
    gate, entered, ran = threading.Event(), threading.Event(), []
    gate.set()

    def model(name):
        def scores(x):
            ran.append((name, threading.current_thread().name))
            if name == "a":
                entered.set()
                gate.wait(5)
            return np.stack([x[:, 0].mean((1, 2)), x[:, 1].mean((1, 2))], 1).astype(np.float32)

        network = xh.network(scores, image_shape=(3, 32, 32))
        return Model(name, name, network, "unit", labels=[name, name], method="occlusion")

    return served({name: model(name) for name in "ab"}), gate, entered, ran


def test_a_frame_that_waits_goes_to_the_network_in_whose_thread_it_waits():
    held, gate, entered, ran = two()
    page = client(held)
    with open_line(page) as first, open_line(page) as line:
        entered.clear()
        gate.clear()
        first.send_bytes(frame(1, GREY))
        assert entered.wait(5)
        line.send_bytes(frame(2, GREY))
        line.send_text("?")  # its answer says that the frame waits for the network's thread
        assert json.loads(line.receive_text())["code"] == "XH108"
        line.send_text('{"model": "b"}')
        line.send_text("?")
        assert json.loads(line.receive_text())["code"] == "XH108"
        gate.set()
        header, _ = unpacked(line.receive_bytes())
        assert (header["t"], header["predictions"][0]["label"]) == (2, "a")
        line.send_bytes(frame(3, GREY))
        assert unpacked(line.receive_bytes())[0]["predictions"][0]["label"] == "b"
    assert {name for name, thread in ran if "'b'" in thread} == {"b"}
    assert {name for name, thread in ran if "'a'" in thread} == {"a"}


def test_a_question_that_is_refused_changes_no_network():
    held, *_ = two()
    with open_line(client(held)) as line:
        line.send_text('{"model": "b", "palette": "none such"}')
        assert json.loads(line.receive_text())["code"] == "XH108"
        line.send_bytes(frame(3, GREY))
        assert unpacked(line.receive_bytes())[0]["predictions"][0]["label"] == "a"


@pytest.mark.parametrize(
    "wrong",
    [b"", b"12345678", frame(float("nan"), GREY), "{", "[1]", "x" * 70_000],
    ids=["empty", "no picture", "no time", "no JSON", "no object", "too long"],
)
def test_messages_of_a_wrong_kind_are_told_of(page, caplog, wrong):
    with open_line(page) as line:
        (line.send_text if isinstance(wrong, str) else line.send_bytes)(wrong)
        said = json.loads(line.receive_text())
        assert said["code"] == "XH108"
        assert said["t"] is None
        line.send_bytes(frame(1, SCENE))
        assert unpacked(line.receive_bytes())[0]["t"] == 1
    assert "XH108" in caplog.text


def test_a_question_that_cannot_be_answered_is_told_with_its_frame(page):
    with open_line(page) as line:
        line.send_text(json.dumps({"target": "cow"}))
        line.send_bytes(frame(1, SCENE))
        assert json.loads(line.receive_text())["code"] == "XH105"
        line.send_text(json.dumps({"target": ""}))
        line.send_bytes(frame(2, SCENE))
        assert unpacked(line.receive_bytes())[0]["t"] == 2


def test_a_line_of_nothing_but_wrong_messages_is_closed(page):
    with open_line(page) as line:
        for _ in range(live.FAULTS):
            line.send_text("?")
        for _ in range(live.FAULTS - 1):
            assert json.loads(line.receive_text())["code"] == "XH108"
        with pytest.raises(WebSocketDisconnect) as closed:
            line.receive_text()
    assert closed.value.code == live.POLICY


def test_a_network_that_hangs_is_told_of_and_goes_on(monkeypatch, caplog):
    monkeypatch.setattr(live, "PATIENCE", 0.05)
    held, gate = moody()
    with open_line(client(held)) as line:
        gate.clear()
        line.send_bytes(frame(1, GREY))
        said = json.loads(line.receive_text())
        assert (said["code"], said["t"]) == ("XH301", 1)
        gate.set()
        assert unpacked(line.receive_bytes())[0]["t"] == 1
    assert "may hang" in caplog.text


def test_a_page_that_leaves_ends_the_work_for_its_frame():
    held, gate = moody()
    page = client(held)
    with open_line(page) as line:
        gate.entered.clear()
        gate.clear()
        line.send_text(json.dumps({"method": "rise", "options": {"samples": 20_000}}))
        line.send_bytes(frame(1, GREY))
        assert gate.entered.wait(5)
    gate.set()
    with open_line(page) as line:  # 20 000 passes stood before it
        line.send_bytes(frame(2, GREY))
        assert unpacked(line.receive_bytes())[0]["t"] == 2


@pytest.mark.parametrize("query", ["", "?token=wrong"])
def test_a_line_without_the_token_is_refused(held, caplog, query):
    with pytest.raises(WebSocketDisconnect), open_line(client(held, token=""), query):
        pass
    assert "refused websocket /ws/live" in caplog.text


def test_a_line_of_a_foreign_page_is_refused(held):
    page = client(held, token="")
    strange = {"origin": "http://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        page.websocket_connect(f"ws://127.0.0.1/ws/live?token={TOKEN}", headers=strange),
    ):
        pass
