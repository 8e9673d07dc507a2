"""Checks of one picture in an audit: each formula against a slow second one, and planted faults."""

from itertools import product
from math import comb

import numpy as np
import pytest

from xai_heatmap.explaining.auditing.cells import cells, dead
from xai_heatmap.explaining.auditing.figures import (
    correlation,
    error_of_mean,
    mean,
    median,
    sign_test,
    wilson,
)
from xai_heatmap.explaining.auditing.preparations import least_logit, moved, told_apart
from xai_heatmap.explaining.auditing.registration import (
    disturbances,
    registered,
    responses,
)
from xai_heatmap.explaining.auditing.weights import Parts, Shuffling, redraws

DICE = np.random.default_rng(3)


@pytest.mark.parametrize(("k", "n"), [(0, 5), (3, 7), (50, 55), (9, 9)])
def test_the_interval_is_where_the_score_test_turns(k, n):
    """Ends p of the interval solve |k/n - p| = z √(p (1 - p) / n), found on a fine grid."""
    p = np.linspace(0, 1, 200_001)
    inside = np.abs(k / n - p) <= 1.959964 * np.sqrt(p * (1 - p) / n) + 1e-12
    low, high = wilson(k, n)
    assert low == pytest.approx(p[inside].min(), abs=2e-5)
    assert high == pytest.approx(p[inside].max(), abs=2e-5)


def test_no_picture_leaves_everything_open():
    assert wilson(0, 0) == (0.0, 1.0)
    assert sign_test(0, 0) == 1.0
    assert mean([None, float("nan")]) is None
    assert median([]) is None


def test_the_sign_test_counts_every_throw_of_coins():
    for better, worse in product(range(5), range(5)):
        n = better + worse
        if n == 0:
            continue
        throws = [sum(bits) for bits in product((0, 1), repeat=n)]
        as_far = sum(abs(heads - n / 2) >= abs(better - n / 2) for heads in throws)
        assert sign_test(better, worse) == pytest.approx(as_far / 2**n)
    assert sign_test(20, 0) == pytest.approx(2 / 2**20)
    assert comb(4, 2) / 16 < sign_test(2, 2) == 1.0


def test_correlation_is_that_of_the_definition():
    a, b = DICE.normal(size=64), DICE.normal(size=64)
    away = [(x - a.mean(), y - b.mean()) for x, y in zip(a, b, strict=True)]
    size = sum(x * x for x, _ in away) * sum(y * y for _, y in away)
    assert correlation(a, b) == pytest.approx(sum(x * y for x, y in away) / size**0.5)
    assert correlation(a, np.ones(64)) is None
    assert error_of_mean([1.0, 3.0]) == pytest.approx(1.0)


def test_a_channel_is_dead_where_it_never_moves_in_any_picture():
    first, second = DICE.normal(size=(2, 4, 3, 3))
    for picture in (first, second):
        picture[1] = 0.5  # the same everywhere
    first[2] = 0.0  # in one picture alone
    first[3], second[3] = 0.0, 1.0  # flat in both, and another value
    each = [cells(own.astype(np.float32)) for own in (first, second)]
    assert set(each[0].still) == {1, 2, 3}
    assert dead([one.still for one in each], each[0].largest) == {1}
    assert dead([], 1.0) == set()


def test_values_at_the_end_count_where_a_function_is_flat():
    rest = np.zeros((1, 10), np.float32)
    rest[0, :4] = [1, 2, 3, 4]
    assert cells(rest).ended == pytest.approx(0.1)  # zeros of a rectifier rest, and do not count
    assert cells(rest, "Sigmoid").ended == pytest.approx(0.7)
    assert cells(rest - 1).ended == pytest.approx(0.7)  # a lower end below 0, as of tanh
    full = np.clip(DICE.normal(6, 2, size=(2, 500)), 0, 6).astype(np.float32)
    assert cells(full).ended == pytest.approx((full >= 5.994).mean())
    assert cells(np.ones((2, 3), np.float32)).ended is None


def test_cells_that_look_elsewhere_are_seen_with_their_direction():
    """A layer of 8x8 cells over 64x64 places whose cell (i, j) looks 6 down and 3 left of where it
    is drawn.
    """
    x = DICE.normal(size=(3, 64, 64)).astype(np.float32)
    pictures, middles = disturbances(x)
    assert len(pictures) == 16
    assert np.abs(middles.mean(axis=0) - 32).max() < 1

    def layer(batch):
        seen = np.roll(batch, (-6, 3), axis=(2, 3))
        return seen.reshape(len(batch), 3, 8, 8, 8, 8).mean(axis=(3, 5))

    found = registered(responses(layer(x[None])[0], layer(pictures)), middles, (64, 64))
    assert found.offset == pytest.approx((6, -3), abs=1.5)
    assert min(found.follows) > 0.85
    straight = x[None].reshape(1, 3, 8, 8, 8, 8).mean(axis=(3, 5))
    after = pictures.reshape(-1, 3, 8, 8, 8, 8).mean(axis=(3, 5))
    own = registered(responses(straight[0], after), middles, (64, 64))
    assert own.offset == pytest.approx((0, 0), abs=1.0)


