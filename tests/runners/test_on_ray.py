"""Runs on Ray: by a stand-in that calls the worker here, and by Ray itself where it is there."""

import sys
import types
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from batch_places import FACTORY, folder, save, table

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, ModelFailed, ModelNotFound
from xai_heatmap.runners.batch.folder import WORK
from xai_heatmap.runners.batch.on_ray import STARTING, STARTS, RayWorker

HOW = {
    "method": "occlusion",
    "options": {"window": 4, "stride": 4},
    "preprocess": {"mode": "unit", "input_size": (8, 8)},
    "shard": 4,
    "size": 3,
}
INSTALLED = Path(sys.prefix) / "ray"


class Rows:
    """What ``ray.data.from_items`` answers, as far as a run asks."""

    def __init__(self, items):
        self.items, self.asked = items, {}

    def map_batches(self, worker, **how):
        self.asked, made = how, worker(**how["fn_constructor_kwargs"])
        found = [made({"shard": [item["shard"]]}) for item in self.items]
        return types.SimpleNamespace(
            iter_rows=lambda: iter({name: of[0] for name, of in row.items()} for row in found)
        )


@pytest.fixture
def ray(monkeypatch):
    """A stand-in for Ray, which has one place to work: here."""
    asked = []

    def from_items(items, override_num_blocks):
        assert override_num_blocks == len(items)
        asked.append(Rows(items))
        return asked[-1]

    context = types.SimpleNamespace(enable_progress_bars=True)
    data = types.ModuleType("ray.data")
    data.from_items = from_items
    data.DataContext = types.SimpleNamespace(get_current=lambda: context)
    data.ActorPoolStrategy = lambda size: ("actors", size)
    own = types.ModuleType("ray")
    own.data, own.exceptions = data, types.SimpleNamespace(RayError=ZeroDivisionError)
    own.is_initialized, own.cluster_resources = (lambda: True), (lambda: {"CPU": 8.0})
    own.asked = asked
    monkeypatch.setitem(sys.modules, "ray", own)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    return own


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FACTORY)
    folder(tmp_path / "in", 12)
    (tmp_path / "in" / "007.png").write_bytes(b"")
    return tmp_path


def run(place, name="run", model="net.py:net", **how):
    return xh.batch("in", model, out=place / name, **HOW | how)


def test_ray_gives_the_rows_of_one_process(place, ray):
    told = []
    run(place, "local")
    done = run(place, "ray", runner="ray", workers=2, listen=told.append)
    assert table(place / "ray").equals(table(place / "local"))
    assert done.status.complete
    assert [event.done for event in told][-1] == 12
    (asked,) = ray.asked
    assert asked.asked["batch_size"] == 1
    assert asked.asked["compute"] == ("actors", 2)
    assert asked.asked["num_cpus"] == 4
    run(place, "ray", runner="ray")
    assert len(ray.asked) == 1  # nothing is left to do


def test_errors_are_tried_again(place, ray):
    run(place, runner="ray")
    save(place / "in" / "007.png", 7)
    from xai_heatmap.runners.batch.run import retried

    assert retried(place / "run").status.errors == 0
    assert [item["shard"] for item in ray.asked[1].items] == [1]
    assert ray.asked[1].asked["fn_constructor_kwargs"]["retry"]


def test_what_is_wrong_with_all_ends_the_run(place, ray, monkeypatch):
    plain = RayWorker.__init__

    def gone(self, path, retry):
        (place / "net.py").unlink()
        plain(self, path, retry)

    monkeypatch.setattr(RayWorker, "__init__", gone)
    with pytest.raises(ModelNotFound):
        run(place, runner="ray")


def test_workers_that_end_while_they_load_are_counted_in_a_row(place, ray):
    done = run(place)
    work = done.folder.path / WORK
    for number in range(STARTS - 1):
        (work / f"{STARTING}{number}").touch()
    worker = RayWorker(str(done.folder.path), False)
    assert worker.broken is None
    assert list(work.glob(f"{STARTING}*")) == []
    for number in range(STARTS):
        (work / f"{STARTING}{number}").touch()
    row = RayWorker(str(done.folder.path), False)({"shard": [0]})
    assert row["code"] == [ModelFailed.code]
    assert "--runner local" in row["why"][0]


def test_what_ray_itself_says_is_said(place, ray, monkeypatch):
    def gives_up(*_, **__):
        raise ZeroDivisionError("no node is left")

    monkeypatch.setattr(Rows, "map_batches", gives_up)
    with pytest.raises(ModelFailed, match="no node is left"):
        run(place, runner="ray")


def test_without_ray_the_error_names_the_extra(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadOption, match=r"xai-heatmap\[ray\]"):
        run(place, runner="ray")


def test_models_in_memory_are_for_local_runs(place):
    with pytest.raises(BadOption, match="runner='local'"):
        xh.batch("in", lambda x: x.mean((2, 3)), out="run", runner="ray", **HOW)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_itself_schedules_the_same_rows(place, monkeypatch):
    """It proves scheduling, not speed."""
    if not INSTALLED.exists():
        pytest.skip("Ray is not installed here: make ray")
    monkeypatch.syspath_prepend(str(INSTALLED))
    monkeypatch.setenv("PYTHONPATH", str(INSTALLED))
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    import ray

    save(place / "in" / "005.png", 5, deadly=True)
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    try:
        done = run(place, "ray", runner="ray", workers=2)
    finally:
        ray.shutdown()
    run(place, "many", runner="processes", workers=2)
    assert done.status.codes == {"XH202": 1, "XH205": 1}
    assert table(place / "ray").equals(table(place / "many"))
