"""Pages of a run that is not finished say how many of its pictures are not done yet."""

import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow")

from finding_places import folder, made, network

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.runners.batch.drift import drift
from xai_heatmap.runners.batch.folder import read_run
from xai_heatmap.runners.batch.stored import StoredRun, _directed

SAID = "4 pictures of the run are not done yet: the same `xai-heatmap batch` command"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run of 16 pictures, of which four were not done, and the same one finished."""
    path = tmp_path_factory.mktemp("unfinished")
    source = folder(path / "in", 16) / "list.csv"
    made(path / "whole", source, shard=4)
    made(path / "run", source, shard=4)
    read_run(path / "run").parts()[-1].unlink()
    return path


def test_findings_say_what_is_not_done(place):
    found = xh.findings(place / "run", network())
    assert (found.rows, found.waiting, found.facts()["waiting"]) == (12, 4, 4)
    found.save(place / "said")
    assert SAID in (place / "said" / "findings.html").read_text("utf-8")


def test_a_report_says_what_is_not_done(place, capsys):
    assert main(["report", str(place / "run"), "-o", str(place / "page.html")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert SAID in " ".join(lines)
    values = {line.index(line.split("  ", 1)[1].strip()) for line in lines}
    assert values == {9}, "values stand below each other"
    assert SAID in (place / "page.html").read_text("utf-8")
    intro = StoredRun(read_run(place / "run")).said_of(3)
    assert intro[0] == "3 of 12 rows, the least sure first"
    assert StoredRun(read_run(place / "whole")).said_of(3) == ["3 of 16 rows, the least sure first"]


def test_a_report_says_what_could_not_be_explained_and_what_a_map_is_worth(tmp_path):
    source = folder(tmp_path / "in", 4) / "list.csv"
    next((tmp_path / "in").rglob("*.png")).write_bytes(b"no picture")
    run = StoredRun(made(tmp_path / "run", source).folder)
    assert run.said_of(3)[1] == "1 row has no map: 1 could not be explained"
    alone = [one.verdict.because for one in run]
    assert alone == [f"the strongest place has relevance {one.map.max():.4g}." for one in run]


def test_drift_says_what_is_not_done(place, capsys):
    assert drift(place / "whole", place / "run").waiting == 4
    assert main(["drift", str(place / "whole"), str(place / "run")]) == 0
    assert capsys.readouterr().out.rstrip().endswith("command goes on with them.")
    assert drift(place / "whole", place / "whole").waiting == 0


@pytest.mark.parametrize(("method", "known"), [("eigencam", False), ("gradcam", True), ("g", True)])
def test_a_row_says_whether_its_map_is_for_anything(method, known):
    assert _directed(method) is known
