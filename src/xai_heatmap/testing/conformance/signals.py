"""What every backend has to hold of signals: maps along the user's axis equal an oracle, and lie on
what was planted.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing import oracles
from xai_heatmap.testing.conformance.kit import checks_of, maps, native
from xai_heatmap.testing.networks.axes import CHANNELS, CLASSES, Weights, weights

LENGTH, WIDE, UP, DOWN = 24, 5, 0, 1
"""Samples, those that a planted peak takes, and the classes that speak for either kind of peak."""


@runtime_checkable
class Signals(Protocol):
    """One network over signals, of any weights."""

    def signals(self, own: Weights) -> Any:
        """The network for signals n c t, or n t c where channels come last: layers ``conv``, ReLU,
        maximum of two, ``last``, ReLU, mean over time, linear. Both convolutions keep the length.
        """


def signals(n: int = 2) -> np.ndarray:
    """Random signals n c t, float32."""
    return np.random.default_rng(0).normal(size=(n, CHANNELS, LENGTH)).astype(np.float32)


def peaks_seen() -> Weights:
    """Weights by which class `UP` is the peaks of the first channel, and `DOWN` its dips."""
    own = weights((3,))
    first, second, linear = (np.zeros_like(v) for v in (own.first, own.second, own.linear))
    first[0, 0], first[1, 0] = 1, -1
    second[0, 0, 1] = second[1, 1, 1] = linear[UP, 0] = linear[DOWN, 1] = 1
    first_bias = np.full_like(own.first_bias, -1)
    return Weights(
        first, first_bias, second, 0 * own.second_bias, linear, 0 * own.linear_bias
    )  # fmt: skip


def planted(rise: int, dip: int) -> np.ndarray:
    """A signal (c, t) of noise with a peak and a dip of `WIDE` samples at these starts."""
    x = np.random.default_rng(rise).normal(0, 0.05, (CHANNELS, LENGTH)).astype(np.float32)
    x[0, rise : rise + WIDE] += 1
    x[0, dip : dip + WIDE] -= 1
    return x


def _opened(kit: Signals, own: Weights) -> Any:
    return xh.network(kit.signals(own), image_shape=(CHANNELS, LENGTH))


def maps_along_time_are_those_of_an_oracle(kit: Signals) -> None:
    """Scores, activations, gradients and maps of random weights are those of a network by loops."""
    own, x = weights((3,)), signals()
    network = _opened(kit, own)
    recording = network.record(x, ["input", "conv", "last"])
    for index in range(CLASSES):
        seed = np.eye(CLASSES, dtype=np.float32)[[index] * len(x)]
        pulled = recording.pullback(seed)
        for row, signal in enumerate(x):
            scores, values, slopes = oracles.small_signal_by_loops(own, signal, index)
            np.testing.assert_allclose(recording.scores[row], scores, atol=1e-4)
            for name, right in values.items():
                np.testing.assert_allclose(recording.activations[name][row], right, atol=1e-4)
                scale = np.abs(slopes[name]).max()
                assert scale > 0
                np.testing.assert_allclose(pulled[name][row], slopes[name], atol=1e-4 * scale)


def methods_along_time_are_those_of_an_oracle(kit: Signals) -> None:
    """Grad-CAM, HiResCAM and saliency have one number a sample, and it is the oracle's."""
    own, x = weights((3,)), signals()
    network = _opened(kit, own)
    formulas = {
        ("gradcam", "last"): oracles.gradcam_by_loops,
        ("hirescam", "conv"): oracles.hirescam_by_loops,
        ("saliency", "input"): oracles.saliency_by_loops,
    }
    for (method, layer), formula in formulas.items():
        found = maps(network, native(network, x), method=method, layer=layer, target=2)
        assert len(found) == len(x)
        for signal, map_ in zip(x, found, strict=True):
            _, values, slopes = oracles.small_signal_by_loops(own, signal, 2)
            wanted = formula(values[layer][:, None], slopes[layer][:, None])[0]
            assert map_.shape == wanted.shape, method
            assert np.abs(wanted).max() > 0, method
            np.testing.assert_allclose(map_, wanted, atol=1e-4 * np.abs(wanted).max())


def the_heat_lies_on_a_planted_peak(kit: Signals) -> None:
    """What speaks for peaks is the peak, and what speaks for dips the dip, on the user's axis."""
    network = _opened(kit, peaks_seen())
    starts = ((2, 14), (15, 6))
    for index in (UP, DOWN):
        for method, layer in (("input_x_gradient", "input"), ("hirescam", "conv")):
            for both in starts:
                x = native(network, planted(*both)[None])[0]
                explained = xh.explain(network, x, method=method, layer=layer, target=index)
                heat = explained.heat()
                assert heat.shape == (LENGTH,), method
                away = int(np.argmax(heat)) - both[index]
                assert 0 <= away < WIDE, (method, index, both, heat)
                wanted = oracles.small_signal_by_loops(peaks_seen(), planted(*both), index)[0]
                assert explained.score == pytest.approx(wanted[index], abs=1e-4)


CHECKS = checks_of(globals())
