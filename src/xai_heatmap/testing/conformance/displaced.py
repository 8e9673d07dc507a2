"""Checks of networks that move their picture: a grid lies over the picture.

A kit gives one network for each of the `KINDS`, on pictures (3, 48, 48): what the kind does with
the picture, layer `looked`, a convolution of 4 x 4 pixels with strides of 4, and the mean of all
places.
"""

import numpy as np
import pytest

from xai_heatmap.core.errors import NoGrid
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network

SHAPE = (3, 48, 48)
LAYER = "looked"

STAY = ("as it is", "a kernel's padding")
"""Steps after which a layer's grid lies where the grid is drawn."""

MOVE = ("cropped", "centre", "padded", "mirrored", "transposed")
"""Steps after which a layer's grid lies elsewhere."""


def check_stays(network: Network) -> None:
    """The layer has a grid, and what changes at one place of the picture changes there."""
    layer = network.survey(SHAPE).layers[LAYER]
    assert layer.grid is not None
    x = np.zeros((2, *SHAPE), np.float32)
    x[1, :, 6:10, 34:38] = 1
    plain, changed = network.record(x, [LAYER]).activations[LAYER]
    moved = np.abs(changed - plain).sum(axis=0)
    at = np.argwhere(moved > 0.1 * moved.max()).mean(axis=0) + 0.5
    assert np.abs(at / layer.grid - np.array([8, 36]) / 48).max() < 1 / 12


def check_moves(network: Network) -> None:
    """The layer is no grid, says why, and nothing is drawn instead of it."""
    survey = network.survey(SHAPE)
    assert survey.layers[LAYER].layout is None
    assert survey.auto is None
    with pytest.raises(NoGrid, match="does not lie over the picture"):
        select(survey, LAYER)
    with pytest.raises(NoGrid, match="does not lie over the picture"):
        network.record(np.zeros((1, *SHAPE), np.float32), "auto")
