"""ROAD, sensitivity-n, infidelity, SaCo and completeness against slow definitions."""

from itertools import combinations

import numpy as np
import pytest

import xai_heatmap.metrics  # noqa: F401 - registers them
from xai_heatmap.core.metric import METRICS, MetricEvidence
from xai_heatmap.metrics.parts.blocks import blocks_of, over_places
from xai_heatmap.metrics.parts.halving import halves
from xai_heatmap.metrics.parts.imputation import imputation
from xai_heatmap.metrics.parts.windows import taken_away, windows

RANDOM = np.random.default_rng(11)
IMAGE = RANDOM.normal(size=(2, 8, 8)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=IMAGE.shape)
MEANS = IMAGE.mean(axis=(1, 2), keepdims=True)
WORTH = (WEIGHTS * (IMAGE - MEANS)).sum(axis=0).astype(np.float32)
"""What each place brings to a network that is linear, over the mean of each channel."""


def straight(pictures):
    return np.array([float((WEIGHTS * one).sum()) for one in pictures], np.float32)


def bent(pictures):
    return np.array([float(np.tanh((WEIGHTS * one).sum() / 9) + one.max()) for one in pictures])


def known(relevance, model=straight):
    seen = []

    def counting(pictures):
        found = list(pictures)
        seen.extend(found)
        return np.array(model(found), np.float32)

    def without(taken, fill):
        gone = imputation(IMAGE, fill)
        blocks = blocks_of(IMAGE.shape[1:])
        return counting(gone(over_places(own, blocks)) for own in taken)

    score = float(model([IMAGE])[0])
    evidence = MetricEvidence(
        relevance=np.asarray(relevance, np.float32),
        attributions=np.asarray(relevance, np.float32),
        image=IMAGE,
        score=score,
        model=counting,
        probability=score,
        confidence=counting,
        without=without,
    )
    return evidence, seen


def one(name, relevance, model=straight, **options):
    return METRICS[name](known(relevance, model)[0], options)


def test_windows_are_all_of_two_sizes_and_tiles_cover_once():
    found = windows((8, 8))
    assert len(found) == 49 + 9
    assert {int(own.sum()) for own in found} == {4, 16}
    blocks = blocks_of((8, 8))
    tiles = taken_away(blocks, "tiles", 0, 0)
    assert len(tiles) == 16
    assert (tiles.sum(axis=0) == 1).all()


@pytest.mark.parametrize(("form", "share"), [("scattered", 32), ("eighths", 8), ("halves", 32)])
def test_drawn_masks_take_equal_parts(form, share):
    blocks = blocks_of((8, 8))
    found = taken_away(blocks, form, 16, 3)
    assert len(found) == 16
    assert (found.reshape(16, -1).sum(axis=1) == share).all()
    assert (found[0::2] == ~found[1::2]).all() == (share == 32)
    assert (taken_away(blocks, form, 16, 4) != found).any()


def by_loops(relevance, model, masks):
    """Sums of the map over each mask and falls of the number, place by place."""
    whole, sums, falls = float(model([IMAGE])[0]), [], []
    for mask in masks:
        picture, total = IMAGE.copy(), 0.0
        for row in range(8):
            for column in range(8):
                if mask[row, column]:
                    total += float(relevance[row, column])
                    picture[:, row, column] = MEANS[:, 0, 0]
        sums.append(total)
        falls.append(whole - float(model([picture])[0]))
    return np.array(sums), np.array(falls)


