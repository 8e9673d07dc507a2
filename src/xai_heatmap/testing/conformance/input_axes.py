"""What every backend has to hold of inputs in other orders of axes: the heat lies on the input's
own axes, or a word refuses it.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray
from xai_heatmap.testing.conformance.kit import checks_of, maps

SHAPES = {"tchw": (6, 3, 16, 16), "tc": (24, 3), "t": (64,)}
"""Video with frames first, a signal with features last, a wave without channels."""

METHODS = ("hirescam", "input_x_gradient")


@runtime_checkable
class Axes(Protocol):
    """Networks that put their input's axes in order, then have a convolution over all places with
    kernels and strides of 2 or 4, its ReLU, and the mean of all places.
    """

    words: Sequence[str]
    """Those of `SHAPES` that a network of the kit can take."""

    def takes(self, word: str) -> Any:
        """The network for inputs in that order."""


def lit(word: str) -> tuple[np.ndarray, tuple[int, ...]]:
    """An input with a bright place, as wide as a kernel, and where the place begins."""
    shape = SHAPES[word]
    grid = [length for letter, length in zip(word, shape, strict=True) if letter != "c"]
    wide = _width(word)
    at = tuple(wide * (2 * length // (5 * wide)) for length in grid)
    where = [slice(start, start + wide) for start in at]
    if "c" in word:
        where.insert(word.index("c"), slice(None))
    x = np.random.default_rng(0).normal(0, 0.01, shape).astype(np.float32)
    x[tuple(where)] = 3
    return x[None], at


def assert_lit(found: Sequence[float], word: str, method: str) -> None:
    """Whether the heat is largest on the bright place."""
    right, wide = lit(word)[1], _width(word)
    off = np.subtract(found, right)
    assert ((off > -2) & (off < wide)).all(), (word, method, found, right)


def _width(word: str) -> int:
    return 4 if len(word.replace("c", "")) == 1 else 2


def found_at(opened: Any, word: str, method: str) -> list[float]:
    """Where the heat is largest, in places of the input, and the grid of the input."""
    x, _ = lit(word)
    grid = tuple(n for letter, n in zip(word, x.shape[1:], strict=True) if letter != "c")
    heat = np.abs(maps(opened, x, method=method, target=0)[0])
    assert heat.ndim == len(grid), f"a map of {heat.shape} for places {grid}"
    steps = [side / places for side, places in zip(grid, heat.shape, strict=True)]
    assert len(set(steps)) == 1, f"a map of {heat.shape} is no coarsening of {grid}"
    hottest = np.unravel_index(int(heat.argmax()), heat.shape)
    return [float(place * step) for place, step in zip(hottest, steps, strict=True)]


def said_axes_carry_the_heat(kit: Axes) -> None:
    """Where the user names the axes, the heat lies on the place of the input that was bright."""
    for word in kit.words:
        for method in METHODS:
            found = found_at(xh.network(kit.takes(word), axes=word), word, method)
            assert_lit(found, word, method)


def unsaid_axes_carry_the_heat_or_are_refused(kit: Axes) -> None:
    """Where nobody names the axes, the heat lies on the place that was bright, or an error says
    that the axes are to be named.
    """
    for word in kit.words:
        for method in METHODS:
            try:
                found = found_at(xh.network(kit.takes(word)), word, method)
            except BadArray as refusal:
                if "axes" in str(refusal):
                    continue
                raise
            assert_lit(found, word, method)


CHECKS = checks_of(globals())
