"""Checks of single subjects fail where a backend is broken: places, signals, boxes, attention,
backward rules.
"""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from test_broken_backends import Broken, other_activations, other_gradients, other_scores

pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh
from xai_heatmap.networks.rules import GRADIENT
from xai_heatmap.testing.conformance import attention, boxes, rules, segmentation, signals
from xai_heatmap.testing.conformance.kit import maps
from xai_heatmap.testing.kits.subjects import TorchSubjects

SUBJECTS = (segmentation, signals, boxes, attention, rules)


def opening(change):
    """Opens a subject's network, whose recordings are changed."""

    def wrapped(right):
        def opened(*given):
            inner = right(*given)
            return Broken(inner, record=lambda *a, **how: change(inner.record(*a, **how)))

        return opened

    return "_opened", wrapped


def mapping(change):
    """Maps that are changed."""
    return "maps", lambda _: lambda *given, **how: change(maps(*given, **how))


def attending(change):
    """Recordings whose attention is changed."""

    def attended(recording):
        def attentions(cotangent):
            return [change(block) for block in recording.attentions(cotangent)]

        return Broken(recording, attentions=attentions)

    def wrapped(right):
        return lambda model: Broken(
            right(model), record=lambda *a, **how: attended(right(model).record(*a, **how))
        )

    return "opened", wrapped


def turned(found):
    """Every map about its middle."""
    return np.flip(found, tuple(range(1, found.ndim)))


def spread(found):
    """A little heat at every place."""
    return found + np.float32(1e-3)


class Exchanged(TorchSubjects):
    """Signals whose peaks its network takes for dips, and dips for peaks."""

    def signals(self, own):
        return super().signals(replace(own, first=-own.first))


class Unruled(TorchSubjects):
    """Says that it carries out nothing, and carries out everything."""

    rules = ()


def ruled(change):
    """The package, whose networks' recordings are changed where a rule is asked for."""

    def opened(*given, **how):
        inner = xh.network(*given, **how)

        def record(x, at=(), *, rule=GRADIENT):
            return change(inner, inner.record(x, at, rule=rule), x, at, rule)

        return Broken(inner, record=record)

    return opened


def without_rule(inner, recording, x, at, rule):
    """The gradient, whatever rule is asked for."""
    return recording if rule is GRADIENT else inner.record(x, at)


def of_a_slope(inner, recording, x, at, rule):
    """Slopes between two runs that are the gradient of the first."""

    def between(layer, _, *, row):
        zeros = np.stack([x[row], 0 * x[row]])
        return inner.record(zeros, [layer])

    return Broken(recording, between=between)


def half_the_terms(inner, recording, x, at, rule):
    """Bias terms, every one halved."""

    def each_gradient(cotangent, use, use_bias=None):
        recording.each_gradient(cotangent, use, lambda term: use_bias(term / 2))

    return Broken(recording, each_gradient=each_gradient)


def of_the_usual_layer(inner):
    """The network, whose detector has no head of levels."""
    return Broken(inner, survey=lambda shape: replace(inner.survey(shape), heads={}))


def elsewhere(found):
    """Explanations of another box and score."""
    other = replace(found.detection, query=found.detection.query + 1)
    return Broken(found, detection=other)


def answering(name, change):
    """The package, whose function of that name answers what is changed."""
    right = getattr(xh, name)
    return Broken(xh, **{name: lambda *given, **how: change(right(*given, **how))})


BOXED = [
    (boxes.a_detection_says_its_box_its_class_and_its_score, answering("explain", elsewhere)),
    (boxes.auto_lies_before_the_head_of_the_boxes_level, answering("network", of_the_usual_layer)),
]


@pytest.mark.parametrize(("check", "package"), BOXED, ids=lambda one: getattr(one, "__name__", ""))
def test_a_detector_that_is_read_otherwise_is_seen(check, package, monkeypatch):
    monkeypatch.setattr(boxes, "xh", package)
    with pytest.raises(AssertionError):
        check(TorchSubjects())


def test_heat_of_the_whole_level_is_seen(monkeypatch):
    monkeypatch.setattr(boxes, "maps", lambda *given, **how: spread(maps(*given, **how)))
    with pytest.raises(AssertionError):
        boxes.auto_lies_before_the_head_of_the_boxes_level(TorchSubjects())


def that_stays(kept):
    """The way back of a rule, which stays for every recording after it."""

    def change(inner, recording, x, at, rule):
        kept.append(rule)
        other = next((own for own in kept if own is not GRADIENT), None)
        return inner.record(x, at, rule=other) if other else recording

    return change


