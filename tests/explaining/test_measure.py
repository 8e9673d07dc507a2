"""Metrics of the maps that a picture gets, asked of the network itself."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap import metrics
from xai_heatmap.core.errors import BadArray, BadOption, NonFiniteScores, UnknownTarget

SIDE = 8
PICTURE = np.zeros((SIDE, SIDE, 3), np.uint8)
PICTURE[1:4, 2:5] = 255
MASK = PICTURE[..., 0] > 0
SHORT = {"occlusion": {"window": 2, "stride": 2}}
OPEN = {"preprocess": "unit", "methods": ["occlusion"], "options": SHORT}


class Bright:
    """A network in numpy that counts: class 0 is light at the mark, class 1 is dark."""

    def __init__(self):
        self.pictures = 0

    def __call__(self, x):
        self.pictures += len(x)
        light = x[:, :, 1:4, 2:5].mean(axis=(1, 2, 3))
        return np.stack([4 * light, 1 - light], axis=1).astype(np.float32)


@pytest.fixture
def bright():
    return Bright()


def opened(model, **how):
    return xh.network(model, image_shape=(3, SIDE, SIDE), **how)


def test_a_map_is_measured_beside_two_that_know_nothing(bright):
    found = xh.measure(opened(bright), PICTURE, metrics=["energy", "deletion"], mask=MASK, **OPEN)
    energy, deletion = found
    (one,) = xh.compare(opened(bright), PICTURE, **OPEN)
    assert energy.value == metrics.energy(one.heat(scale="none"), MASK)
    assert energy.constant == pytest.approx(MASK.mean())
    assert (energy.metric, energy.method, energy.layer) == ("energy", "occlusion", "input")
    assert (energy.better, energy.passes) == ("higher", 0)
    assert energy.better_than_nothing
    assert deletion.better == "lower"
    assert deletion.value < min(deletion.constant, deletion.random)
    assert deletion.better_than_nothing
    told = deletion.to_dict()
    assert (told["value"], told["options"], told["better_than_nothing"]) == (
        deletion.value,
        {},
        True,
    )


def test_passes_are_those_that_are_made(bright):
    network = opened(bright)
    xh.compare(network, PICTURE, **OPEN)
    bright.pictures = 0
    xh.compare(network, PICTURE, **OPEN)
    alone, bright.pictures = bright.pictures, 0
    own = {"deletion": {"steps": 4, "ties": 1}}
    (one,) = xh.measure(network, PICTURE, metrics=["deletion"], metric_options=own, **OPEN)
    assert one.passes == 4
    assert one.options == {"steps": 4, "ties": 1}
    assert bright.pictures == alone + 1 + 3 * 4  # the question once more, and three maps


def test_the_explained_number_is_what_is_measured(bright):
    network = opened(bright)
    ask = {"metrics": ["deletion", "average_drop"], **OPEN}
    first = xh.measure(network, PICTURE, targets=[0], **ask)
    other = xh.measure(network, PICTURE, targets=[1], **ask)
    both = xh.measure(network, PICTURE, targets=[0, 1], **ask)
    assert both == [*first, *other]
    assert first[0].value != other[0].value


def test_a_constant_map_loses_no_probability(bright):
    drop, gain = xh.measure(
        opened(bright), PICTURE, metrics=["average_drop", "average_gain"], **OPEN
    )
    assert (drop.constant, drop.passes) == (0, 1)
    assert not drop.better_than_nothing
    assert gain.value == 0


def test_the_probability_is_that_of_the_class_by_its_own_closing(bright):
    own = {"metrics": ["average_drop"], **OPEN}
    classes = xh.measure(opened(bright), PICTURE, **own)
    labels = xh.measure(opened(bright, answers="labels"), PICTURE, **own)
    assert classes[0].random != labels[0].random  # a softmax beside a sigmoid
    asked = xh.measure(opened(bright), PICTURE, targets=[xh.probability(0)], **own)
    assert asked[0].constant == 0


@pytest.mark.parametrize(
    "target", [xh.contrast(0, against=1), xh.negative(0)], ids=["contrast", "negative"]
)
def test_what_has_no_probability_of_its_own_is_refused(bright, target):
    with pytest.raises(UnknownTarget, match="about the probability of one class"):
        xh.measure(opened(bright), PICTURE, metrics=["average_drop"], targets=[target], **OPEN)


def test_values_have_no_probability(bright):
    network = opened(bright, answers="values")
    with pytest.raises(UnknownTarget, match="about the probability of one class"):
        xh.measure(network, PICTURE, metrics=["average_gain"], targets=[0], **OPEN)
    (one,) = xh.measure(network, PICTURE, metrics=["insertion"], targets=[0], **OPEN)
    assert np.isfinite(one.value)


def test_maps_that_were_made_before_are_measured_against_the_truth(bright):
    made = xh.compare(opened(bright), PICTURE, **OPEN)
    bright.pictures = 0
    found = xh.measure(made, metrics=["energy", "overlap"], mask=MASK.astype(np.uint8))
    assert found == xh.measure(made[0], metrics=["energy", "overlap"], mask=MASK)
    assert bright.pictures == 0
    with pytest.raises(BadOption, match="deletion asks the network"):
        xh.measure(made, metrics=["deletion"])


def test_options_and_the_seed_arrive(bright):
    ask = {"metrics": ["overlap"], "mask": MASK, **OPEN}
    network = opened(bright)
    (five,) = xh.measure(network, PICTURE, **ask)
    (half,) = xh.measure(
        network, PICTURE, metric_options={"overlap": {"share": 0.5}}, seed=1, **ask
    )
    assert half.options == {"share": 0.5}
    assert half.constant > five.constant
    energy = ask | {"metrics": ["energy"]}
    seeds = [xh.measure(network, PICTURE, seed=seed, **energy)[0].random for seed in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        ({"metrics": ["energy"]}, BadOption, "energy is against the truth: mask="),
        ({"metrics": ["energy"], "mask": MASK[:4]}, BadArray, r"\(8, 8\); received \(4, 8\)"),
        ({"metrics": ["energy"], "mask": "dog.png"}, BadArray, "received str"),
        ({"metrics": ["energy"], "mask": MASK * 0.5}, BadArray, "boolean array"),
        ({"metrics": []}, BadOption, "empty list"),
        ({"metrics": "energy"}, BadOption, "is a list"),
        ({"metrics": ["deletion"], "metric_options": {"insertion": {}}}, BadOption, "not among"),
        (
            {"metrics": ["deletion"], "metric_options": {"deletion": {"step": 1}}},
            BadOption,
            "steps",
        ),
        ({"metrics": ["deletion"], "colormap": "jet"}, BadOption, "belongs elsewhere"),
    ],
)
def test_what_can_not_be_measured_is_said_at_once(bright, ask, error, said):
    with pytest.raises(error, match=said):
        xh.measure(opened(bright), PICTURE, **ask, **OPEN)


def test_a_network_that_answers_nan_to_emptied_pictures():
    def fragile(x):
        light = x.mean(axis=(1, 2, 3))
        return np.stack([np.where(light > 0.1, light, np.nan), light], axis=1).astype(np.float32)

    ask = OPEN | {"methods": ["rise"], "options": {"rise": {"samples": 2, "cells": 2}}}
    network = xh.network(fragile, image_shape=(3, SIDE, SIDE))
    with pytest.raises(NonFiniteScores):
        xh.measure(network, PICTURE, metrics=["average_drop"], targets=[0], **ask)


def test_a_signal_is_measured_along_its_length():
    def beats(x):
        return np.stack([x[:, 0, 10:14].sum(axis=1), 1 - x.mean(axis=(1, 2))], axis=1)

    network = xh.network(beats, image_shape=(1, 32))
    signal = np.zeros((1, 32), np.float32)
    signal[0, 10:14] = 3
    ask = {"methods": ["occlusion"], "options": {"occlusion": {"window": 2, "stride": 1}}}
    (one,) = xh.measure(network, signal, metrics=["insertion_deletion"], **ask)
    assert one.better_than_nothing
    with pytest.raises(BadOption, match="over a signal or a volume"):
        xh.measure(network, signal, metrics=["energy"], mask=np.ones((1, 32), bool), **ask)
