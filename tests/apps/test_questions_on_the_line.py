"""--ask: a question about each picture, answered in words."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("transformers", reason="needs transformers")

SPEAKING = """
import copy
import torch
from tests.networks.speaking_models import speaking as made

def model():
    own, processor = made("llava")
    own.processor = processor
    return own

def templated():
    own = copy.deepcopy(model())
    own.processor.chat_template = (
        "{% for m in messages %}{% for c in m.content %}"
        "{% if c.type == 'image' %}<image>{% else %} {{ c.text }}{% endif %}"
        "{% endfor %}{% endfor %}"
    )
    return own

def silent():
    return torch.nn.Conv2d(3, 2, 3)
"""

ASK = ("explain", "dog.png", "-m", "speaking.py:model")


@pytest.fixture
def speaking(place):
    (place / "speaking.py").write_text(SPEAKING)
    return place


def test_each_token_of_an_answer_has_a_map(speaking, cli):
    said = cli(*ASK, "--ask", "<image> what is left", "--tokens", "2", "--json")
    assert said.code == 0, said.err
    (row,) = said.json
    assert [one["text"] for one in row["words"]] == [
        one["target"].split("'")[1] for one in row["explanations"]
    ]
    assert len(row["words"]) == 2
    assert all((speaking / one["picture"]).exists() for one in row["explanations"])
    for word in row["words"]:
        assert word["without_looking"] == (word["change"] < 0.1)
    shown = cli(*ASK, "--ask", "<image> what is left", "--tokens", "2")
    for number, word in enumerate(row["words"], 1):
        assert f"  {number}  {word['text']}" in shown.out
    assert ("said without looking" in shown.out) == any(w["without_looking"] for w in row["words"])


@pytest.mark.slow
def test_plain_words_are_put_into_the_models_template(speaking, cli):
    asked = ("explain", "dog.png", "-m", "speaking.py:templated", "--tokens", "1", "--json")
    plain = cli(*asked, "--ask", "what is left")
    assert plain.code == 0, plain.err
    written = cli(*asked, "--ask", "<image> what is left")
    assert plain.json[0]["words"] == written.json[0]["words"]


def test_another_number_of_an_answer_is_a_target(speaking, cli):
    question = ("--ask", "<image> what is left", "--tokens", "2", "--json")
    said = cli(*ASK, *question, "--target", "token:2", "--method", "gradcam")
    assert said.code == 0, said.err
    (one,) = said.json[0]["explanations"]
    assert one["method"] == "gradcam"
    assert said.json[0]["words"][1]["text"] in one["target"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--ask", " "), "A question in words is needed"),
        (("--ask", "what", "--layer", "all"), "--ask and --layer do not go together"),
        (("--ask", "what", "--size", "32x32"), "--ask and --size do not go together"),
        (("--ask", "what", "--method", "gradcam", "--method", "rise"), "One method explains"),
        (("--ask", "what"), "Write <image> there"),
        (("--ask", "what", "--tokens", "0"), "tokens"),
        (("--ask", "what", "-m", "speaking.py:silent"), "model.processor = AutoProcessor"),
    ],
)
def test_bad_questions(speaking, cli, more, words):
    said = cli(*ASK, *more)
    assert said.code == 2
    assert words in said.err
