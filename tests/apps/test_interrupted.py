"""Ctrl-C, whenever it comes: one line, exit code 130, and nothing left behind."""

import pytest

PICTURE = ("dog.png", "--model", "net.py:net", "--preprocess", "imagenet")


@pytest.mark.parametrize(
    "words",
    [
        ("explain", *PICTURE, "--json"),
        ("compare", *PICTURE),
        ("report", *PICTURE),
        ("measure", *PICTURE),
        ("batch", *PICTURE, "--out", "run"),
        ("audit", "net.py:net", "dog.png", "--preprocess", "imagenet"),
        ("layers", "net.py:net"),
    ],
)
def test_while_the_model_is_opened(cli, place, monkeypatch, words):
    if words[0] == "batch":
        pytest.importorskip("pyarrow", reason="needs pyarrow")
    before = set(place.iterdir())

    def load(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("xai_heatmap.runners.opening.load", load)
    said = cli(*words)
    assert (said.code, said.out, said.err) == (130, "", "interrupted\n")
    assert {path for path in place.iterdir() if path.name != "__pycache__"} == before


def test_at_work_a_command_says_how_it_goes_on(cli, place, monkeypatch):
    def run(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("xai_heatmap.apps.cli.auditing.run_job", run)
    said = cli("audit", "net.py:net", "dog.png", "--preprocess", "imagenet", "--json")
    assert (said.code, said.out) == (130, "")
    assert said.err == "stopped. Run the same command again to go on.\n"


def test_a_findings_run_that_is_stopped_keeps_its_classes(cli, monkeypatch):
    def found(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("xai_heatmap.apps.cli.finding.found", found)
    said = cli("findings", "run")
    assert (said.code, said.out) == (130, "")
    assert said.err.startswith("stopped. Finished classes are kept")
    assert said.err.count("\n") == 1
