"""What every backend has to hold of backward rules: LibraGrad, DeepLIFT and bias terms are those
written by hand, and the gradient is what it was before.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.rules import BIASES, DEEPLIFT, LIBRAGRAD, BackwardRule
from xai_heatmap.testing import oracles
from xai_heatmap.testing.conformance import attention, signals
from xai_heatmap.testing.conformance.kit import checks_of
from xai_heatmap.testing.networks import axes, gated, tokens

SEED, TARGET = np.array([[0, 1, 0, 0]], np.float32), 1


@runtime_checkable
class Rules(attention.Attention, signals.Signals, Protocol):
    """The networks of attention and of signals, one more, and which rules are carried out."""

    rules: Sequence[str]
    """Those of `RULES` that the backend carries out, by name; others it refuses."""

    def gated(self, own: gated.Weights) -> Any:
        """The network of `oracles.rescaled_by_loops` for pictures of `gated.SHAPE`."""


def libragrad_is_the_gradient_with_its_constants_held(kit: Rules) -> None:
    """LibraGrad differentiates a transformer whose attention, deviations and gates stay as they
    were, which is affine.
    """
    if LIBRAGRAD.name not in kit.rules:
        _assert_refused(kit, LIBRAGRAD)
        return
    for pool in attention.POOLS:
        model, weights = kit.attending(pool)
        network, x = attention.opened(model), tokens.images(1)
        found = network.record(x, ["input"], rule=LIBRAGRAD).pullback(SEED)["input"][0]
        later = network.record(x, ["input"]).by(LIBRAGRAD).pullback(SEED)["input"][0]
        np.testing.assert_allclose(later, found, atol=1e-6 * np.abs(found).max())
        score, used = attention.plain(weights, x[0], pool)
        for place in [(0, 0, 0), (1, 7, 13), (2, 15, 23), (0, 9, 2), (2, 3, 17)]:
            moved = x[0].astype(np.float64)
            moved[place] += 1  # the network is affine, so the step may be large
            wanted = attention.plain(weights, moved, pool, used)[0][TARGET] - score[TARGET]
            assert found[place] == pytest.approx(wanted, abs=1e-4 * float(np.abs(found).max()))


def deeplift_is_the_rescale_rule_by_hand(kit: Rules) -> None:
    """Slopes between a picture and zeros, times the picture, are each neuron's Rescale rule."""
    if DEEPLIFT.name not in kit.rules:
        _assert_refused(kit, DEEPLIFT)
        return
    for number in range(3):
        own = gated.drawn(number)
        network = xh.network(kit.gated(own), image_shape=gated.SHAPE)
        x = np.random.default_rng(number).normal(size=(1, *gated.SHAPE)).astype(np.float32)
        wide = {name: value.astype(np.float64) for name, value in own.items()}
        wanted, before, after = oracles.rescaled_by_loops(wide, x[0])
        pair = network.record(x, ["input"]).between("input", DEEPLIFT, row=0)
        slopes = pair.pullback(np.array([[0, 1], [0, 0]], np.float32))["input"]
        np.testing.assert_allclose(pair.scores[:, 1], [after, before], atol=1e-5)
        assert not slopes[1].any()
        np.testing.assert_allclose(slopes[0] * x[0], wanted, atol=1e-5 * np.abs(wanted).max())


def bias_terms_are_those_by_hand(kit: Rules) -> None:
    """Every bias adds itself times the gradient behind it, for and against, and with the input
    times its gradient that makes the score.
    """
    if BIASES.name not in kit.rules:
        _assert_refused(kit, BIASES)
        return
    own, x = axes.weights((3,)), signals.signals(1)
    network = xh.network(kit.signals(own), image_shape=x.shape[1:])
    recording = network.record(x, ["input"], rule=BIASES)
    terms, gradients = list[np.ndarray](), list[np.ndarray]()
    recording.each_gradient(SEED, lambda _, found: gradients.append(found), terms.append)
    scores, _, slopes = oracles.small_signal_by_loops(own, x[0], TARGET)
    wanted = [
        own.first_bias[:, None] * slopes["conv"],
        own.second_bias[:, None] * slopes["last"],
        own.linear_bias[TARGET : TARGET + 1],
    ]
    terms = [one for one in terms if one.any()]  # an operator that adds nothing may say so
    assert len(terms) == len(wanted)
    by_length = sorted(terms, key=lambda one: -one.size)
    for found, right in zip(by_length, wanted, strict=True):
        sides = np.stack([np.maximum(right, 0).sum(0), np.minimum(right, 0).sum(0)])
        np.testing.assert_allclose(found[0], sides, atol=1e-5 * np.abs(sides).max())
    (gradient,) = gradients
    np.testing.assert_allclose(gradient[0], slopes["input"], atol=1e-5)
    total = (gradient[0] * x[0]).sum() + sum(one.sum() for one in terms)
    assert total == pytest.approx(scores[TARGET], rel=1e-4)


def the_gradient_is_what_it_was_before_a_rule(kit: Rules) -> None:
    """After every rule that is carried out, the plain gradient of a new recording and of the former
    one are what they were, and LibraGrad's is another.
    """
    model, _ = kit.attending("token")
    network, x = attention.opened(model), tokens.images(2)
    seed = SEED.repeat(2, axis=0)
    recording = network.record(x, ["input"])
    before = recording.pullback(seed)["input"]
    assert np.abs(before).max() > 0
    for rule in (LIBRAGRAD, BIASES, DEEPLIFT):
        if rule.name not in kit.rules:
            continue
        if rule is DEEPLIFT:
            pair = recording.between("input", rule, row=0)
            other = pair.pullback(np.concatenate([SEED, 0 * SEED]))["input"][0]
        else:
            other = network.record(x, ["input"], rule=rule).pullback(seed)["input"][0]
        same = np.abs(other - before[0]).max() <= 1e-4 * np.abs(before).max()
        assert same == (rule is BIASES), rule.name
        for one in (recording, network.record(x, ["input"])):
            np.testing.assert_array_equal(one.pullback(seed)["input"], before)


def a_rule_that_nobody_carries_out_is_refused(kit: Rules) -> None:
    """A rule that no file carries out is an error, and no gradient."""
    _assert_refused(kit, BackwardRule("nobody"))


def _assert_refused(kit: Rules, rule: BackwardRule) -> None:
    """The rule is refused in words that name another method."""
    model, _ = kit.attending("token")
    network, x = attention.opened(model), tokens.images(1)
    words = r"[Cc]hoose|such as"
    if rule.kind == "slope":
        recording = network.record(x, ["input"])
        with pytest.raises(NoRule, match=words):
            recording.between("input", rule, row=0)
        return
    with pytest.raises(NoRule, match=words):
        network.record(x, ["input"], rule=rule)


CHECKS = checks_of(globals())
