"""A region is a weighted mean over places of what a target is at each of them."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer, Form, Seen
from xai_heatmap.core.targets.region import boxed, masked
from xai_heatmap.core.targets.target import Choice

GRID = (2, 3)
SCORES = np.random.default_rng(0).normal(size=(4, *GRID)).astype(np.float32) * 2
ROW = SCORES.ravel()
SEEN = Seen((8, 9), ((0.0, 8.0), (0.0, 9.0)))
ANSWER = Answer(ROW, ("sky", "sea", "sand", "sun"), Form(GRID), seen=SEEN)


def by_loops(scores, weights, number):
    """Σ_p w_p y_p / Σ_p w_p, one place at a time."""
    total = above = 0.0
    for i in range(GRID[0]):
        for j in range(GRID[1]):
            total += float(weights[i, j])
            above += float(weights[i, j]) * number([float(s) for s in scores[:, i, j]])
    return above / total


def winner(index):
    return (SCORES.argmax(axis=0) == index).astype(float)


def softmax_of(index):
    def number(scores):
        powers = [np.exp(s) for s in scores]
        return powers[index] / sum(powers)

    return number


MASK = np.array([[0, 1, 1], [0, 0, 0.5]])

CASES = [
    (xh.category("sea"), winner(1), lambda s: s[1]),
    (xh.region(1, "all"), np.ones(GRID), lambda s: s[1]),
    (xh.region("sea", MASK), MASK, lambda s: s[1]),
    (xh.region(1, (3, 0, 9, 4)), np.array([[0, 1, 1], [0, 0, 0]]), lambda s: s[1]),
    (xh.region(1, (0, 2, 4.5, 8)), np.array([[1, 0.5, 0], [2, 1, 0]]), lambda s: s[1]),
    (xh.contrast(1, against=2), winner(1), lambda s: s[1] - s[2]),
    (xh.contrast(1, against=xh.rest()), winner(1), lambda s: s[1] - (s[0] + s[2] + s[3]) / 3),
    (xh.negative(1), winner(1), lambda s: -s[1]),
    (xh.probability(1), winner(1), softmax_of(1)),
    (xh.negative(xh.region(1, MASK)), MASK, lambda s: -s[1]),
    (xh.region(xh.contrast(1, against=0), MASK), MASK, lambda s: s[1] - s[0]),
    (xh.function(lambda rows: rows[:, 0] * rows[:, 1]), np.ones(GRID), lambda s: s[0] * s[1]),
]


@pytest.mark.parametrize(("choice", "weights", "number"), CASES, ids=[c.label for c, *_ in CASES])
def test_value_is_the_mean_over_the_region(choice: Choice, weights, number):
    target = choice(ANSWER)
    rows = np.stack([ROW, 0.3 * ROW[::-1]])
    wanted = [by_loops(row.reshape(4, *GRID), weights, number) for row in rows]
    np.testing.assert_allclose(target.value(rows), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("choice", "weights", "number"), CASES, ids=[c.label for c, *_ in CASES])
def test_cotangent_is_the_derivative_of_the_value(choice: Choice, weights, number):
    target = choice(ANSWER)
    rows = np.stack([ROW, 0.3 * ROW[::-1]])
    step = np.float32(1e-2)
    found = target.cotangent(rows)
    for place, move in enumerate(step * np.eye(len(ROW), dtype=np.float32)):
        slope = (target.value(rows + move) - target.value(rows - move)) / (2 * step)
        np.testing.assert_allclose(found[:, place], slope, atol=2e-3)


def test_the_prediction_is_the_class_of_most_places_and_not_of_the_highest_score():
    scores = np.zeros((3, 2, 3), np.float32)
    scores[2, 0, 0] = 100
    scores[1, 0, 1:] = 1
    scores[1, 1, :2] = 1
    scores[0, 1, 2] = 0.5
    answer = Answer(scores.ravel(), (), Form((2, 3)))
    assert [xh.top(rank)(answer).index for rank in (1, 2, 3)] == [1, 2, 0]
    assert xh.top(2)(answer).value(scores.reshape(1, -1))[0] == 100
    assert xh.contrast(xh.top(2), against=0)(answer).first == 2
    assert xh.margin()(answer).label.startswith("class 1 - ")


def test_the_others_of_a_margin_are_chosen_by_their_scores_in_the_region():
    scores = np.zeros((3, 1, 3), np.float32)
    scores[0] = [[5, 5, 0]]
    scores[1] = [[4, 4, 0]]
    scores[2] = [[0, 0, 99]]
    answer = Answer(scores.ravel(), (), Form((1, 3)))
    assert xh.margin(0)(answer).label == "class 0 - class 1"


def test_a_class_that_wins_nowhere_is_explained_everywhere_and_says_so():
    scores = np.stack([np.zeros((2, 2)), np.ones((2, 2))]).astype(np.float32)
    target = xh.category(0)(Answer(scores.ravel(), (), Form((2, 2))))
    assert target.label == "class 0 everywhere (it wins nowhere)"
    assert (target.cotangent(scores.reshape(1, -1))[0, :4] == 0.25).all()


def test_one_unit_a_place_is_for_where_it_is_positive_and_against_where_it_is_not():
    scores = np.array([[[2, 4], [-1, -3]]], np.float32)
    answer = Answer(scores.ravel(), ("no", "yes"), Form((2, 2)))
    rows = scores.reshape(1, -1)
    assert xh.category("yes")(answer).value(rows)[0] == 3
    assert xh.category("no")(answer).value(rows)[0] == 2
    assert answer.ranking() == [1, 0]
    mean = 1 / (1 + np.exp([-2.0, -4.0]))
    assert xh.probability(1)(answer).value(rows)[0] == pytest.approx(mean.mean())


def test_a_mask_of_the_picture_counts_by_how_much_of_each_place_it_covers():
    mask = np.random.default_rng(1).random((8, 9)) < 0.5
    seen = Seen((8, 9), ((-2.0, 6.0), (1.5, 7.5)))
    found = masked(mask.astype(np.float32), (2, 3), seen)
    fine = np.repeat(np.repeat(mask, 4, 0), 4, 1)
    for i in range(2):
        for j in range(3):
            total = 0.0
            for y in range(16):
                for x in range(8):
                    row, column = 4 * (-2 + 4 * i) + y, 6 + 8 * j + x
                    total += float(fine[row, column]) if row >= 0 else 0.0
            assert found[i, j] == pytest.approx(total / (16 * 8), abs=1e-5)


def test_a_box_counts_as_the_mask_of_the_same_pixels():
    mask = np.zeros((8, 9), np.float32)
    mask[1:6, 2:9] = 1
    np.testing.assert_allclose(boxed((2, 1, 9, 6), GRID, SEEN), masked(mask, GRID, SEEN), atol=1e-5)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("left", "'all', a box"),
        (np.ones((3, 3)), r"mask of 2x3 .* or one of 8x9 .* received an array of shape \(3, 3\)"),
        (np.zeros(GRID), "covers no place"),
        ((20, 20, 30, 30), "It saw 0 to 8 x 0 to 9"),
        ((5, 5, 5, 7), "covers no place"),
        ((1, 2, 3), r"shape \(3,\)"),
    ],
)
def test_a_region_that_can_not_be_meant_is_refused(where, words):
    with pytest.raises(UnknownTarget, match=words):
        xh.region(1, where)(ANSWER)


def test_a_region_needs_places():
    with pytest.raises(UnknownTarget, match="one score a class"):
        xh.region(1)(np.zeros(3, np.float32))


def test_a_region_is_said_once():
    with pytest.raises(UnknownTarget, match="says itself"):
        xh.region(xh.region(1), "all")
    with pytest.raises(UnknownTarget, match="Put the contrast inside"):
        xh.contrast(xh.region(1), against=2)


def test_a_class_outside_of_a_map_is_refused():
    with pytest.raises(UnknownTarget, match="0 to 3"):
        xh.region(4)(ANSWER)
