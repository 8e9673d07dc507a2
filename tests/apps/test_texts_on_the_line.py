"""--text: what pictures are held against on the command line."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

TOWERS = """
from tests.networks.text_models import OpenCLIPLike, Plain

def towers():
    model = OpenCLIPLike().eval()
    model.tokenizer = Plain()
    return model
"""

ASK = ("explain", "dog.png", "-m", "towers.py:towers", "--preprocess", "unit")


@pytest.fixture
def towers(place):
    (place / "towers.py").write_text(TOWERS)
    return place


@pytest.mark.slow
def test_texts_are_the_classes(towers, cli):
    texts = ("--text", "a red car", "--text", "a bus")
    said = cli(*ASK, *texts, "--target", "a bus-a red car", "--target", "a bus", "--json")
    assert said.code == 0, said.err
    found = said.json[0]["explanations"]
    assert [one["target"] for one in found] == ["a bus - a red car", "a bus"]
    assert {one["label"] for one in found[0]["predictions"]} == {"a red car", "a bus"}


def test_bad_texts(towers, cli):
    said = cli(*ASK, "--text", "")
    assert said.code == 2
    assert "Text number 0 is empty" in said.err
    said = cli(*ASK, "--text", "a bus", "--hold", "x=1")
    assert said.code == 2
    assert "leave --text or --hold out" in said.err
