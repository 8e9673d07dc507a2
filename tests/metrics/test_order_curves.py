"""Insertion and deletion against their definition, walked in every order in which ties may fall."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import xai_heatmap.metrics  # noqa: F401 - registers them
from xai_heatmap.core.metric import METRICS, MetricEvidence

deletion, insertion, both = (METRICS[n] for n in ("deletion", "insertion", "insertion_deletion"))

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.normal(size=(2, 2, 3)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=IMAGE.shape)


def bent(pictures):
    """A network that is not linear: what a place is worth hangs on the others."""
    values = [float(np.tanh((WEIGHTS * one).sum()) + one.max()) for one in pictures]
    return np.array(values, np.float32)


def straight(pictures):
    return np.array([float((WEIGHTS * one).sum()) + 1 for one in pictures], np.float32)


def known(relevance, model=bent, image=IMAGE):
    return MetricEvidence(
        relevance=np.asarray(relevance, np.float32),
        image=image,
        score=float(model([image])[0]),
        model=model,
    )


def area_by_orders(relevance, model, steps, *, inserting, image=IMAGE):
    """Every order of the places that the map allows, one place after the other, no shortcuts."""
    flat = np.asarray(relevance, np.float64).ravel()
    empty = np.empty_like(image)
    for channel in range(len(image)):
        empty[channel] = image[channel].mean()
    counts = sorted({int(np.round(flat.size * j / steps)) for j in range(steps + 1)})
    areas = []
    for order in permutations(range(flat.size)):
        if any(flat[a] < flat[b] for a, b in pairwise(order)):
            continue
        heights = []
        for count in counts:
            picture = (empty if inserting else image).copy()
            for place in order[:count]:
                row, column = divmod(place, image.shape[2])
                source = image if inserting else empty
                picture[:, row, column] = source[:, row, column]
            heights.append(float(model([picture])[0]))
        area = 0.0
        for (c0, h0), (c1, h1) in pairwise(zip(counts, heights, strict=True)):
            area += (c1 - c0) / flat.size * (h0 + h1) / 2
        areas.append(area)
    return float(np.mean(areas))


@given(
    values=st.lists(st.integers(-1, 2), min_size=6, max_size=6), steps=st.sampled_from([2, 4, 6])
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_equals_its_definition_in_every_order(values, steps):
    relevance = np.reshape(values, (2, 3))
    own = {"steps": steps, "ties": 20, "fill": "mean"}
    out = area_by_orders(relevance, bent, steps, inserting=False)
    back = area_by_orders(relevance, bent, steps, inserting=True)
    assert deletion(known(relevance), own) == pytest.approx(out, abs=1e-5)
    assert insertion(known(relevance), own) == pytest.approx(back, abs=1e-5)
    difference = both(known(relevance), own | {"onto": "mean"})
    assert difference == pytest.approx(back - out, abs=1e-5)


def test_of_a_linear_network_both_add_up_to_both_ends():
    relevance = RANDOM.normal(size=(2, 3))
    for fill in ("mean", "blur"):
        own = {"fill": fill, "steps": 3}
        ends = known(relevance, straight)
        everything = deletion(known(np.ones((2, 3)), straight), own | {"steps": 1})  # both ends
        found = deletion(ends, own) + insertion(ends, own)
        assert found == pytest.approx(2 * everything, abs=1e-5)


def test_no_order_beats_that_of_a_linear_network_itself():
    empty = IMAGE.mean(axis=(1, 2), keepdims=True)
    worth = (WEIGHTS * (IMAGE - empty)).sum(axis=0)
    own = {"steps": 6, "fill": "mean"}
    best = insertion(known(worth, straight), own)
    least = deletion(known(worth, straight), own)
    for seed in range(20):
        other = np.random.default_rng(seed).normal(size=(2, 3))
        assert insertion(known(other, straight), own) <= best + 1e-6
        assert deletion(known(other, straight), own) >= least - 1e-6


def test_only_the_order_counts_and_evidence_against_comes_last():
    relevance = RANDOM.normal(size=(2, 3)).astype(np.float32)
    for one in (deletion, insertion, both):
        assert one(known(relevance)) == one(known(np.exp(3 * relevance)))
    turned = deletion(known(-relevance), {"steps": 6})
    assert turned != pytest.approx(deletion(known(relevance), {"steps": 6}), abs=1e-3)


def test_a_constant_gets_the_mean_of_all_maps():
    image = IMAGE[:, :, :2]

    def model(pictures):
        return np.array(
            [float(np.tanh((WEIGHTS[:, :, :2] * x).sum())) for x in pictures], np.float32
        )

    chance = [
        deletion(known(np.reshape(order, (2, 2)), model, image), {"steps": 4})
        for order in permutations(range(4))
    ]
    flat = deletion(known(np.full((2, 2), 0.7), model, image), {"steps": 4, "ties": 99})
    assert flat == pytest.approx(np.mean(chance), abs=1e-5)


def counting(seen):
    def model(pictures):
        held = [one.copy() for one in pictures]
        seen.extend(held)
        return bent(held)

    return model


@pytest.mark.parametrize(
    ("metric", "options", "passes"),
    [
        (deletion, {"steps": 6}, 6),
        (insertion, {"steps": 3}, 3),
        (both, {"steps": 6}, 12),
        (deletion, {"steps": 99}, 6),  # there are six places
        (deletion, {"steps": 3, "block": 2}, 2),  # and two squares
    ],
)
def test_passes_are_as_said_and_the_whole_picture_is_not_among_them(metric, options, passes):
    seen = []
    metric(counted(seen), options)
    assert len(seen) == passes
    assert not any(np.array_equal(one, IMAGE) for one in seen)


def counted(seen):
    relevance = np.arange(6, dtype=np.float32).reshape(2, 3)
    return MetricEvidence(
        relevance=relevance, image=IMAGE, score=float(bent([IMAGE])[0]), model=counting(seen)
    )


def test_ties_are_drawn_where_there_are_more_choices_than_asked_for():
    seen = []
    known_ = MetricEvidence(
        relevance=np.zeros((2, 3), np.float32), image=IMAGE, score=0.0, model=counting(seen)
    )
    deletion(known_, {"steps": 6, "ties": 3})
    assert len(seen) == 5 * 3 + 1
    first = [one.copy() for one in seen]
    seen.clear()
    deletion(known_, {"steps": 6, "ties": 3})
    assert all(map(np.array_equal, first, seen))
    seen.clear()
    deletion(known_, {"steps": 6, "ties": 3, "seed": 1})
    assert not all(map(np.array_equal, first, seen))


def counting_of(seen):
    def model(pictures):
        seen.extend(one.copy() for one in pictures)
        return np.zeros(len(seen), np.float32)

    return model


def test_a_block_goes_as_one():
    seen = []
    image = np.arange(25, dtype=np.float32).reshape(1, 5, 5)
    relevance = np.zeros((5, 5), np.float32)
    relevance[4, 4] = 1  # alone in its square at the corner, so the mean there is the highest
    relevance[0, 0] = 3
    known_ = MetricEvidence(relevance=relevance, image=image, score=0.0, model=counting_of(seen))
    deletion(known_, {"steps": 9, "block": 2, "fill": "mean"})
    gone = [{tuple(place) for place in np.argwhere(one[0] != image[0])} for one in seen]
    assert gone[0] == {(4, 4)}
    assert gone[1] == {(4, 4), (0, 0), (0, 1), (1, 0), (1, 1)}


def test_what_stands_in_places_that_are_away():
    relevance = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = {
        fill: deletion(known(relevance), {"fill": fill}) for fill in ("mean", "blur", "linear")
    }
    assert len(set(found.values())) == 3
    onto = {fill: both(known(relevance), {"onto": fill}) for fill in ("mean", "blur", "linear")}
    assert len(set(onto.values())) == 3


@pytest.mark.parametrize("shape", [(1, 12), (2, 3, 4, 2)])
def test_signals_and_volumes_go_the_same_way(shape):
    image = np.random.default_rng(1).normal(size=shape).astype(np.float32)

    def model(pictures):
        return np.array([float(one.sum()) for one in pictures], np.float32)

    relevance = image.sum(axis=0)
    for fill in ("mean", "blur", "linear"):
        known_ = MetricEvidence(
            relevance=relevance, image=image, score=float(image.sum()), model=model
        )
        against = MetricEvidence(
            relevance=-relevance, image=image, score=float(image.sum()), model=model
        )
        assert both(known_, {"fill": fill}) > both(against, {"fill": fill})
