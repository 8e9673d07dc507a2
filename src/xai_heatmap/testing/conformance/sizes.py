"""Pictures of a size or of channels that a network does not take."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import (
    BadArray,
)
from xai_heatmap.testing.conformance.kit import CLASSES, Kit, checks_of


def pictures_too_small_are_refused_with_the_smallest_that_fit(kit: Kit) -> None:
    """Pictures that are too small are refused with the smallest size that fits."""
    opened = xh.network(kit.shrinking())
    for shape in ((3, 7, 7), (3, 3, 3), (3, 1, 1), (3, 7, 40), (3, 40, 2)):
        with pytest.raises(BadArray, match=r"can't take .* It takes 8x8 or more: make them larger"):
            opened.record(np.zeros((1, *shape), np.float32))
    assert opened.record(np.zeros((1, 3, 8, 8), np.float32)).scores.shape == (1, CLASSES)
    assert opened.record(np.zeros((1, 3, 8, 40), np.float32)).scores.shape == (1, CLASSES)


def pictures_of_another_size_are_refused_with_the_one_that_fits(kit: Kit) -> None:
    """Pictures of another size are refused with the one size that fits."""
    opened = xh.network(kit.flattening())
    for shape in ((3, 4, 4), (3, 12, 12), (3, 8, 9)):
        with pytest.raises(BadArray, match=r"(works with |pictures of 3x)8x8"):
            opened.record(np.zeros((1, *shape), np.float32))


def pictures_of_other_channels_are_refused_with_the_number_that_fits(kit: Kit) -> None:
    """Pictures of other channels are refused with the number that fits."""
    opened = xh.network(kit.shrinking())
    for channels in (1, 2, 4):
        with pytest.raises(BadArray, match=r"takes 3 channels|pictures of 3x"):
            opened.record(np.zeros((1, channels, 9, 9), np.float32))
    with pytest.raises(BadArray, match=r"3 channels; received 4. .*8x8|3x8x8"):
        xh.network(kit.flattening()).record(np.zeros((1, 4, 9, 9), np.float32))
    with pytest.raises(BadArray, match=r"moveaxis|pictures of 3x"):
        opened.record(np.zeros((1, 9, 9, 3), np.float32))


CHECKS = checks_of(globals())
