"""The notebooks: their cells run, and what is kept is what their sources say, and small."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples" / "notebooks"
LARGEST = 300_000
"""Bytes of a notebook."""

WANTED = {
    "first_heatmap", "the_document_step_by_step", "which_layer_which_method",
    "right_for_the_wrong_reason", "detectors", "signals_and_volumes", "export_and_ship",
}  # fmt: skip
WITH_KERAS = {"first_heatmap", "the_document_step_by_step"}


@pytest.fixture(scope="module")
def made():
    spec = importlib.util.spec_from_file_location("write_notebooks", ROOT / "docs" / "notebooks.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


@pytest.mark.usefixtures("unchecked")
@pytest.mark.filterwarnings("ignore:Grad-CAM at:UserWarning")
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_cell_runs(made, name, monkeypatch):
    if name in WITH_KERAS:
        pytest.importorskip("keras")
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = sorted(FOLDER.iterdir())
    ran = list(made.run(FOLDER / f"{name}.py"))
    code = [cell.text for cell, _ in ran if not cell.words]
    assert len(code) >= 4
    assert any("assert " in one for one in code)
    assert any(output["output_type"] == "execute_result" for _, all_ in ran for output in all_)
    assert sorted(FOLDER.iterdir()) == before


def test_every_notebook_is_what_its_source_says(made):
    assert {path.stem for path in made.sources()} == WANTED
    assert [made.stale(path) for path in made.sources()] == [""] * len(WANTED)


def test_a_notebook_of_another_source_is_found(made, tmp_path):
    source = tmp_path / "a.py"
    source.write_text("# %% [markdown]\n# # Title\n\n# %%\n1 + 1\n", "utf-8")
    assert "a.ipynb is not there" in made.stale(source)
    made.write(source)
    assert made.stale(source) == ""
    source.write_text("# %% [markdown]\n# # Title\n\n# %%\n1 + 2\n", "utf-8")
    assert made.stale(source).startswith("cell 2 of a.ipynb is not that of a.py")
    source.write_text("# %% [markdown]\n# # Title\n", "utf-8")
    assert made.stale(source) == "a.ipynb has 2 cells, a.py 1. Run: make notebooks"


@pytest.mark.parametrize("name", sorted(WANTED))
def test_a_notebook_is_small_whole_and_without_faults(name):
    path = FOLDER / f"{name}.ipynb"
    text = path.read_text("utf-8")
    assert len(text) < LARGEST
    held = json.loads(text)
    assert (held["nbformat"], held["nbformat_minor"]) == (4, 5)
    code = [cell for cell in held["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    ids = [cell["id"] for cell in held["cells"]]
    assert len(set(ids)) == len(ids)
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result"}
    pictures = [str(output.get("data", "")) for output in outputs]
    assert any("image/jpeg" in one for one in pictures)
    assert str(ROOT) not in text


def test_outputs_are_those_of_a_notebook(made, tmp_path):
    source = tmp_path / "b.py"
    source.write_text(
        "# %% [markdown]\n# a\n\n# %%\nprint('said')\nx = 2\n\n# %%\nx + 1\n", "utf-8"
    )
    _, first, second = made.notebook(source)["cells"]
    assert first["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["said\n"]}]
    assert second["outputs"][0]["data"] == {"text/plain": ["3"]}


def test_a_fault_says_in_which_cell(made, tmp_path):
    source = tmp_path / "c.py"
    source.write_text("# %% [markdown]\n# a\n\n# %%\n1\n\n# %%\n1 / 0\n", "utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        list(made.run(source))
    assert caught.value.__notes__ == ["in cell 2 of c.py:\n1 / 0"]
