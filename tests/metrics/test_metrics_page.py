"""The pages of metrics say what the metrics say; a metric of one's own is everywhere at once."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.metric import METRICS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FOLDER = DOCS / "metrics"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module")
def generator():
    return script("generate_metrics")


@pytest.fixture(scope="module")
def figures():
    return script("metric_figures")


@pytest.fixture
def spread():
    """Twenty lines that are a metric; the registry is as it was afterwards."""
    before = dict(METRICS)

    @xh.metric(
        better="lower",
        cite="@misc{doe2026, author = {Doe, Ann}, title = {Spread}, year = {2026}, eprint = {1.2}}",
        use_when="you ask how many places share the heat",
        passes="1",
    )
    def spread(relevance, image, score, model, *, above: float = 0.5):
        """|{places above a part of the maximum}| / |places|,  0 where y stays without the picture.

        It asks the network once, for an empty picture.
        """
        (empty,) = model([np.zeros_like(image)])
        if empty == score:
            return 0.0
        return (relevance > above * relevance.max()).mean()

    yield METRICS["spread"]
    METRICS.clear()
    METRICS.update(before)


def test_every_page_is_up_to_date(generator):
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert written == generator.pages(), "run: make docs"
    assert {f"{name}.md" for name in METRICS} < set(written)


def test_every_metric_was_measured_as_it_is_now(figures):
    assert figures.stale() == [], "run: make docs"
    facts = json.loads((FOLDER / "figures.json").read_text("utf-8"))
    assert set(facts) == set(METRICS)
    assert facts["average_drop"]["maps"]["the same everywhere"]["as good"] == 1  # what fools it
    assert facts["energy"]["maps"]["the object itself"]["as good"] == 1
    assert facts["insertion_deletion"]["maps"]["random numbers"]["as good"] < 0.2


def test_every_link_leads_to_a_file(generator):
    for name, text in generator.pages().items():
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (FOLDER / link).exists(), f"{name}: {link}"


def test_a_metric_that_nobody_measured_says_so(generator, monkeypatch, tmp_path):
    monkeypatch.setattr(generator, "FACTS", tmp_path / "none.json")
    assert "Not measured yet: `make docs`" in generator.pages()["energy.md"]


def test_a_metric_of_twenty_lines_is_listed_and_has_a_page(spread, generator, capsys):
    assert spread.needs == {"relevance", "image", "score", "model"}
    assert main(["metrics"]) == 0
    listed = capsys.readouterr().out
    (line,) = [line for line in listed.splitlines() if line.startswith("spread ")]
    assert re.split(r" {2,}", line)[1:] == [
        "you ask how many places share the heat", "lower", "1", "Doe 2026",
    ]  # fmt: skip
    assert main(["metrics", "spread", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["options"] == {"above": 0.5}
    pages = generator.pages()
    assert "| [`spread`](spread.md) |" in pages["README.md"]
    assert "Doe 2026. Spread. <https://arxiv.org/abs/1.2>" in pages["spread.md"]


def test_a_metric_of_twenty_lines_is_measured(spread):
    (found,) = xh.measure(
        lambda x: np.stack([x.mean(axis=(1, 2, 3)), x.max(axis=(1, 2, 3))], axis=1),
        np.arange(192, dtype=np.uint8).reshape(8, 8, 3),
        metrics=["spread"],
        targets=[0],
        methods=["occlusion"],
        options={"occlusion": {"window": 4, "stride": 4}},
        preprocess="unit",
    )
    assert (found.passes, found.constant) == (1, 1.0)
    assert 0 < found.value < 1
