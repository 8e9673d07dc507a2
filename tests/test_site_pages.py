"""What the site adds to the pages: notebooks as pages, earlier versions, the list for programs."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "site"))
    return importlib.import_module


def notebook(tmp_path):
    folder = tmp_path / "examples" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "notebooks.md").write_text(
        "# Notebooks\n\n[One](../examples/notebooks/one.ipynb)\n", "utf-8"
    )
    outputs = [
        {"output_type": "stream", "text": ["said\n"]},
        {"output_type": "execute_result", "data": {"image/jpeg": "aGVsbG8="}},
        {"output_type": "execute_result", "data": {"text/html": ["<b>x</b>"]}},
        {"output_type": "execute_result", "data": {"text/plain": ["3"]}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# One\n", "words"]},
        {"cell_type": "code", "source": ["1 + 2"], "outputs": outputs},
    ]
    (folder / "one.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    return folder


def test_a_notebook_becomes_a_page_with_its_outputs(module, tmp_path):
    folder = notebook(tmp_path)
    module("gallery").write_gallery(tmp_path)
    assert (folder / "one.md").read_text("utf-8") == (
        "# One\n\n[The notebook](one.ipynb)\nwords\n\n```python\n1 + 2\n```\n\n"
        "```text\nsaid\n```\n\n![What the cell above shows](one-1.jpg)\n\n"
        "```{raw} html\n<b>x</b>\n```\n\n```text\n3\n```\n"
    )
    assert (folder / "one-1.jpg").read_bytes() == b"hello"
    led = (tmp_path / "docs" / "notebooks.md").read_text("utf-8")
    assert "[One](../examples/notebooks/one.md)" in led
    assert "```{image} ../examples/notebooks/one-1.jpg" in led
    assert "/examples/notebooks/one\n" in led


def test_a_public_address_gives_links_to_colab(module, tmp_path):
    folder = notebook(tmp_path)
    module("gallery").write_gallery(tmp_path, "https://github.com/some/thing.git")
    assert (
        "(https://colab.research.google.com/github/some/thing/blob/main/examples/notebooks/one.ipynb)"
    ) in (folder / "one.md").read_text("utf-8")


def built(module, out, version):
    versions = module("versions")
    older = versions.kept(out, version, out.with_name("aside"))
    assert (
        not (out / "index.html").exists()
        or json.loads((out / "versions.json").read_text("utf-8"))["version"] == version
    )
    out.mkdir(exist_ok=True)
    (out / "index.html").write_text(versions.choice(version, older, ""), "utf-8")
    versions.put_back(out, version, older, out.with_name("aside"))
    return (out / "index.html").read_text("utf-8")


def test_earlier_versions_stay_and_are_led_to(module, tmp_path):
    out = tmp_path / "site"
    assert built(module, out, "1.0") == '<p class="versions">Version 1.0</p>'
    assert built(module, out, "1.0") == '<p class="versions">Version 1.0</p>'
    assert 'href="older/1.0/index.html"' in built(module, out, "1.1")
    third = built(module, out, "2.0")
    assert third.index("older/1.1/") < third.index("older/1.0/")
    for name in ("1.0", "1.1"):
        assert f"Version {name}" in (out / "older" / name / "index.html").read_text("utf-8")
        assert not (out / "older" / name / "older").exists()
    assert 'href="../1.0/index.html"' in (out / "older/1.1/index.html").read_text("utf-8")
    assert json.loads((out / "versions.json").read_text("utf-8")) == {
        "version": "2.0", "older": ["1.1", "1.0"],
    }  # fmt: skip
    assert not (tmp_path / "aside").exists()


def test_the_list_for_programs_has_every_page_and_every_name(module, tmp_path):
    staged, out = tmp_path / "staged", tmp_path / "out"
    for page in ("README.md", "docs/howto/a.md", "docs/decisions/001-b.md", "docs/methods/c.md"):
        (staged / page).parent.mkdir(parents=True, exist_ok=True)
        (staged / page).write_text(
            "# Title\n\n```{index} ! word\n```\n*Said* in [words](x.md). More.\n", "utf-8"
        )
    module("llms").write_llms(
        staged, out, {"Explain": ["explain", "Explanation"]}, {"Scenes": "xai_heatmap.scenes"}
    )
    said = (out / "llms.txt").read_text("utf-8")
    for line in (
        "## Begin\n\n- [Title](pages/README.md): Said in words.\n",
        "## How to\n\n- [Title](pages/docs/howto/a.md): Said in words.\n",
        "## Optional\n\n- [Title](pages/docs/decisions/001-b.md)",
    ):
        assert line in said
    explain = (out / "pages/api/explain.md").read_text("utf-8")
    assert "## xai_heatmap.explain(network: Any" in explain
    assert "### heat(self" in explain
    assert "## xai_heatmap.scenes.scene(" in (out / "pages/api/scenes.md").read_text("utf-8")
    assert "{index}" not in (out / "pages/README.md").read_text("utf-8")
    assert sys.modules["llms"].ABOUT in said