def test_registration_is_the_centroid_of_the_cells_that_answer_most():
    found = DICE.random((5, 4, 6))
    middles = DICE.random((5, 2)) * 40
    shown = []
    for own in found:
        total = np.zeros(3)
        for (i, j), value in np.ndenumerate(own):
            if value >= own.max() / 2:
                total += value * np.array([1, (i + 0.5) * 40 / 4, (j + 0.5) * 40 / 6])
        shown.append(total[1:] / total[0])
    expected = (middles - np.array(shown)).mean(axis=0)
    one = registered(found, middles, (40, 40))
    assert one.offset == pytest.approx(expected)
    slopes = [np.polyfit(middles[:, axis], np.array(shown)[:, axis], 1)[0] for axis in (0, 1)]
    assert one.follows == pytest.approx(slopes)
    assert registered(np.zeros((5, 4, 6)), middles, (40, 40)) is None


def test_answers_are_told_apart_by_what_they_share_with_their_own_picture():
    answers, again = DICE.normal(size=(2, 6, 12))
    answers, again = (
        (own - own.mean(1, keepdims=True)) / own.std(1, keepdims=True) for own in (answers, again)
    )
    expected = []
    for i in range(6):
        r = [np.corrcoef(answers[i], again[j])[0, 1] for j in range(6)]
        expected.append(r[i] - np.mean([r[j] for j in range(6) if j != i]))
    assert told_apart(answers, again) == pytest.approx(expected)
    assert told_apart(answers[:1].repeat(6, 0), answers[:1].repeat(6, 0)) == pytest.approx(
        [0] * 6, abs=1e-9
    )


def test_a_softmax_of_a_softmax_is_known_by_its_logits():
    z = DICE.normal(size=(20, 10)).astype(np.float32) * 3
    soft = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    twice = np.exp(soft) / np.exp(soft).sum(1, keepdims=True)
    assert min(least_logit(row, "logits") for row in soft) > -1e-4
    assert min(least_logit(row, "probabilities") for row in twice.astype(np.float32)) > -1e-4
    assert max(least_logit(row, "logits") for row in z) < -0.1
    assert max(least_logit(row, "probabilities") for row in soft) < -0.1


def test_the_picture_is_moved_by_a_patch_along_every_axis():
    x = DICE.normal(size=(3, 32, 48)).astype(np.float32)
    found = moved(x)
    np.testing.assert_array_equal(found[:, 4:, 6:], x[:, :-4, :-6])
    np.testing.assert_array_equal(found[:, :4, 6:], x[:, :1, :-6].repeat(4, 1))


PARTS = Parts(
    ("input", "conv1", "conv1.act", "conv2#1", "conv2#2", "head.fc"), ("conv1", "conv2#2")
)


def test_weights_belong_to_the_part_before_the_next_layer_of_maps():
    assert [PARTS.of(name) for name in ("", "conv1", "conv1.act", "conv2", "head.fc")] == [
        0, 0, 1, 1, 2,
    ]  # fmt: skip
    assert PARTS.of("head.fc.inner") == 2
    assert PARTS.of("unknown") == 0


def test_weights_are_shuffled_in_the_chosen_parts_alone_and_always_alike():
    weight = DICE.normal(size=(4, 5)).astype(np.float32)
    draw = Shuffling(PARTS, frozenset({1}))
    same, other = draw("conv1", "w", weight), draw("conv2", "w", weight)
    np.testing.assert_array_equal(same, weight)
    assert not np.array_equal(other, weight)
    assert sorted(other.ravel()) == sorted(weight.ravel())
    assert draw.drawn == 1
    np.testing.assert_array_equal(other, Shuffling(PARTS, frozenset({1, 2}))("conv2", "w", weight))
    assert not np.array_equal(other, Shuffling(PARTS, frozenset({1}), 1)("conv2", "w", weight))


def test_networks_are_drawn_from_the_answer_backwards_then_part_by_part():
    found = redraws(["a", "b"])
    assert [(one.kind, sorted(one.parts)) for one in found] == [
        ("cascade", [2]), ("cascade", [1, 2]), ("cascade", [0, 1, 2]), ("alone", [0]),
        ("alone", [1]),
    ]  # fmt: skip
    assert [one.said for one in found][::2] == [
        "everything behind b", "every weight", "everything from a to b, alone"
    ]  # fmt: skip
    assert len({one.name for one in found}) == 5
