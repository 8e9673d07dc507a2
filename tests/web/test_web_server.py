"""A server of its own: its port, its token, floods and giants over a real socket, its end."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import xai_heatmap as xh
from web.pages import frame, png
from xai_heatmap.apps.web import serving
from xai_heatmap.apps.web.ending import until_ended
from xai_heatmap.apps.web.threads import at_work
from xai_heatmap.apps.web.token import LASTS, token_of
from xai_heatmap.core.errors import BadOption, MissingFramework, OutputError, UnknownPreprocess
from xai_heatmap.runners.looking.packet import unpacked

EVERYWHERE = "0.0.0.0"  # noqa: S104 - to be refused
SCENE = xh.scenes.scene(3, size=64).image


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def server():
    with serving.serve("demo", port=0, browser=False, wait=False) as running:
        yield running


def line(server, path="/ws/live", **how):
    address = server.home.replace("http", "ws").rstrip("/") + f"{path}?token={server.token}"
    return connect(address, max_size=None, **how)


def test_the_first_line_is_the_link_and_the_link_works(capfd):
    with serving.serve("demo", port=0, browser=False, wait=False) as running:
        assert capfd.readouterr().out == f"{running.url}\n"
        assert httpx.get(running.url).status_code == 200
        assert httpx.get(running.home).status_code == 403
        said = {"authorization": f"Bearer {running.token}"}
        assert httpx.get(f"{running.home}api/model", headers=said).json()["models"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.home)


def test_frames_are_not_compressed(server):
    with line(server, compression="deflate") as own:
        assert own.protocol.extensions == []
        own.send(frame(1, SCENE))
        assert unpacked(own.recv())[0]["t"] == 1


def test_a_message_that_declares_a_gigabyte_ends_its_line_and_no_other(server):
    with line(server) as own:
        own.socket.sendall(b"\x82\xff" + struct.pack(">Q", 1 << 30) + b"mask" + b"x" * 1000)
        with pytest.raises(ConnectionClosed) as closed:
            own.recv(timeout=5)
    assert closed.value.rcvd.code == 1009
    with line(server) as other:
        other.send(frame(1, SCENE))
        assert unpacked(other.recv())[0]["t"] == 1


def test_a_client_that_vanishes_leaves_the_server_at_work(server, caplog):
    for _ in range(3):
        with line(server) as own:
            own.send(frame(1, SCENE))
            own.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            own.socket.close()
    with line(server) as other:
        other.send(frame(2, SCENE))
        assert unpacked(other.recv())[0]["t"] == 2
    assert "Traceback" not in caplog.text


@pytest.mark.slow
def test_a_flood_that_nobody_reads_holds_no_more_than_one_frame(server):
    with line(server) as own:
        for number in range(300):
            own.send(frame(number, SCENE))
        header = {"t": -1}
        answers = 0
        while header["t"] != 299:
            header, _ = unpacked(own.recv(timeout=20))
            answers += 1
        assert answers < 300 or not header["dropped"]


def test_a_line_without_its_token_or_of_a_foreign_page_is_refused(server):
    address = server.home.replace("http", "ws") + "ws/live"
    with pytest.raises(InvalidStatus), connect(address):
        pass
    with pytest.raises(InvalidStatus), line(server, origin="http://evil.example"):
        pass


def test_the_next_port_is_taken_where_one_is_busy(capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving.serve("demo", port=port, browser=False, wait=False) as running:
            assert f":{port}/" not in running.home
            assert httpx.get(running.url).status_code == 200
    assert f"port {port} is busy" in capfd.readouterr().err


def test_an_address_that_is_no_ones_is_refused():
    with pytest.raises(OutputError, match="can't listen"):
        serving.bound("192.0.2.1", 0)


def test_no_free_port_is_said(monkeypatch):
    monkeypatch.setattr(serving, "TRIED", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OutputError, match="--port 0"):
            serving.bound("127.0.0.1", taken.getsockname()[1])


def test_the_network_at_large_needs_a_word(capfd):
    with pytest.raises(BadOption, match="--open-to-network"):
        xh.serve("demo", host=EVERYWHERE, browser=False)
    with xh.serve(
        "demo", host=EVERYWHERE, port=0, browser=False, open_to_network=True, wait=False
    ) as own:
        assert httpx.get(own.url).status_code == 200
    assert "open to the network" in capfd.readouterr().err


def test_a_network_whose_pictures_nobody_describes_is_refused_before_a_page_is_opened():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 32, 32))
    with pytest.raises(UnknownPreprocess, match="--preprocess"):
        xh.serve(network, port=0, browser=False, wait=False)
    with xh.serve(network, preprocess="unit", port=0, browser=False, wait=False) as own:
        assert httpx.get(own.url).status_code == 200


def test_the_extra_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingFramework, match=r'pip install "xai-heatmap\[web\]"'):
        xh.serve("demo")


def test_a_token_is_used_again_at_its_port_by_its_user_for_a_while(tmp_path):
    first = token_of(7860, folder=tmp_path)
    path = tmp_path / "token-7860"
    assert len(first) >= 32
    assert token_of(7860, folder=tmp_path) == first
    assert token_of(7861, folder=tmp_path) != first
    assert token_of(0, folder=tmp_path) != token_of(0, folder=tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    second = token_of(7860, folder=tmp_path)
    assert second != first
    os.utime(path, (time.time() - LASTS - 10,) * 2)
    assert token_of(7860, folder=tmp_path) != second
    path.unlink()
    path.symlink_to(tmp_path / "token-7861")
    assert token_of(7860, folder=tmp_path) != token_of(7861, folder=tmp_path)
    closed = tmp_path / "file"
    closed.write_text("")
    assert len(token_of(7860, folder=closed)) >= 32


RUN = "import sys; from xai_heatmap.apps.cli import main; sys.exit(main())"


def started(*words, environment):
    command = [sys.executable, "-c", RUN, "serve", "--no-browser", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_is_found_by_its_page(tmp_path):
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    first = started("--port", port, environment=environment)
    link = first.stdout.readline().strip()
    assert httpx.get(link).status_code == 200
    first.kill()
    first.communicate()
    second = started("--port", port, environment=environment)
    assert second.stdout.readline().strip() == link
    assert httpx.get(link).status_code == 200
    second.send_signal(signal.SIGINT)
    out, err = second.communicate(timeout=20)
    assert (second.returncode, out) == (0, "")
    assert err.splitlines()[-1] == "stopped."
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_server_that_computes_ends_without_a_traceback(tmp_path):
    running = started("--port", "0", environment=os.environ | {"XDG_STATE_HOME": str(tmp_path)})
    link = httpx.URL(running.stdout.readline().strip())
    asked = {"token": link.params["token"]}
    with httpx.Client(base_url=f"http://{link.host}:{link.port}", params=asked) as page:
        key = page.post("/api/image", content=png(SCENE)).json()["id"]
        long = {"method": "rise", "options": json.dumps({"samples": 100_000})}
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(page.get, f"/api/maps/{key}", params=long, timeout=60)
            time.sleep(0.5)
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=30)
            assert (answer.result().status_code, answer.result().json()["code"]) == (503, "ended")
    assert running.returncode == 0, err
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped."


def test_what_a_server_is_at_when_it_ends_is_answered():
    async def asked(kind, *, begun):
        async def never(scope, receive, send):
            if begun:
                await send({"type": "http.response.start"})
            await asyncio.sleep(60)

        async def send(message):
            sent.append(message)

        sent = []
        task = asyncio.ensure_future(until_ended(never)({"type": kind}, None, send))
        await asyncio.sleep(0)
        task.cancel()
        await task
        return [message.get("status", message["type"]) for message in sent]

    assert asyncio.run(asked("http", begun=False)) == [503, "http.response.body"]
    assert asyncio.run(asked("http", begun=True)) == ["http.response.start"]
    assert asyncio.run(asked("websocket", begun=False)) == []


def test_a_question_about_a_model_that_is_not_there_ends_the_line(server):
    with line(server) as own:
        own.send(json.dumps({"model": "other"}))
        assert json.loads(own.recv())["code"] == "XH108"


def test_the_end_of_a_server_ends_its_jobs_and_leaves_no_thread_at_work():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 16, 16))
    with xh.serve(network, preprocess="unit", port=0, browser=False, wait=False) as own:
        said = {"authorization": f"Bearer {own.token}"}
        with httpx.Client(base_url=own.home, headers=said, timeout=30) as client:
            key = client.post("/api/image", content=png()).json()["id"]
            asked = {"image": key, "method": "rise", "options": {"samples": 20_000}}
            job = client.post("/api/jobs", json=asked).json()["job"]
            with client.stream("GET", f"/api/jobs/{job}/events") as events:
                assert any('"done": ' in line for line in events.iter_lines())
    assert not at_work()
