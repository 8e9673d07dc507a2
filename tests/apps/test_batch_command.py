"""`xai-heatmap batch` on the command line: run, status, retry, events."""

import json

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

ALWAYS = (
    "--model",
    "net.py:net",
    "--preprocess",
    "imagenet",
    "--size",
    "16x16",
    "--labels",
    "labels.csv",
)


@pytest.fixture
def pictures(place):
    (place / "in").mkdir()
    for name in ("dog", "cat"):
        (place / f"{name}.png").rename(place / "in" / f"{name}.png")
    return place / "in"


@pytest.mark.slow
def test_a_run_its_status_and_its_errors_again(cli, pictures):
    (pictures / "bad.png").write_text("no picture")
    said = cli("batch", "in", *ALWAYS, "--out", "run", "--batch", "2")
    assert said.code == 1
    assert "rows     3 of 3" in said.out
    assert "errors   1 (1 XH202)" in said.out
    assert "error XH202: bad.png" in said.err
    again = cli("batch", "status", "run")
    assert again.code == 1
    assert again.out.splitlines()[0] == "run      run"
    assert "Once they are mended: xai-heatmap batch retry run" in said.err
    assert cli("batch", "status", "run", "--json").json["codes"] == {"XH202": 1}
    (pictures / "bad.png").write_bytes((pictures / "dog.png").read_bytes())
    mended = cli("batch", "retry", "run")
    assert mended.code == 0
    assert "errors   0" in mended.out


def test_events_are_lines_of_json(cli, pictures):
    said = cli("batch", "in", *ALWAYS, "--json", "-o", "run", "--target", "cat", "--layer", "0")
    assert said.code == 0
    events = [json.loads(line) for line in said.out.splitlines()]
    assert {one["kind"] for one in events[:-1]} == {"batch_progress"}
    assert events[-2]["complete"]
    assert events[-1]["kind"] == "batch_status"
    assert (events[-1]["rows"], events[-1]["errors"]) == (2, 0)
    assert (
        cli("batch", "in", *ALWAYS, "-o", "run", "--target", "cat", "--layer", "0", "-q").out == ""
    )


def test_lines_come_now_and_then_without_a_terminal(cli, pictures, monkeypatch):
    monkeypatch.setattr("xai_heatmap.apps.cli.batching.EVERY", -1.0)
    said = cli("batch", "in", *ALWAYS, "-o", "run")
    assert "2 of 2" in said.err
    assert "pictures/s" in said.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("batch", "in"), 2, "A model is needed"),
        (("batch", *ALWAYS), 2, "Pictures are needed"),
        (("batch", "status"), 2, "Write: xai-heatmap batch status RUN"),
        (("batch", "status", "in"), 4, "is no run"),
        (("batch", "nothing", *ALWAYS), 4, "nothing called 'nothing'"),
        (("batch", "in", *ALWAYS, "--runner", "cluster"), 2, "runner can't be 'cluster'"),
        (("batch", "in", *ALWAYS, "--max-errors", "many"), 2, "max-errors is a number"),
    ],
)
def test_what_is_off_is_said(cli, pictures, words, code, told):
    said = cli(*words)
    assert said.code == code
    assert told in said.err


def test_another_setting_is_refused(cli, pictures):
    assert cli("batch", "in", *ALWAYS, "-o", "run").code == 0
    said = cli("batch", "in", *ALWAYS, "-o", "run", "--method", "layercam")
    assert said.code == 2
    assert "method was the usual and is 'layercam'" in said.err


def test_two_pictures_of_one_id_are_refused(cli, pictures):
    (pictures / "list.csv").write_text("uri,id\ndog.png,1\ncat.png,1\n")
    said = cli("batch", "in/list.csv", *ALWAYS, "-o", "run")
    assert said.code == 2
    assert "Two pictures have the id '1'" in said.err
    (pictures / "list.csv").write_text("uri,id\ndog.png,1\nnone.png,2\n")
    said = cli("batch", "in/list.csv", *ALWAYS, "-o", "run")
    assert said.code == 1
    assert "error XH201: 2:" in said.err
