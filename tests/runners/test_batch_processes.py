"""Runs by other processes, and by processes that are ended: every row once, whatever happens."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from batch_places import FACTORY, folder, save, table

import xai_heatmap as xh
import xai_heatmap.runners.batch.processes as module
from xai_heatmap.core.errors import BadOption, ModelFailed, ModelNotFound
from xai_heatmap.runners.batch.crumbs import MOST, Crumbs, Ended, left

HOW = {
    "method": "occlusion",
    "options": {"window": 4, "stride": 4},
    "preprocess": {"mode": "unit", "input_size": (8, 8)},
    "shard": 4,
    "size": 3,
}
DRIVE = """
import sys
import xai_heatmap as xh
xh.batch("in", "net.py:net", out=sys.argv[1], method="occlusion", shard=4, size=3,
         options={"window": 4, "stride": 4}, preprocess={"mode": "unit", "input_size": (8, 8)},
         runner=sys.argv[2], workers=2)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FACTORY)
    folder(tmp_path / "in", 12)
    (tmp_path / "in" / "007.png").write_bytes(b"")
    return tmp_path


def run(place, name="run", **how):
    return xh.batch("in", "net.py:net", out=place / name, **HOW | how)


@pytest.mark.slow
def test_processes_give_the_rows_of_one_process(place, monkeypatch):
    sessions = []

    def started(seat):
        made = start(seat)
        sessions.append(os.getsid(made.pid))
        return made

    start = module._Seat._started
    run(place, "local")
    monkeypatch.setattr(module._Seat, "_started", started)
    run(place, "many", runner="processes", workers=2)
    assert sessions
    assert os.getsid(0) not in sessions, "Ctrl-C of a terminal is for the driver alone"
    assert table(place / "many").equals(table(place / "local"))
    assert left(place / "many" / "work") == []


@pytest.mark.slow
def test_a_picture_that_ends_its_process_is_found(place):
    save(place / "in" / "005.png", 5, deadly=True)
    done = run(place, runner="processes", workers=2)
    errors = {row["id"]: row["error_code"] for row in done.errors()}
    assert errors == {"005.png": "XH205", "007.png": "XH202"}
    assert len(done) == 12
    assert left(place / "run" / "work") == []
    save(place / "in" / "005.png", 5)
    again = xh.batch("in", "net.py:net", out=place / "other", **HOW)
    own = {row["id"]: row for row in again.rows()}
    rows = [row for row in done.rows() if row["id"] not in errors]
    for row in rows:
        np.testing.assert_allclose(done.map(row), again.map(own[row["id"]]), atol=1e-6)


@pytest.mark.slow
def test_a_local_run_that_was_ended_goes_on_in_a_process_of_its_own(place):
    save(place / "in" / "001.png", 1, deadly=True)
    words = [sys.executable, "-c", DRIVE, "run", "local"]
    assert subprocess.run(words, check=False).returncode == 9
    assert left(place / "run" / "work") == [0]
    done = run(place)
    assert {row["id"] for row in done.errors()} == {"001.png", "007.png"}
    assert len(done) == 12


@pytest.mark.slow
@pytest.mark.parametrize("runner", ["local", "processes"])
def test_a_driver_that_is_killed_at_any_moment_loses_nothing(place, runner):
    run(place, "whole")
    random = np.random.default_rng(5)
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(2):
        driver = subprocess.Popen([sys.executable, "-c", DRIVE, "run", runner], env=env)
        time.sleep(float(random.uniform(1.0, 4.0)))
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    run(place, "run")
    assert table(place / "run").equals(table(place / "whole"))
    assert left(place / "run" / "work") == []


def test_ends_in_a_row_at_one_step_count_and_others_do_not():
    ended = Ended()
    for step in ("read 3", "read 3", "batch 0", "read 3", "read 3"):
        ended.at(step)
    assert ended.blamed == []
    ended.at("read 3")
    assert ended.blamed == [3]
    for step in ("batch 8", "batch 8", "one 9", "one 9", "one 9", "again 8", "again 8"):
        ended.at(step)
    assert (ended.blamed, ended.apart, ended.alone) == ([3, 9], [8], [8])


def test_crumbs_say_what_a_process_was_doing(tmp_path):
    first = Crumbs.found(tmp_path, 2)
    assert not first.careful
    first.begin()
    first.step("read", 1)  # nobody was ended yet: nothing is noted
    assert first.trail.read_text() == "begin\n"
    second = Crumbs.found(tmp_path, 2)
    assert second.careful
    assert second.ended == Ended("begin", 1)
    second.begin()
    second.step("read", 1)
    assert Crumbs.found(tmp_path, 2).ended == Ended("read 1", 1)
    assert left(tmp_path) == [2]
    second.begin()
    second.leave()
    assert Crumbs.found(tmp_path, 2).ended == Ended("read 1", 1)
    second.finish()
    assert left(tmp_path) == []


def test_a_step_that_ends_every_process_is_said(tmp_path):
    for _ in range(MOST - 1):
        crumbs = Crumbs.found(tmp_path, 0)
        crumbs.begin()
    Crumbs.found(tmp_path, 0).begin()
    with pytest.raises(ModelFailed, match="in a row at the step 'begin'"):
        Crumbs.found(tmp_path, 0)


@pytest.mark.slow
def test_a_worker_that_never_starts_is_said(place):
    (place / "net.py").write_text(
        FACTORY + "\nif 'runners.batch.worker' in str(__import__('sys').orig_argv): os._exit(5)\n"
    )
    with pytest.raises(ModelFailed, match="ended 3 times before it took a picture"):
        run(place, runner="processes")


@pytest.mark.slow
def test_what_a_worker_refuses_is_the_same_error(place):
    run(place, "run", runner="processes")
    (place / "run" / "rows").rename(place / "rows")
    from xai_heatmap.runners.batch.folder import read_run
    from xai_heatmap.runners.batch.meter import Meter
    from xai_heatmap.runners.batch.processes import processes

    own = read_run(place / "run")
    meter = Meter("run", 12, 0, 0, None, lambda _: None)
    (place / "net.py").write_text(FACTORY.replace("4 * light", "5 * light"))
    with pytest.raises(BadOption, match="begun with another network"):
        processes(own, [0], meter, count=1, retry=False)
    (place / "net.py").write_text(FACTORY.replace("def net", "def other"))
    with pytest.raises(ModelNotFound, match="defines no 'net'"):
        processes(own, [0, 1], meter, count=2, retry=False)
