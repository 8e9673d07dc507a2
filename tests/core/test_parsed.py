import pytest

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import BadOption, UnknownTarget
from xai_heatmap.core.targets.wording import answering, parsed

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


def test_a_class_may_be_called_like_a_token():
    assert said("token:yes", labels=("token:yes", "no")) == ["category('token:yes')"]
    with pytest.raises(UnknownTarget, match="counted from 1; received 0"):
        parsed("token:0")


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
        ("token:3", ["token(3)"]),
        ("Token: yes", ["token('yes')"]),
        ("token:yes - no", ["token('yes', against='no')"]),
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


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("box:1,2,30.5,40:cat", ["box((1, 2, 30.5, 40), which=category('cat'))"]),
        ("Box: -1, 2, 30, 40", ["box((-1, 2, 30, 40))"]),
        ("box::3", ["box(which=category(3))"]),
        ("box:1,2,3,4:cat-t-rex", ["box((1, 2, 3, 4), which=contrast('cat', against='t-rex'))"]),
        ("box:1,2,3,4:top2", [f"box((1, 2, 3, 4), which=top({rank}))" for rank in (1, 2)]),
        ("found:1,2,3,4:cat", ["box((1, 2, 3, 4), which=category('cat'), held=False)"]),
    ],
)
def test_a_word_for_a_box(text, labels):
    assert said(text) == labels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("box:1,2,3:cat", "left < right"),
        ("box:1,2,left,4:cat", "box:LEFT,TOP,RIGHT,BOTTOM:CLASS"),
        ("box:1,2,3,4:dog", "No class is called 'dog'"),
        ("box:1,2,3,4:cat@all", "says itself what it is over"),
    ],
)
def test_a_word_for_a_box_that_is_none(text, words):
    with pytest.raises(UnknownTarget) as caught:
        parsed(text, LABELS)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (None, None),
        ("values", "values"),
        ("boxes", "boxes"),
        ("boxes:xyxy,pixels", Boxes(order="xyxy", unit="pixels")),
        ("boxes: scores=a, boxes=1, first", Boxes("a", 1, background="first")),
        ("boxes:no-objectness", Boxes(objectness=False)),
        ("boxes:objectness", Boxes(objectness=True)),
    ],
)
def test_a_word_for_what_a_network_answers(text, meant):
    assert answering(text) == meant


def test_a_word_that_says_nothing_of_boxes():
    with pytest.raises(BadOption, match="Did you mean 'pixels'"):
        answering("boxes:xyxy,pixel")
    with pytest.raises(BadOption, match="Only boxes"):
        answering("labels:xyxy")
