"""Targets are a value and its derivative; choices look at the scores once."""

import numpy as np
import pytest

from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.target import (
    category,
    class_index,
    contrast,
    probability,
    ranking,
    softmax,
    top,
)

SCORES = np.array([0.5, 3.0, -1.0, 2.0], np.float32)
LABELS = ("tench, Tinca tinca", "goldfish, Carassius auratus", "hen", "cock")


@pytest.mark.parametrize(
    "choice",
    [category(1), category(-1), top(2), contrast(1, against=3), probability(0), category("hen")],
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


@pytest.mark.parametrize("choice", [category(1), category(0), probability(1), probability(0)])
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


def test_top_ranks_the_scores_of_the_image():
    assert [top(rank)(SCORES).index for rank in (1, 2, 3, 4)] == [1, 3, 0, 2]
    assert ranking(np.zeros(3, np.float32)) == [0, 1, 2]


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
