import pytest

from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.wording import parsed

LABELS = (
    "goldfish, Carassius auratus",
    "t-rex",
    "black-footed ferret",
    "cat",
    "a",
    "b-c",
    "a-b",
    "c",
)


def said(text, labels=LABELS):
    return [choice.label for choice in parsed(text, labels)]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("top1", ["top(1)"]),
        ("Top3", ["top(1)", "top(2)", "top(3)"]),
        ("7", ["category(7)"]),
        ("-1", ["category(-1)"]),
        ("3-5", ["contrast(3, against=5)"]),
        ("3--1", ["contrast(3, against=-1)"]),
        ("cat", ["category('cat')"]),
        (" Carassius Auratus ", ["category('Carassius Auratus')"]),
        ("goldfish, carassius auratus", ["category('goldfish, carassius auratus')"]),
        ("t-rex", ["category('t-rex')"]),
        ("cat-t-rex", ["contrast('cat', against='t-rex')"]),
        ("black-footed ferret - cat", ["contrast('black-footed ferret', against='cat')"]),
        ("3-cat", ["contrast(3, against='cat')"]),
        ("3-rest", ["contrast(3, against=the rest)"]),
        ("t-rex-Similar", ["contrast('t-rex', against=3 similar)"]),
        ("margin", ["margin()"]),
        ("residual", ["residual_softmax()"]),
        ("Residual cat", ["residual_softmax('cat')"]),
        ("not t-rex", ["negative(category('t-rex'))"]),
        ("not -1", ["negative(category(-1))"]),
        ("cat@all", ["region(category('cat'), all)"]),
        ("3-5@10,20,30.5,40", ["region(contrast(3, against=5), (10, 20, 30.5, 40))"]),
        ("top2@all", ["region(top(1), all)", "region(top(2), all)"]),
    ],
)
def test_a_word_becomes_choices(text, labels):
    assert said(text) == labels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dog", "No class is called 'dog'"),
        ("cat-dog", "No class is called 'dog'"),
        ("dog-cat", "No class is called 'dog'"),
        ("golfish", "Did you mean 'goldfish'?"),
        ("a-b-c", "in 2 ways"),
        ("top0", "No class is called 'top0'"),
        ("", "No class is called ''"),
    ],
)
def test_a_word_that_is_none(text, words):
    with pytest.raises(UnknownTarget) as caught:
        parsed(text, LABELS)
    assert words in str(caught.value)


def test_without_labels_numbers_alone_are_known():
    assert said("3-5", ()) == ["contrast(3, against=5)"]
    with pytest.raises(UnknownTarget, match="--labels FILE"):
        parsed("cat", ())
