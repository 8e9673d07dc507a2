"""Checks of pictures: a network sees what the network's own call would show it."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance.kit import SHAPE, checks_of, network

PRESETS = ("imagenet", "torch", "tf", "unit", "raw")


@runtime_checkable
class Shares(Protocol):
    """A network that shows in its answer what it was given."""

    def shares(self) -> Any:
        """The mean of the picture's first channel, and of its third."""


def framed(rows: int, columns: int) -> np.ndarray:
    """A picture with a bright frame, which any crop would lose."""
    image = np.full((rows, columns, 3), (30, 90, 60), np.uint8)
    image[[0, -1]], image[:, [0, -1]] = 255, 255
    return image


def own_call(image: np.ndarray, preset: str) -> np.ndarray:
    """Both means of the whole picture, scaled as the preset is published."""
    red, _, blue = image.reshape(-1, 3).mean(axis=0)
    if preset in ("imagenet", "torch"):
        return np.array([(red / 255 - 0.485) / 0.229, (blue / 255 - 0.406) / 0.225])
    if preset == "tf":
        return np.array([red, blue]) / 127.5 - 1
    return np.array([red, blue]) / (255 if preset == "unit" else 1)


def scores(opened: Any, image: np.ndarray, **ask: Any) -> list[float]:
    """The scores of both classes, as `explain` gives them."""
    how = {"method": "occlusion", "layer": "input", **ask}
    return [xh.explain(opened, image, target=target, **how).score for target in (0, 1)]


def a_picture_of_its_size_goes_in_as_it_is(kit: Shares) -> None:
    """A picture of the network's size is shown whole, scaled as the preset is published."""
    opened = network(kit.shares())
    image = framed(*SHAPE[1:])
    for preset in PRESETS:
        found = scores(opened, image, preprocess=preset)
        assert found == pytest.approx(own_call(image, preset), rel=1e-5, abs=1e-5), preset
    cropped = scores(opened, image, preprocess={"mode": "raw", "fit": "crop", "ratio": 0.5})
    assert cropped == pytest.approx((30, 60), abs=8)


def a_larger_picture_is_seen_whole_or_said_not_to_be(kit: Shares) -> None:
    """A larger picture is shown whole, or a note says which part of it was."""
    opened = network(kit.shares())
    image = framed(4 * SHAPE[1], 4 * SHAPE[2])
    for preset in PRESETS:
        how = {"preprocess": preset, "target": 0, "method": "occlusion", "layer": "input"}
        e = xh.explain(opened, image, **how)
        told = any("The network saw" in note for note in e.notes)
        assert told == (e.geometry.share < 1), preset
        if preset in ("tf", "unit", "raw"):
            assert e.geometry.share == 1, preset
        if preset == "imagenet":
            assert told


def sixteen_bits_are_as_eight(kit: Shares) -> None:
    """A picture of sixteen bits, or of twelve with `white`, is the same as that of eight."""
    opened = network(kit.shares())
    image = framed(*SHAPE[1:])
    right = own_call(image, "unit")
    for given in (image.astype("<u2") * 257, image.astype(">u2") * 257):
        assert scores(opened, given, preprocess="unit") == pytest.approx(right, rel=1e-5)
    twelve = np.rint(image * (4095 / 255)).astype(np.uint16)
    right = own_call(twelve * (255 / 4095), "unit")
    assert scores(opened, twelve, preprocess="unit", white=4095) == pytest.approx(right, rel=1e-5)
    dark = xh.explain(opened, twelve, preprocess="unit", method="occlusion", layer="input")
    assert any("white=4095" in note for note in dark.notes)


CHECKS = checks_of(globals())
