"""What every backend has to hold of quantised networks: a layer of codes is read as the numbers
that the codes stand for, or is not listed.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

import xai_heatmap as xh
from xai_heatmap.testing.conformance.kit import checks_of

CLOSE = 0.05
"""How far a layer may be from its float twin, as a share of the largest number."""


@runtime_checkable
class Codes(Protocol):
    """A quantised network beside the network of real numbers that it was made from."""

    def pictures(self) -> np.ndarray:
        """Pictures n c H W that both were made for."""
        ...

    def quantised(self) -> Any:
        """The network of codes."""

    def floating(self) -> Any:
        """Its twin of real numbers."""

    def pairs(self) -> Mapping[str, str]:
        """Layers of the quantised network, each with the layer of the twin that says the same."""
        ...


def recorded(model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """Activations of every layer with a grid."""
    opened = xh.network(model, image_shape=x.shape[1:])
    names = [name for name, own in opened.layers.items() if own.places > 1 and name != "input"]
    return dict(opened.record(x, names).activations)


def no_layer_is_read_in_codes(kit: Codes) -> None:
    """No layer that is listed answers whole numbers only, as codes are."""
    found = recorded(kit.quantised(), kit.pictures())
    assert found, "no layer with a grid is listed"
    for name, own in found.items():
        whole = bool((own == np.rint(own)).all()) and np.abs(own).max() > 1
        assert not whole, f"{name} answers whole numbers up to {np.abs(own).max():.0f}"


def layers_of_codes_are_those_of_the_float_twin(kit: Codes) -> None:
    """Layers of codes answer what the same layers of the float twin do, to the step of a code."""
    x = kit.pictures()
    codes, floats = recorded(kit.quantised(), x), recorded(kit.floating(), x)
    assert kit.pairs()
    for name, own in kit.pairs().items():
        if name in codes:
            right = floats[own]
            np.testing.assert_allclose(codes[name], right, atol=CLOSE * np.abs(right).max())


CHECKS = checks_of(globals())
