"""A run over many pictures: rows, resuming, what is bad, what reads it."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

import pyarrow.parquet as parquet
from batch_places import ASKED, SIDE, bright, folder, network, picture, table

import xai_heatmap as xh
from xai_heatmap.core.errors import (
    BadOption,
    ImageNotFound,
    OutputError,
    TooManyErrors,
    XaiHeatmapError,
)
from xai_heatmap.jobs.batch_job import Batch
from xai_heatmap.runners.batch import local
from xai_heatmap.runners.batch.asking import Objects
from xai_heatmap.runners.batch.folder import alone
from xai_heatmap.runners.batch.run import retried, run_job
from xai_heatmap.sinks.store.levels import packed, unpacked
from xai_heatmap.sinks.store.rows import COLUMNS
from xai_heatmap.sources.listing.entry import Entry


def run(source, out, **how):
    return xh.batch(source, how.pop("model", None) or network(), out=out, **ASKED | how)


@pytest.fixture
def place(tmp_path):
    folder(tmp_path / "in")
    (tmp_path / "in" / "004.png").write_bytes(b"")
    (tmp_path / "in" / "deep").mkdir()
    (tmp_path / "in" / "deep" / "cut.png").write_bytes(
        (tmp_path / "in" / "001.png").read_bytes()[:60]
    )
    (tmp_path / "in" / "notes.md").write_text("no picture")
    return tmp_path


def test_each_picture_is_one_row_with_what_it_gets_alone(place):
    done = run(place / "in", place / "run")
    rows = list(done.rows())
    assert len(done) == len(rows) == 11
    assert len({row["id"] for row in rows}) == 11
    assert [row["id"] for row in rows[:2]] == ["000.png", "001.png"]
    assert {row["id"] for row in done.errors()} == {"004.png", "deep/cut.png"}
    for row in rows:
        if row["error"] is not None:
            assert row["error_code"] == "XH202"
            assert row["map"] is None
            continue
        own = xh.explain(
            network(), row["uri"], **{k: ASKED[k] for k in ("method", "options", "preprocess",
                                                           "labels")}
        )  # fmt: skip
        step = (row["map_high"] - row["map_low"]) / 255
        np.testing.assert_allclose(done.map(row), own.map, atol=0.51 * step + 1e-9)
        assert (row["prediction"], row["target"]) == (own.predictions[0].label, own.target)
        assert row["top"] == [p.index for p in own.predictions]
        assert row["verdict"] == own.verdict.word
        assert row["score"] == pytest.approx(own.score, rel=1e-5)
        assert (row["method"], row["layer"]) == ("occlusion", own.layer.name)


def test_parts_have_the_schema_and_their_counts(place):
    done = run(place / "in", place / "run")
    assert len(done.files) == 3
    for path in done.files:
        assert parquet.read_schema(path).names == list(COLUMNS)
    status = done.status
    assert (status.rows, status.pictures, status.errors) == (11, 11, 2)
    assert (status.shards, status.finished, status.complete) == (3, 3, True)
    assert status.codes == {"XH202": 2}
    assert "11 of 11 pictures, 2 errors" in repr(done)
    assert xh.open_run(place / "run").table(["id", "score"]).num_rows == 11


def test_a_finished_run_is_not_done_again_and_a_stopped_one_goes_on(place, monkeypatch):
    whole = run(place / "in", place / "whole")
    seen = []

    class Stopped(Exception):
        pass

    def listen(event):
        seen.append(event)
        if event.done > 5:
            raise Stopped

    monkeypatch.setattr("xai_heatmap.runners.batch.meter.OFTEN", 0.0)
    with pytest.raises(Stopped):
        run(place / "in", place / "run", listen=listen)
    assert len(xh.open_run(place / "run")) == 4
    kept = {path: Path(path).stat().st_mtime_ns for path in xh.open_run(place / "run").files}
    run(place / "in", place / "run")
    assert table(place / "run").equals(table(place / "whole"))
    assert all(Path(path).stat().st_mtime_ns == then for path, then in kept.items())
    asked = []
    monkeypatch.setattr(local, "do_shard", lambda *a, **k: asked.append(a))
    run(place / "in", place / "run")
    assert asked == []
    assert whole.status == xh.open_run(place / "run").status


def test_progress_says_rate_time_left_and_errors(place, monkeypatch):
    monkeypatch.setattr("xai_heatmap.runners.batch.meter.OFTEN", 0.0)
    seen = []
    run(place / "in", place / "run", listen=seen.append)
    assert [event.done for event in seen] == sorted(event.done for event in seen)
    assert (seen[0].done, seen[0].total, seen[0].rate) == (0, 11, None)
    assert seen[-1].complete
    assert (seen[-1].done, seen[-1].errors) == (11, 2)
    assert seen[-1].rate > 0
    assert seen[-1].left == 0


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"method": "rise", "options": {"samples": 4}}, "method was"),
        ({"shard": 5}, "shard was 4 and is 5"),
        ({"maps": "float32"}, "maps was 'uint8' and is 'float32'"),
        ({"target": "dark"}, "target was"),
        ({"labels": ["a", "b", "c"]}, "labels was"),
        ({"model": xh.network(lambda x: 1 - bright(x), image_shape=(3, 8, 8))}, "another network"),
    ],
)
def test_settings_never_mix(place, how, said):
    run(place / "in", place / "run")
    before = table(place / "run")
    with pytest.raises(BadOption, match=said):
        run(place / "in", place / "run", **how)
    assert table(place / "run").equals(before)


def test_retry_does_the_errors_alone(place, monkeypatch):
    done = run(place / "in", place / "run")
    before = {row["id"]: row for row in done.rows()}
    (place / "in" / "004.png").write_bytes((place / "in" / "003.png").read_bytes())
    seen, given = [], Entry.given
    monkeypatch.setattr(Entry, "given", lambda one: seen.append(one.id) or given(one))
    job = Batch(
        source=(str(place / "in"),), method=("occlusion",), preprocess="unit", shard=4, batch=3,
        option=("occlusion.window=4", "occlusion.stride=4"), out=place / "run",
    )  # fmt: skip
    made = run_job(job, network(), objects=Objects(labels=ASKED["labels"]), retry=True)
    assert sorted(seen) == ["004.png", "deep/cut.png"]
    assert {row["id"] for row in made.errors()} == {"deep/cut.png"}
    after = {row["id"]: row for row in made.rows()}
    assert list(after) == list(before)
    assert all(after[name] == before[name] for name in before if before[name]["error"] is None)
    assert after["004.png"]["score"] == pytest.approx(after["003.png"]["score"])
    with pytest.raises(BadOption, match="objects of Python"):
        retried(place / "run")


def test_max_errors_stops_early_and_keeps_what_is_finished(place):
    for name in ("005.png", "006.png"):
        (place / "in" / name).write_bytes(b"")
    with pytest.raises(TooManyErrors, match="allows 1"):
        run(place / "in", place / "run", max_errors=1)
    assert len(xh.open_run(place / "run")) == 4
    assert len(run(place / "in", place / "run", max_errors="50%")) == 11


def test_explanations_draw_themselves(place):
    done = run(place / "in", place / "run")
    one = done["003.png"]
    own = xh.explain(network(), place / "in" / "003.png", **{
        k: ASKED[k] for k in ("method", "options", "preprocess", "labels")
    })  # fmt: skip
    assert one.overlay().shape == own.overlay().shape == (SIDE, SIDE, 3)
    assert np.abs(one.overlay().astype(int) - own.overlay().astype(int)).max() <= 3
    assert (one.target, one.probability) == (own.target, pytest.approx(own.probability))
    assert len(list(done)) == 9
    assert done[-2].name == "009.png"
    assert done[0].name == "000.png"
    with pytest.raises(XaiHeatmapError, match="could not be explained"):
        done["004.png"]
    with pytest.raises(KeyError):
        done["nobody"]
    with pytest.raises(IndexError):
        done[11]


def test_a_data_set_in_memory(tmp_path):
    class Data:
        def __len__(self):
            return 5

        def __getitem__(self, place):
            if place == 3:
                raise RuntimeError("no such row")
            return {"image": picture(place), "label": 0}

    done = run(Data(), tmp_path / "run")
    assert [row["id"] for row in done.errors()] == ["3"]
    assert done["2"].image.shape == (SIDE, SIDE, 3)
    with pytest.raises(BadOption, match="were in memory"):
        xh.open_run(tmp_path / "run")["2"]
    assert xh.open_run(tmp_path / "run", pictures=Data())["2"].name == "2"
    with pytest.raises(BadOption, match="Other processes open the model"):
        run(Data(), tmp_path / "other", runner="processes")
    with pytest.raises(BadOption, match="Iterators are explained"):
        run(iter([picture(1)]), tmp_path / "other")


def test_files_beside_the_rows(place):
    done = run(place / "in", place / "run", maps="float32", png=True, npz=True)
    maps = {path.name: np.load(path)["map"] for path in (place / "run" / "npz").rglob("*.npz")}
    assert len(maps) == len(list((place / "run" / "png").rglob("*.png"))) == 9
    for row in done.rows():
        if row["error"] is None:
            np.testing.assert_array_equal(done.map(row), maps[f"{row['id']}.npz"])


@pytest.mark.parametrize("low", [-3.0, 0.0, 2.0])
def test_levels_are_near_and_zero_is_zero(low):
    random = np.random.default_rng(1)
    values = (low + 5 * random.random((7, 7))).astype(np.float32)
    values[0, :3] = max(0, low)
    kept = packed(values)
    back = unpacked(kept)
    assert np.abs(back - values).max() <= (kept.high - kept.low) / 510 + 1e-6
    assert (back[values == 0] == 0).all()
    numbers = np.frombuffer(kept.data, np.uint8).reshape(7, 7)
    np.testing.assert_allclose(
        back, kept.low + numbers * (kept.high - kept.low) / 255, atol=1e-6
    )  # fmt: skip
    np.testing.assert_array_equal(unpacked(packed(values, "float32")), values)
    np.testing.assert_array_equal(unpacked(packed(np.full((2, 2), 7, np.float32))), 7)


def test_memory_that_ends_halves_the_batch_once(place):
    seen = []

    def small(x):
        seen.append(len(x))
        if len(x) > 2:
            raise MemoryError("out of memory")
        return bright(x)

    own = xh.network(small, image_shape=(3, SIDE, SIDE))
    first = {"method": "eigencam", "layer": "input", "options": None}
    done = run(place / "in", place / "run", model=own, **first)
    assert done.status.errors == 2
    assert sum(n > 2 for n in seen) == 1
    whole = run(place / "in", place / "whole", **first)
    assert [row["map"] for row in done.rows()] == [row["map"] for row in whole.rows()]


def test_one_picture_that_the_network_refuses_is_one_row(place):
    def picky(x):
        if (x[:, 0, 0, 0] * 255).round().astype(int).tolist().count(6):
            raise ValueError("not that one")
        return bright(x)

    own = xh.network(picky, image_shape=(3, SIDE, SIDE))
    done = run(place / "in", place / "run", model=own)
    errors = {row["id"]: row["error_code"] for row in done.errors()}
    assert errors == {"004.png": "XH202", "deep/cut.png": "XH202", "006.png": "XH137"}


@pytest.mark.parametrize(
    ("spoil", "kind", "said"),
    [
        (lambda out: out.write_text("a file"), OutputError, "is a file"),
        (lambda out: (out.mkdir(), (out / "mine.txt").touch()), OutputError, "no run: 'mine.txt'"),
        (lambda out: (out.mkdir(), (out / "run.json").write_text('{"format": 0}')), OutputError,
         "has the format 0"),
        (lambda out: (out.mkdir(), (out / "run.json").write_text("{")), OutputError,
         "can't be read"),
    ],
)  # fmt: skip
def test_a_folder_of_something_else_is_left_alone(place, spoil, kind, said):
    out = place / "run"
    spoil(out)
    before = sorted(path.name for path in out.parent.rglob("*"))
    with pytest.raises(kind, match=said):
        run(place / "in", out)
    assert sorted(p.name for p in out.parent.rglob("*") if p.name != ".lock") == before


def test_two_drivers_never_work_on_one_run(place):
    with (
        alone(place / "run"),
        pytest.raises(OutputError, match=rf"process {os.getpid()}\) works on the run"),
    ):
        run(place / "in", place / "run")


def test_a_full_disk_loses_no_finished_shard(place, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) == 5:
            raise OSError(28, "No space left on device")
        return real(handle)

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match=r"No space left on device\. Free some space"):
        run(place / "in", place / "run")
    monkeypatch.undo()
    finished = xh.open_run(place / "run").files
    assert len(finished) < 3
    assert len(run(place / "in", place / "run")) == 11
    assert xh.open_run(place / "run").files[: len(finished)] == finished
    assert not list((place / "run").rglob("*.tmp"))


def test_what_is_no_source_is_said_before_anything_is_written(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.md").touch()
    for name, said in {
        "empty": "it is empty",
        "text": "1 other file does",
        "no": "nothing called",
    }.items():
        with pytest.raises(ImageNotFound, match=said):
            run(tmp_path / name, tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


def test_one_question_a_run(place):
    for how, said in {
        "layer": ("all", "means several"),
        "target": ("top5", "means 5"),
    }.items():
        with pytest.raises(BadOption, match=said[1]):
            run(place / "in", place / "run", **{how: said[0]})


def test_the_run_says_what_it_was_asked(place):
    run(place / "in", place / "run")
    said = json.loads((place / "run" / "run.json").read_text())
    assert said["classes"] == ["light", "dark", "none"]
    assert said["settings"]["shard"] == 4
    assert said["job"] is None
