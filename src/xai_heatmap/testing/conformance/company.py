"""Checks of company: a picture's map, and all that is said of that picture, are the same alone and
beside any other picture.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance.kit import SHAPE, checks_of, network
from xai_heatmap.testing.conformance.kit import maps as kit_maps


@runtime_checkable
class Company(Protocol):
    """Networks that answer two numbers which may add up to 1."""

    differentiable: bool

    def shares(self) -> Any:
        """The mean of the picture's first channel, and of its third."""

    def places(self) -> Any:
        """The first channel and the third, at every place."""

    def normalised(self) -> Any:
        """The sizes of the first two means, divided by their sum: 0 of a black picture."""


def sums_to_one() -> np.ndarray:
    """A picture whose first and third channel add up to 1 at every place."""
    x = np.zeros(SHAPE, np.float32)
    x[0, :4], x[2, 4:], x[1] = 1, 1, 0.5
    return x


def sums_to_less() -> np.ndarray:
    """A picture whose means add up to less than one."""
    x = sums_to_one()
    x[2, -1] = 0
    return x


def maps(opened: Any, *pictures: np.ndarray, **ask: Any) -> np.ndarray:
    """Maps of pictures in one batch."""
    x = np.stack(pictures)
    native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if opened.channels_last else x
    return kit_maps(opened, native, layer="input", **ask)


def _methods(kit: Company) -> list[str]:
    """Methods that the network of the kit can be asked for."""
    without = ["occlusion"]
    return [*without, "saliency", "hirescam"] if kit.differentiable else without


def alone_as_in_company(opened: Any, a: np.ndarray, b: np.ndarray, kit: Company) -> None:
    """The map of `a` is the same alone and in a batch with `b`."""
    for method in _methods(kit):
        for target in (0, xh.probability(1), xh.margin(0)):
            ask = {"method": method, "target": target}
            own = [maps(opened, x, **ask)[0] for x in (a, b)]
            for order in ([a, b], [b, a], [a, b, a]):
                found = maps(opened, *order, **ask)
                right = np.stack([own[x is b] for x in order])
                assert found == pytest.approx(right, rel=1e-4, abs=1e-7), (method, target)


def an_accidental_sum_is_no_probability(kit: Company) -> None:
    """Values that happen to add up to one are not read as probabilities."""
    opened = network(kit.shares())
    assert opened.record(sums_to_one()[None]).meaning == "logits"
    alone_as_in_company(opened, sums_to_one(), sums_to_less(), kit)


def an_accidental_sum_at_every_place_is_none(kit: Company) -> None:
    """Values at every place that happen to add up to one are not read as probabilities."""
    opened = network(kit.places())
    assert opened.record(sums_to_one()[None]).meaning == "logits"
    ask = {"method": "occlusion", "target": 0}
    own = [maps(opened, x, **ask)[0] for x in (sums_to_one(), sums_to_less())]
    found = maps(opened, sums_to_less(), sums_to_one(), **ask)
    assert found == pytest.approx(np.stack(own[::-1]), rel=1e-4, abs=1e-7)


def probabilities_stay_so_beside_a_picture_that_has_none(kit: Company) -> None:
    """Probabilities are read as such beside a picture whose row adds up to less than one."""
    opened = network(kit.normalised())
    black = np.zeros(SHAPE, np.float32)
    meanings = {
        opened.record(np.stack(x)).meaning
        for x in ([sums_to_one()], [sums_to_one(), black], [black, sums_to_one()], [black])
    }
    assert meanings in ({"log-probabilities"}, {"probabilities"})
    ask = {"method": "occlusion", "target": 0}
    alone, both = maps(opened, sums_to_one(), **ask)[0], maps(opened, black, sums_to_one(), **ask)
    assert both[1] == pytest.approx(alone, rel=1e-4, abs=1e-7)


CHECKS = checks_of(globals())
