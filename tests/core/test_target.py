"""Targets are a value and its derivative; choices look at the scores once."""

import re

import numpy as np
import pytest

from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.category import category, negative, top
from xai_heatmap.core.targets.classes import class_index, highest, ranking, softmax
from xai_heatmap.core.targets.contrast import contrast, margin, rest, similar
from xai_heatmap.core.targets.measured import function, likeness, residual_softmax
from xai_heatmap.core.targets.probability import probability

SCORES = np.array([0.5, 3.0, -1.0, 2.0], np.float32)
LABELS = ("tench, Tinca tinca", "goldfish, Carassius auratus", "hen", "cock")


@pytest.mark.parametrize(
    "choice",
    [
        category(1),
        category(-1),
        top(2),
        contrast(1, against=3),
        contrast(top(1), against=["hen", 0], weight=0.5),
        contrast(1, against=rest()),
        contrast(2, against=similar(2), weight=0.6),
        margin(),
        margin("hen"),
        negative(1),
        negative(probability(2)),
        probability(0),
        category("hen"),
        likeness(np.array([1, 0, 2, -1], np.float32)),
        residual_softmax(),
        residual_softmax("hen"),
        negative(residual_softmax(3)),
        function(lambda rows: np.tanh(rows[:, 1] - rows[:, 3])),
        function(lambda rows: rows[:, 0] ** 2, gradient=lambda rows: 2 * rows * [1, 0, 0, 0]),
    ],
)
@pytest.mark.parametrize("scores", [SCORES, SCORES * 3])
def test_cotangent_is_the_derivative_of_the_value(choice, scores):
    target = choice(scores, LABELS)
    rows = np.stack([scores, scores[::-1]])
    step = np.float32(1e-2)
    for c in range(len(scores)):
        moved = np.eye(len(scores), dtype=np.float32)[c] * step
        slope = (target.value(rows + moved) - target.value(rows - moved)) / (2 * step)
        np.testing.assert_allclose(target.cotangent(rows)[:, c], slope, atol=2e-3)


@pytest.mark.parametrize(
    "choice",
    [
        category(1),
        category(0),
        probability(1),
        probability(0),
        residual_softmax(1),
        residual_softmax(0),
    ],
)
def test_single_unit_has_a_derivative_for_both_classes(choice):
    scores = np.array([0.7], np.float32)
    target, step = choice(scores), np.float32(1e-2)
    slope = (target.value(scores[None] + step) - target.value(scores[None] - step)) / (2 * step)
    np.testing.assert_allclose(target.cotangent(scores[None])[0], slope, atol=1e-3)


def test_single_unit_speaks_for_and_against():
    scores = np.array([-2.0], np.float32)
    assert category(1)(scores).value(scores[None]) == -2
    assert category(0)(scores).value(scores[None]) == 2
    assert top(1)(scores).index == 0
    assert top(1)(-scores).index == 1
    assert [category(i)(scores).label for i in (0, 1)] == ["against", "for"]


def test_residual_softmax_is_the_score_and_its_log_probability():
    target = residual_softmax("cock")(SCORES, LABELS)
    wanted = 2.0 + np.log(softmax(SCORES[None])[0, 3])
    assert target.value(SCORES[None]) == pytest.approx(wanted)
    assert (target.label, target.index) == ("cock + log p", 3)
    assert residual_softmax()(SCORES).index == 1
    far = np.array([[0.0, 3000.0, 0.0, 0.0]], np.float32)  # where p itself would be 0
    assert target.value(far) == pytest.approx(-3000)
    np.testing.assert_allclose(target.cotangent(far), [[0, -1, 0, 2]])


def test_top_ranks_the_scores_of_the_image():
    assert [top(rank)(SCORES).index for rank in (1, 2, 3, 4)] == [1, 3, 0, 2]
    assert ranking(np.zeros(3, np.float32)) == [0, 1, 2]


def test_the_highest_classes_are_the_first_of_the_ranking():
    draw = np.random.default_rng(0)
    for units in (1, 2, 4, 5, 6, 40):
        for scores in (draw.normal(size=units), draw.integers(0, 3, units), np.zeros(units)):
            row = scores.astype(np.float32)
            assert highest(row, 5) == ranking(row)[:5]
    row = np.array([0, np.nan, 2, np.nan, 1, 3, 4], np.float32)
    assert highest(row, 5) == ranking(row)[:5]


def test_probability_is_bounded_and_a_class_is_not():
    assert probability(1)(SCORES).bounded
    assert not category(1)(SCORES).bounded
    assert probability(1)(SCORES).value(SCORES[None]) == pytest.approx(softmax(SCORES[None])[0, 1])


