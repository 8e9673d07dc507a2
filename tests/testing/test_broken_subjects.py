"""Checks of single subjects fail where a backend is broken: places, signals."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
from test_broken_backends import Broken, other_activations, other_gradients, other_scores

pytest.importorskip("torch", reason="needs PyTorch")

from xai_heatmap.testing.conformance import segmentation, signals
from xai_heatmap.testing.conformance.kit import maps
from xai_heatmap.testing.kits.subjects import TorchSubjects

SUBJECTS = (segmentation, signals)


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
]


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
    refused = {check for check, _ in CASES} | {signals.the_heat_lies_on_a_planted_peak}
    assert refused == {check for subject in SUBJECTS for check in subject.CHECKS}