RULED = [
    (rules.libragrad_is_the_gradient_with_its_constants_held, without_rule),
    (rules.deeplift_is_the_rescale_rule_by_hand, of_a_slope),
    (rules.bias_terms_are_those_by_hand, half_the_terms),
    (rules.the_gradient_is_what_it_was_before_a_rule, without_rule),
    (rules.the_gradient_is_what_it_was_before_a_rule, that_stays([])),
]


@pytest.mark.parametrize(("check", "change"), RULED, ids=lambda one: one.__name__)
def test_a_rule_that_is_another_is_seen(check, change, monkeypatch):
    package = Broken(xh, network=ruled(change))
    monkeypatch.setattr(rules, "xh", package)
    monkeypatch.setattr(attention, "xh", package)
    with pytest.raises(AssertionError):
        check(TorchSubjects())


@pytest.mark.parametrize(
    "check",
    [
        rules.libragrad_is_the_gradient_with_its_constants_held,
        rules.deeplift_is_the_rescale_rule_by_hand,
        rules.bias_terms_are_those_by_hand,
    ],
    ids=lambda one: one.__name__,
)
def test_a_rule_that_is_carried_out_without_a_word_is_seen(check):
    with pytest.raises(pytest.fail.Exception):
        check(Unruled())


def test_a_rule_of_nobody_that_is_the_gradient_is_seen(monkeypatch):
    def opened(*given, **how):
        inner = xh.network(*given, **how)
        return Broken(inner, record=lambda x, at=(), *, rule=GRADIENT: inner.record(x, at))

    monkeypatch.setattr(attention, "xh", Broken(xh, network=opened))
    with pytest.raises(pytest.fail.Exception):
        rules.a_rule_that_nobody_carries_out_is_refused(TorchSubjects())


CASES = [
    (segmentation.scores_of_every_place_are_those_by_hand, opening(other_scores)),
    (segmentation.the_gradient_of_a_region_is_that_by_hand, mapping(turned)),
    (segmentation.the_gradient_of_a_region_is_that_by_hand, mapping(lambda found: 1.1 * found)),
    (segmentation.the_map_lies_where_the_region_looks, mapping(turned)),
    (segmentation.the_map_lies_where_the_region_looks, mapping(spread)),
    (signals.maps_along_time_are_those_of_an_oracle, opening(other_scores)),
    (signals.maps_along_time_are_those_of_an_oracle, opening(other_activations)),
    (signals.maps_along_time_are_those_of_an_oracle, opening(other_gradients)),
    (signals.methods_along_time_are_those_of_an_oracle, mapping(turned)),
    (signals.methods_along_time_are_those_of_an_oracle, mapping(lambda found: found[:, None])),
    (attention.attention_and_its_gradient_are_those_of_plain_numbers,
     attending(lambda block: replace(block, weights=block.weights.swapaxes(-1, -2)))),
    (attention.attention_and_its_gradient_are_those_of_plain_numbers,
     attending(lambda block: Broken(block, gradients=block.gradients * np.float32(1.1)))),
    (boxes.a_box_is_picked_by_its_place_and_its_gradient_is_that_by_hand, mapping(turned)),
    (boxes.a_box_is_picked_by_its_place_and_its_gradient_is_that_by_hand,
     mapping(lambda found: 1.1 * found)),
    (attention.rollout_is_that_of_plain_numbers, mapping(turned)),
    (attention.attention_relevance_is_that_of_plain_numbers, mapping(turned)),
    (attention.attention_relevance_is_that_of_plain_numbers, mapping(lambda found: 1.1 * found)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "broken"), CASES, ids=lambda one: one[0] if isinstance(one, tuple) else one.__name__
)
def test_what_is_broken_is_seen(check, broken, monkeypatch):
    module, (name, change) = importlib.import_module(check.__module__), broken
    monkeypatch.setattr(module, name, change(getattr(module, name)))
    with pytest.raises(AssertionError):
        check(TorchSubjects())


def test_heat_that_lies_on_the_dip_is_seen():
    check = signals.the_heat_lies_on_a_planted_peak
    with pytest.raises(AssertionError):
        check(Exchanged())


def test_every_check_has_a_backend_that_it_refuses():
    refused = {check for check, _ in (*CASES, *RULED, *BOXED)}
    refused |= {
        signals.the_heat_lies_on_a_planted_peak, rules.a_rule_that_nobody_carries_out_is_refused
    }  # fmt: skip
    assert refused == {check for subject in SUBJECTS for check in subject.CHECKS}
