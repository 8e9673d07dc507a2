"""Checks of layouts that are guessed: a grid is one that was shown.

A kit gives one network for each of the `KINDS`, on pictures (3, 32, 32) that it cuts into 8 x 8
patches of 4 x 4 pixels with 16 features; its layer of the name given answers (n, rows, features).
"""

import numpy as np
import pytest

from xai_heatmap.core.errors import NoGrid
from xai_heatmap.core.layers.selection import select
from xai_heatmap.core.network import Network

SHAPE = (3, 32, 32)
GRID = (8, 8)
LAYER = "looked"

RIGHT = {
    "row by row": (0, 0),
    "a token first": (1, 0),
    "a token last": (0, 1),
    "one first, two last": (1, 2),
}
"""Orders of tokens that lie on the grid, with the tokens of no place before and behind."""

WRONG = (
    "window by window",
    "column by column",
    "backwards",
    "a token in the middle",
    "a token near the front",
    "two tokens among the patches",
    "turned",
)
"""Orders that lie nowhere, or elsewhere; turned ones are rows of features."""


PLACES = {
    "a token first": [0],
    "a token last": [64],
    "one first, two last": [0, 64, 64],
    "a token in the middle": [32],
    "a token near the front": [16],
    "two tokens among the patches": [20, 20],
}
"""Patches before which tokens of no place stand, by kind of order."""


def order(kind: str) -> np.ndarray:
    """Patch, of 64 counted row by row, that stands at each token; -1 is a token of no place."""
    rows = np.arange(64)
    if kind == "window by window":
        return rows.reshape(4, 2, 4, 2).transpose(0, 2, 1, 3).ravel()
    if kind == "column by column":
        return rows.reshape(GRID).T.ravel()
    if kind == "backwards":
        return rows[::-1].copy()
    return np.insert(rows, PLACES[kind], -1) if kind in PLACES else rows


def check_right(network: Network, kind: str) -> None:
    """The layer lies on the grid, and what changes at one patch changes there."""
    layout = network.survey(SHAPE).layers[LAYER].layout
    assert layout is not None
    assert (layout.grid, (layout.prefix, layout.suffix)) == (GRID, RIGHT[kind])
    x = np.zeros((2, *SHAPE), np.float32)
    x[1, :, 4:8, 20:24] = 1
    plain, changed = network.record(x, [LAYER]).activations[LAYER]
    moved = np.abs(changed - plain).sum(axis=0)
    assert np.unravel_index(moved.argmax(), moved.shape) == (1, 5)


def check_wrong(network: Network) -> None:
    """The layer is no grid, says why, and is not what `auto` takes."""
    survey = network.survey(SHAPE)
    assert survey.layers[LAYER].layout is None
    assert survey.auto is not None
    assert survey.layers[survey.auto].grid == GRID
    with pytest.raises(NoGrid, match=r"place|channels|picture"):
        select(survey, LAYER)
