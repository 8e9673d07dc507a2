"""The page of errors: each has an example that raises it, and the page says what it says."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("keras", reason="needs Keras")

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture
def generator(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    yield __import__("generate_troubleshooting")
    for name in ("generate_troubleshooting", "troubleshooting_examples"):
        sys.modules.pop(name, None)


def test_every_error_that_is_raised_has_an_example(generator):
    assert sorted(generator.EXAMPLES) == [one.code for one in generator.raised()]


@pytest.mark.slow
def test_the_page_says_what_the_examples_raise(generator):
    now = generator.page().splitlines()
    page = generator.PAGE.read_text("utf-8").splitlines()
    assert page == now, "an error says something else now: run `make docs`"
