"""Every measure against its oracle: the definition, tried in every order in which ties may fall."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xai_heatmap import metrics


def orders(heat):
    """Every way to sort six places from the strongest to the weakest."""
    flat = np.maximum(heat, 0).ravel()
    return [
        order
        for order in permutations(range(flat.size))
        if all(flat[a] >= flat[b] for a, b in pairwise(order))
    ]


def over_orders(heat, one):
    return float(np.mean([one(order) for order in orders(heat)]))


def pointing_by_orders(heat, mask):
    return over_orders(heat, lambda o: mask.ravel()[o[0]]) if heat.max() > 0 else 0.0


def rank_by_orders(heat, mask):
    wanted = int(mask.sum())
    if not wanted:
        return 0.0
    return over_orders(heat, lambda o: sum(mask.ravel()[i] for i in o[:wanted]) / wanted)


def overlap_by_orders(heat, mask, share):
    if heat.max() <= 0:
        return 0.0
    top = int(np.ceil(share * heat.size))
    return over_orders(heat, lambda o: any(mask.ravel()[i] for i in o[:top]))


def energy_by_loops(heat, mask):
    inside = total = 0.0
    for value, on_mask in zip(heat.ravel(), mask.ravel(), strict=True):
        if value > 0:
            total += float(value)
            inside += float(value) if on_mask else 0.0
    return inside / total if total else 0.0


def iou_by_loops(heat, mask):
    best = 0.0
    for threshold in set(heat.ravel().tolist()):
        if threshold > 0:
            above = heat >= threshold
            best = max(best, (above & mask).sum() / (above | mask).sum())
    return best


places = st.lists(st.integers(-1, 3), min_size=6, max_size=6)
masks = st.lists(st.booleans(), min_size=6, max_size=6)


@pytest.mark.slow
@given(places=places, on=masks, share=st.sampled_from([0.1, 0.34, 0.5, 0.9]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_equals_its_definition_in_every_order(places, on, share):
    heat = np.array(places, np.float32).reshape(2, 3)
    mask = np.array(on).reshape(2, 3)
    assert metrics.pointing(heat, mask) == pytest.approx(pointing_by_orders(heat, mask))
    assert metrics.rank_accuracy(heat, mask) == pytest.approx(rank_by_orders(heat, mask))
    assert metrics.energy(heat, mask) == pytest.approx(energy_by_loops(heat, mask))
    assert metrics.best_iou(heat, mask) == pytest.approx(iou_by_loops(heat, mask))
    assert metrics.overlap(heat, mask, share=share) == pytest.approx(
        overlap_by_orders(heat, mask, share)
    )


@pytest.mark.parametrize("name", metrics.METRICS)
def test_the_mask_itself_is_best_and_nothing_is_worst(name):
    mask = np.zeros((20, 30), bool)
    mask[3:9, 11:20] = True
    assert metrics.METRICS[name](mask.astype(np.float32), mask) == 1
    inverted = (~mask).astype(np.float32)
    assert metrics.METRICS[name](inverted, mask) <= (0.1 if name == "best IoU" else 0)
    if name != "rank accuracy":
        assert metrics.METRICS[name](np.zeros(mask.shape, np.float32), mask) == 0


@pytest.mark.parametrize("name", metrics.METRICS)
def test_a_constant_gets_what_chance_gets(name):
    mask = np.zeros((20, 30), bool)
    mask[3:9, 11:20] = True
    found = metrics.METRICS[name](np.full(mask.shape, 0.7, np.float32), mask)
    assert found == pytest.approx(mask.mean())


def test_overlap_of_a_constant_is_that_of_places_thrown_at_random():
    mask = np.zeros((20, 30), bool)
    mask[2:5, 2:5] = True
    random = np.random.default_rng(0)
    thrown = [mask.ravel()[random.permutation(600)[:30]].any() for _ in range(4000)]
    found = metrics.overlap(np.ones(mask.shape, np.float32), mask)
    assert found == pytest.approx(np.mean(thrown), abs=0.03)


def test_the_share_of_overlap_counts():
    heat = np.arange(100, dtype=np.float32).reshape(10, 10)
    mask = np.zeros((10, 10), bool)
    mask[9, 3] = True
    assert metrics.overlap(heat, mask, share=0.05) == 0
    assert metrics.overlap(heat, mask, share=0.07) == 1