def test_names_match_whole_or_as_a_synonym_whatever_their_case():
    for name in ("goldfish, Carassius auratus", "Goldfish", "carassius auratus"):
        assert class_index(name, count=4, labels=LABELS) == 1
    assert category("goldfish")(SCORES, LABELS).label == LABELS[1]


@pytest.mark.parametrize(
    ("which", "labels", "said"),
    [
        (4, (), "0 to 3"),
        (-5, (), "0 to 3"),
        ("goldfsh", LABELS, "Did you mean 'goldfish'"),
        ("goldfish", (), "--labels"),
        ("twin", ("twin", "twin", "a", "b"), "[0, 1]"),
        (1.5, LABELS, "float"),
        (True, LABELS, "bool"),
    ],
)
def test_unknown_class_is_an_instruction(which, labels, said, unchecked):
    with pytest.raises(UnknownTarget) as refused:
        class_index(which, count=4, labels=labels)
    assert said in str(refused.value)


def test_contrast_needs_two_classes_and_top_a_rank():
    with pytest.raises(UnknownTarget, match="two different"):
        contrast(1, against="goldfish")(SCORES, LABELS)
    with pytest.raises(UnknownTarget, match="rank"):
        top(5)(SCORES)


def weights(choice, scores=SCORES):
    return choice(scores, LABELS).cotangent(scores[None])[0].tolist()


def test_a_contrast_is_held_against_the_mean_of_the_others():
    third = np.float32(1 / 3).item()
    assert weights(contrast(0, against=2)) == [1, 0, -1, 0]
    assert weights(contrast(0, against=["hen", "cock"])) == [1, 0, -0.5, -0.5]
    assert weights(contrast(0, against=rest())) == pytest.approx([1, -third, -third, -third])
    assert weights(contrast(0, against=similar(2))) == [1, 0, -0.5, -0.5]
    assert weights(contrast(1, against=similar(1))) == [0, 1, 0, -1]
    assert weights(contrast(1, against=3, weight=0.5)) == [0, 1, 0, -0.5]
    assert weights(contrast(top(2), against=0)) == [-1, 0, 0, 1]


def test_the_margin_is_to_the_best_of_the_others():
    assert weights(margin()) == [0, 1, 0, -1]
    assert weights(margin("hen")) == [0, -1, 1, 0]
    assert margin()(SCORES, LABELS).label == "goldfish, Carassius auratus - cock"


def test_negative_turns_the_sign_and_keeps_the_class():
    target = negative("hen")(SCORES, LABELS)
    assert weights(negative("hen")) == [0, 0, -1, 0]
    assert (target.label, target.index) == ("not hen", 2)
    assert negative(probability(2))(SCORES).bounded


def test_targets_of_a_single_unit_speak_for_and_against():
    scores = np.array([0.7], np.float32)
    assert contrast(1, against=rest())(scores).cotangent(scores[None])[0, 0] == 2
    assert margin()(scores).value(scores[None]) == pytest.approx(1.4)
    assert contrast(0, against=similar(1))(scores).cotangent(scores[None])[0, 0] == -2


def test_likeness_is_1_to_itself_and_its_derivative_0():
    target = likeness(SCORES)(SCORES)
    assert target.value(SCORES[None]) == pytest.approx(1)
    np.testing.assert_allclose(target.cotangent(SCORES[None]), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (contrast(1, against=-3), "two different classes"),
        (contrast(1, against=[2, "goldfish"]), "two different classes"),
        (contrast(contrast(0, against=1), against=2), "about several"),
        (contrast(1, against=[]), "at least one other"),
        (contrast(1, against=similar(4)), "from 1 to 3"),
        (contrast(1, against=similar(0)), "from 1 to 3"),
        (likeness(np.ones(3, np.float32)), "4 numbers"),
    ],
)
def test_targets_that_make_no_sense(choice, said):
    with pytest.raises(UnknownTarget, match=re.escape(said)):
        choice(SCORES, LABELS)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (function(lambda rows: rows), "shape (1,)"),
        (function(lambda rows: np.full(len(rows), np.nan)), "NaN"),
        (function(lambda rows: rows[:, 0], gradient=lambda rows: rows[:, 0]), "gradient"),
    ],
)
def test_functions_that_answer_something_else(choice, said):
    target = choice(SCORES)
    asked = target.cotangent if said == "gradient" else target.value
    with pytest.raises(UnknownTarget, match=re.escape(said)):
        asked(SCORES[None])


def test_a_contrast_of_a_class_with_itself_is_refused_at_once():
    with pytest.raises(UnknownTarget, match="both sides"):
        contrast("hen", against="hen")
