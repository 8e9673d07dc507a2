"""What the system refuses is said before the work where it can be known, and leaves nothing."""

import os
import resource

import numpy as np
import pytest
from onnx import helper

from xai_heatmap.apps.cli.demo import demo
from xai_heatmap.apps.cli.finding import found
from xai_heatmap.core.errors import OutputError
from xai_heatmap.exporting import saving
from xai_heatmap.exporting.export import export
from xai_heatmap.sinks.picture import save_files, save_picture, save_text


@pytest.fixture
def small_files():
    """No file may be larger than 2,000 bytes, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def closed(monkeypatch):
    """Folders that nobody may write to, for the superuser either."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))


NOISE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
LONG = helper.make_node("Identity", ["a"], ["b"], doc_string="x" * 4_000)
MODEL = helper.make_model(helper.make_graph([LONG], "", [], []))
WRITERS = {
    "picture": lambda folder: save_picture(folder / "new" / "a.png", NOISE),
    "page": lambda folder: save_text(folder / "new" / "a.html", "x" * 4_000),
    "site": lambda folder: save_files(folder / "new", {"a": b"x", "b": b"x" * 4_000}),
    "onnx": lambda folder: saving.save(MODEL, folder / "a.onnx"),
}


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_does_not_fit_leaves_nothing_and_says_what_to_do(kind, tmp_path):
    with pytest.raises(OutputError, match=r"raise the limit, or .* folder\. Nothing was written\."):
        WRITERS[kind](tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("out", ["a.onnx", "a.html", "site"])
def test_an_export_that_can_not_be_written_is_refused_before_the_model_is_read(out, tmp_path):
    with pytest.raises(OutputError, match=r"you may not write to .* Choose another folder"):
        export("no such model", tmp_path / out, web=out == "site", preprocess="unit")


@pytest.mark.usefixtures("closed")
def test_findings_and_the_demo_are_refused_before_their_work(tmp_path):
    asked = {"model": None, "regions": None, "classes": (), "most": 100, "as_json": True}
    for begun in (
        lambda: demo(tmp_path / "demo-out"),
        lambda: found(tmp_path, out=None, quiet=True, **asked),
    ):
        with pytest.raises(OutputError, match="you may not write to"):
            begun()
