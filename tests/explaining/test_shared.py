"""Passes that all metrics of all maps of a picture share, and maps that are made anew."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, NonFiniteScores
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.shared import Shared, again
from xai_heatmap.metrics.parts.halving import halves

SIDE = 16
PICTURE = np.random.default_rng(2).integers(0, 200, (SIDE, SIDE, 3)).astype(np.uint8)
PICTURE[2:7, 9:14] = 255
OPEN = {"preprocess": "unit", "methods": ["occlusion"], "options": {"occlusion": {"window": 4,
        "stride": 4}}}  # fmt: skip


class Bright:
    """A network in numpy that counts its pictures."""

    def __init__(self):
        self.pictures = 0

    def __call__(self, x):
        self.pictures += len(x)
        light = x[:, :, 2:7, 9:14].mean(axis=(1, 2, 3))
        return np.stack([4 * light, 1 - light, x.max(axis=(1, 2, 3))], axis=1).astype(np.float32)


def opened(model):
    network = xh.network(model, image_shape=(3, SIDE, SIDE))
    xh.explain(network, PICTURE, method="occlusion", preprocess="unit")
    model.pictures = 0
    return network


def shared_of(network, target=0):
    given = prepare(PICTURE, "unit", network)
    return Shared(questions(network, given, [choice(target)])[0])


def made(model, metrics, *, network=None, targets=(0,), **how):
    """What is measured, and how many pictures the network saw for it beside those of the maps."""
    network = opened(model) if network is None else network
    xh.compare(network, PICTURE, targets=list(targets), **OPEN)
    alone, model.pictures = model.pictures, 0
    found = xh.measure(network, PICTURE, metrics=metrics, targets=list(targets), **OPEN, **how)
    return found, model.pictures - alone - 1  # the question is asked once more


def test_the_test_is_shared_by_every_map_and_by_metrics_of_its_halves():
    own = {"form": "halves", "fill": "linear"}
    options = {"sensitivity_n": own, "infidelity": own}
    found, passes = made(Bright(), ["agreement", *options], metric_options=options)
    assert passes == 62
    assert [one.passes for one in found] == [62, 60, 60]
    assert found[0].constant == 0
    assert found[0].value > found[0].random


def test_agreement_is_t_of_the_test():
    network = opened(Bright())
    (found,) = xh.measure(network, PICTURE, metrics=["agreement"], targets=[0], **OPEN)
    (one,) = xh.compare(network, PICTURE, targets=[0], test=True, **OPEN)
    assert found.value == pytest.approx(one.tested.agreement)


@pytest.mark.parametrize(
    ("form", "count"),
    [("windows", 58), ("tiles", 16), ("scattered", 64), ("eighths", 64), ("halves", 60)],
)
def test_masks_of_every_form_run_once_for_three_maps_and_two_metrics(form, count):
    options = {name: {"form": form} for name in ("sensitivity_n", "infidelity")}
    found, passes = made(Bright(), list(options), metric_options=options)
    assert passes == count
    assert [one.passes for one in found] == [count, count]


def test_another_filling_or_number_is_asked_anew():
    shared = shared_of(opened(Bright()))
    blur, mean, linear = (shared.without(np.eye(64, dtype=bool).reshape(64, 8, 8)[12:15], fill)
                          for fill in ("blur", "mean", "linear"))  # fmt: skip
    assert (blur != mean).any()
    assert (mean != linear).any()


def test_answers_are_those_of_the_network_itself():
    model = Bright()
    shared = shared_of(opened(model))
    taken = halves(shared.trial.disturbed.blocks, 3)
    model.pictures = 0
    mean = shared.without(np.concatenate([taken, taken]), "mean")
    assert model.pictures == 3
    x = shared.question.given.x
    for own, y in zip(taken, mean[3:], strict=True):
        gone = own.repeat(2, 0).repeat(2, 1)
        emptied = np.where(gone, x.mean(axis=(1, 2), keepdims=True), x)
        assert y == pytest.approx(4 * emptied[:, 2:7, 9:14].mean(), rel=1e-5)
    np.testing.assert_array_equal(mean[:3], mean[3:])
    linear = shared.without(taken, "linear")
    assert model.pictures == 3 + 62
    np.testing.assert_allclose(linear, shared.trial.disturbed.moved(0).halved[:3, 0], rtol=1e-6)


def test_a_network_that_answers_no_numbers_is_told_of():
    def broken(x):
        scores = Bright()(x)
        scores[x[:, :, 2:7, 9:14].mean(axis=(1, 2, 3)) < 0.6] = np.nan
        return scores

    network = xh.network(broken, image_shape=(3, SIDE, SIDE))
    mean = {"sensitivity_n": {"fill": "mean"}}
    with pytest.raises(NonFiniteScores, match="NaN or infinity"):
        xh.measure(
            network, PICTURE, metrics=["sensitivity_n"], targets=[0], **OPEN, metric_options=mean
        )
    with pytest.raises(BadArray, match="no agreement to measure"):
        xh.measure(network, PICTURE, metrics=["agreement"], targets=[0], **OPEN)


def test_a_map_made_anew_is_that_of_the_other_picture():
    network = opened(Bright())
    (one,) = xh.compare(network, PICTURE, targets=[0], **OPEN)
    shared = shared_of(network)
    other = PICTURE[::-1].copy()
    x = prepare(other, "unit", network).x
    (found,) = again(one, shared.question)([x])
    (alone,) = xh.compare(network, other, targets=[0], **OPEN)
    np.testing.assert_allclose(found, shared_heat(alone.map, x.shape[1:]), rtol=1e-5, atol=1e-6)


def shared_heat(map_, image):
    from xai_heatmap.render.heat import drawn_out

    return drawn_out(map_, image)


def test_metrics_of_maps_made_anew_count_each_as_a_pass():
    own = {"max_sensitivity": {"draws": 3}}
    found, passes = made(Bright(), ["adcc", "max_sensitivity"], metric_options=own)
    adcc, steady = found
    each = 1 + 1 + 16  # the picture, with nothing of it, and without each of sixteen windows
    assert passes == 3 + each + 3 * each  # controls look at no picture: one pass each, for the drop
    assert (adcc.passes, steady.passes) == (2, 3)
    assert (adcc.constant, steady.constant, steady.random) == (0, 0, 0)
    assert not steady.better_than_nothing
    assert steady.value > 0
