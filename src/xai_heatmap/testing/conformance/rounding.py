"""Checks of rounding: a number that nothing moves has no map to be seen, and a number that
something moves has one.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np

import xai_heatmap as xh
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.testing.conformance.kit import checks_of, images, network
from xai_heatmap.testing.short_options import SHORT

BY_SLOPES = ("hirescam", "gradcam", "layercam", "eigengradcam", "input_x_gradient", "saliency")
HIDING = ("occlusion", "rise", "sobol")
BY_TRYING = (
    "occlusion",
    "rise",
    "sobol",
    "ablationcam",
    "integrated",
    "smoothgrad",
    "vary:saliency",
)
SMALLER = xh.negative(xh.contrast(2, against=[1, 3, 3]))


@runtime_checkable
class Rounding(Protocol):
    """Two networks with a layer of one name."""

    differentiable: bool
    layer: str

    def plain(self) -> Any:
        """Four outputs."""

    def twins(self) -> Any:
        """Four outputs, of which the last three are the same."""


def opened(model: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """The network, a picture as it takes it, and what it answers."""
    found, x = network(model, answers="values"), images(1)
    native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if found.channels_last else x
    return found, native, found.record(x).scores[0]


def words(network: Any, x: np.ndarray, target: Choice, methods: Any, layer: str) -> dict[str, str]:
    """The verdict on each method's map."""
    found = {}
    for method in methods:
        here = "input" if method == "saliency" else layer
        ask = {"method": method, "layer": here, "options": SHORT.get(method, {})}
        one = xh.explain(network, x, target=target, preprocess="ready", **ask)
        found[method] = one.verdict.word
        assert one.verdict.word != "cancelled" or not one.heat().any()
    return found


def cosine(own: np.ndarray) -> Choice:
    """The likeness to `own`, as a user writes it."""
    unit = own / np.linalg.norm(own)
    return xh.function(lambda rows: rows @ unit / np.linalg.norm(rows, axis=1), label="cosine")


def likeness_of_a_picture_to_itself_has_no_slope(kit: Rounding) -> None:
    """A likeness at its maximum has no slope: maps by gradients are rounding, and said to be."""
    network, x, own = opened(kit.plain())
    for target in (xh.likeness(own), cosine(own), xh.negative(xh.likeness(2 * own))):
        if kit.differentiable:
            assert set(words(network, x, target, BY_SLOPES, kit.layer).values()) == {"cancelled"}
        hidden = words(network, x, target, ("occlusion",), "input")
        assert hidden["occlusion"] in ("ok", "no_positive_evidence"), "hiding does move it"


def sides_that_are_the_same_take_each_other_away(kit: Rounding) -> None:
    """Contrasts of classes 1, 2 and 3, which are one and the same; thirds of two do not add up in
    float32.
    """
    network, x, _ = opened(kit.twins())
    trying = BY_TRYING if kit.differentiable else HIDING
    names = (*trying, *BY_SLOPES) if kit.differentiable else trying
    for target in (xh.contrast(1, against=2), xh.contrast(3, against=[1, 2, 2]), SMALLER):
        for method, word in words(network, x, target, names, kit.layer).items():
            assert word == "cancelled", (method, target.label)
    other = words(network, x, xh.contrast(0, against=1), names, kit.layer)
    assert "cancelled" not in other.values()


def what_something_moves_is_not_cancelled(kit: Rounding) -> None:
    """A score that something moves, by however little, has a map."""
    network, x, own = opened(kit.plain())
    other = own + np.array([0.01] + [0.0] * (len(own) - 1), np.float32)
    targets = [xh.likeness(np.roll(own, 1)), xh.likeness(other), xh.contrast(1, against=2)]
    tiny = xh.function(lambda rows: 1e-12 * rows[:, 0], label="tiny")
    for target in (*targets, tiny, xh.function(lambda rows: 50 + rows[:, 0])):
        names = (*BY_SLOPES, *BY_TRYING) if kit.differentiable else HIDING
        assert "cancelled" not in words(network, x, target, names, kit.layer).values()


CHECKS = checks_of(globals())