def test_halves_are_whole_draws_of_the_test_of_maps():
    blocks = blocks_of((8, 8))
    for masks, made in ((64, 60), (60, 60), (20, 20)):
        found = taken_away(blocks, "halves", masks, 0)
        assert len(found) == made
        assert (found[0::2] == halves(blocks, made // 2)).all()


@pytest.mark.parametrize("form", ["windows", "tiles", "scattered", "eighths", "halves"])
def test_sensitivity_n_and_infidelity_are_their_definitions(form):
    relevance = RANDOM.normal(size=(8, 8)).astype(np.float32)
    own = {"form": form, "fill": "mean", "masks": 24, "seed": 5}
    sums, falls = by_loops(relevance, bent, taken_away(blocks_of((8, 8)), form, 24, 5))
    found = one("sensitivity_n", relevance, bent, **own)
    assert found == pytest.approx(np.corrcoef(sums, falls)[0, 1], abs=1e-5)
    assert one("sensitivity_n", relevance, bent, **(own | {"fill": "linear"})) != found
    scales = np.linspace(0, 20, 200_001)
    least = (scales**2 * (sums @ sums) - 2 * scales * (sums @ falls) + falls @ falls).min()
    assert one("infidelity", relevance, bent, **own) == pytest.approx(
        least / (falls @ falls), abs=1e-4
    )


def test_a_linear_network_is_told_whole_by_its_own_worth():
    for form in ("windows", "tiles", "scattered"):
        own = {"form": form, "fill": "mean"}
        assert one("sensitivity_n", 2 * WORTH, **own) == pytest.approx(1, abs=1e-4)
        assert one("sensitivity_n", -WORTH, **own) == pytest.approx(-1, abs=1e-4)
        assert one("infidelity", 2 * WORTH, **own) == pytest.approx(0, abs=1e-6)
        assert one("infidelity", -WORTH, **own) == pytest.approx(1)
    assert one("completeness_residual", WORTH) == pytest.approx(0, abs=1e-5)
    assert one("completeness_residual", 3 * WORTH) == pytest.approx(2, abs=1e-4)
    assert one("completeness_residual", WORTH, fill="blur") != pytest.approx(0, abs=1e-3)
    assert one("road", WORTH, block=1, fill="mean") > 0
    assert one("road", -WORTH, block=1, fill="mean") == pytest.approx(
        -one("road", WORTH, block=1, fill="mean"), abs=1e-4
    )


def road_by_loops(relevance, model, steps):
    order = np.argsort(-relevance.ravel(), kind="stable")
    differences = []
    for step in range(1, steps):
        count = int(np.round(64 * step / steps))
        answers = []
        for gone in (order[:count], order[::-1][:count]):
            picture = IMAGE.copy().reshape(2, -1)
            picture[:, gone] = MEANS[:, 0]
            answers.append(float(model([picture.reshape(IMAGE.shape)])[0]))
        differences.append(answers[1] - answers[0])
    return float(np.mean(differences))


@pytest.mark.parametrize("steps", [4, 10])
def test_road_is_its_definition(steps):
    relevance = RANDOM.permutation(64).reshape(8, 8)
    found = one("road", relevance, bent, steps=steps, block=1, fill="mean")
    assert found == pytest.approx(road_by_loops(relevance, bent, steps), abs=1e-5)
    assert one("road", relevance, bent, block=4, fill="mean") != pytest.approx(found, abs=1e-6)
    assert one("road", relevance, bent, steps=steps, block=1) != pytest.approx(found, abs=1e-6)
    assert one("road", np.ones((8, 8)), bent, block=4, ties=2) == 0
    assert len(METRICS["road"].taken) == 5


def saco_by_loops(relevance, groups):
    order = sorted(range(64), key=lambda i: -float(relevance.ravel()[i]))
    size = 64 // groups
    parts = [order[g * size : (g + 1) * size] for g in range(groups)]
    masks = np.zeros((groups, 64), bool)
    for g, part in enumerate(parts):
        masks[g, part] = True
    sums, falls = by_loops(relevance, bent, masks.reshape(-1, 8, 8))
    good = total = 0.0
    for i, j in combinations(range(groups), 2):
        weight = sums[i] - sums[j]
        good += weight if falls[i] >= falls[j] else -weight
        total += abs(weight)
    return good / total


@pytest.mark.parametrize("groups", [2, 8])
def test_saco_is_its_definition(groups):
    relevance = RANDOM.normal(size=(8, 8)).astype(np.float32)
    found = one("saco", relevance, bent, groups=groups)
    assert found == pytest.approx(saco_by_loops(relevance, groups), abs=1e-5)
    assert one("saco", np.ones((8, 8)), bent) == 0
    assert one("saco", WORTH, groups=8) == pytest.approx(1)
    assert one("saco", WORTH, fill="blur", groups=16) != one(
        "saco", relevance, fill="blur", groups=16
    )


@pytest.mark.parametrize(
    ("name", "options", "passes"),
    [
        ("sensitivity_n", {}, 58), ("sensitivity_n", {"form": "tiles"}, 16),
        ("infidelity", {"form": "scattered", "masks": 20}, 20), ("saco", {"groups": 7}, 7),
        ("completeness_residual", {}, 1), ("road", {"block": 1, "steps": 5}, 10),
    ],
)  # fmt: skip
def test_passes_are_those_that_the_page_says(name, options, passes):
    evidence, seen = known(RANDOM.permutation(64).reshape(8, 8))
    METRICS[name](evidence, options)
    assert len(seen) == passes


def test_maps_that_say_nothing_get_nothing():
    flat = np.ones((8, 8), np.float32)
    assert one("sensitivity_n", flat, form="tiles") == 0
    assert one("infidelity", 0 * flat) == 1
    assert one("infidelity", flat, lambda many: np.zeros(len(list(many)))) == 0
    assert one("completeness_residual", 0 * flat, lambda many: np.zeros(len(list(many)))) == 0


def gini_by_pairs(values):
    sizes = [abs(float(v)) for v in values.ravel()]
    apart = sum(abs(a - b) for a in sizes for b in sizes)
    return apart / (2 * len(sizes) * sum(sizes))


def test_complexity_is_its_definition():
    values = RANDOM.normal(size=(5, 6)).astype(np.float32)
    evidence = MetricEvidence(attributions=values)
    assert METRICS["gini"](evidence) == pytest.approx(gini_by_pairs(values))
    shares = [abs(float(v)) / float(np.abs(values).sum()) for v in values.ravel()]
    assert METRICS["entropy"](evidence) == pytest.approx(
        -sum(s * np.log(s) for s in shares), rel=1e-5
    )
    steps = sum(
        abs(float(values[i, j]) - float(values[i + 1, j])) for i in range(4) for j in range(6)
    ) + sum(abs(float(values[i, j]) - float(values[i, j + 1])) for i in range(5) for j in range(5))
    expected = steps / float(np.abs(values).sum())
    assert METRICS["total_variation"](evidence) == pytest.approx(expected, rel=1e-5)
    nothing = MetricEvidence(attributions=np.zeros((3, 4), np.float32))
    told = [METRICS[name](nothing) for name in ("gini", "entropy", "total_variation")]
    assert told == [0, pytest.approx(np.log(12)), 0]
    assert not any(METRICS[name].questions for name in ("gini", "entropy", "total_variation"))
