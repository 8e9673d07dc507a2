"""`make docs` draws what is missing or out of date, and nothing else."""

import importlib.util
import json
from pathlib import Path

import pytest

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.registry import METHODS

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def write(monkeypatch, tmp_path):
    """The generator, with pictures that are only noted down."""
    spec = importlib.util.spec_from_file_location("write_docs", DOCS / "write.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    found.steps = []
    for kind, home in (("figure", found.method_figures), ("photograph", found.pictures)):
        note = lambda names, kind=kind: found.steps.append((kind, names))  # noqa: E731
        monkeypatch.setattr(home, "main", note)
    monkeypatch.setattr(found, "DRAWN", tmp_path / "drawn.json")
    monkeypatch.setattr(found.pictures, "weights", lambda: Path("there"))
    return found


def test_every_method_is_drawn():
    drawn = json.loads((DOCS / "methods" / "drawn.json").read_text("utf-8"))
    assert {name for name, kinds in drawn.items() if "figure" in kinds} == set(METHODS), (
        "run: make docs"
    )


def test_only_new_and_changed_methods_are_drawn(write, monkeypatch):
    write.draw(everything=False)
    assert write.steps == [("figure", list(METHODS)), ("photograph", list(METHODS))]
    kept = write.DRAWN.read_text("utf-8")
    write.draw(everything=False)
    assert len(write.steps) == 2
    assert write.DRAWN.read_text("utf-8") == kept
    other = write.fingerprints() | {"gradcam": "changed", "new": "new"}
    monkeypatch.setattr(write, "fingerprints", lambda: other)
    write.draw(everything=False)
    assert write.steps[2:] == [("figure", ["gradcam", "new"]), ("photograph", ["gradcam", "new"])]
    write.draw(everything=True)
    assert write.steps[4:] == [("figure", []), ("photograph", [])]


def test_without_the_reference_networks_figures_are_drawn_all_the_same(write, monkeypatch):
    monkeypatch.setattr(write.pictures, "weights", lambda: None)
    write.draw(everything=False)
    assert write.steps == [("figure", list(METHODS))]
    drawn = json.loads(write.DRAWN.read_text("utf-8"))
    assert drawn["gradcam"] == {"figure": write.fingerprints()["gradcam"]}
    monkeypatch.setattr(write.pictures, "weights", lambda: Path("there"))
    write.draw(everything=False)
    assert write.steps[1:] == [("photograph", list(METHODS))]
