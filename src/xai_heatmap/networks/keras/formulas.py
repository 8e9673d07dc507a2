"""Seeds, maps and their strongest places in the operations of Keras, for programs of its backends.

Each equals the numpy formula of its name; an activation is read as rows of places, (n, places, k)
or (n, k, places), so that none is turned around in memory.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import keras
import numpy as np

from xai_heatmap.core.fused import Link
from xai_heatmap.core.layers.layout import Layout

ops: Any = keras.ops  # whose own types allow None everywhere

Maps = tuple[list[np.ndarray], list[tuple[np.ndarray, np.ndarray, np.ndarray]]]
"""Maps (n, *grid), and of each its strongest place (n,), gradient and activation there (n, k)."""

Tap = TypeVar("Tap", bound=Hashable)

LIFTED = 1e6
"""Factor by which what a map shows goes before what a closing ReLU has cut off."""


def seed(scores: Any, classes: Any, weights: Any, link: Link) -> Any:
    """∂y/∂scores, (n, units), of scores (n, units), classes and weights (n, m)."""
    units = scores.shape[1]
    if units == 1:
        sign = ops.where(scores > 0, 1.0, -1.0)
        v = ops.sum(ops.where(classes < 0, weights * sign, weights), axis=1, keepdims=True)
    else:
        best = ops.cast(ops.argmax(scores, axis=1), "int32")[:, None]
        among = ops.where(classes < 0, best, classes)
        ones = ops.one_hot(among, units, dtype="float32")
        v = ops.sum(ones * weights[:, :, None], axis=1)
    if link == "softmax":
        if units == 1:  # always 1
            return v * 0
        p = ops.softmax(scores, axis=1)
        return p * (v - ops.sum(p * v, axis=1, keepdims=True))
    if link == "sigmoid":
        p = ops.sigmoid(scores)
        return p * (1 - p) * v
    return v


@dataclass(frozen=True)
class Rows:
    """A layer's output as rows of places.

    Parameters
    ----------
    values
        (n, places, k), or (n, k, places).
    features
        The axis of the feature maps, 2 or 1.
    """

    values: Any
    features: int

    @property
    def places(self) -> int:
        """The axis of the places."""
        return 3 - self.features


def rows(native: Any, layout: Layout) -> Rows:
    """The rows of an output in a layer's own layout, without tokens that belong to no place."""
    native = ops.cast(native, "float32")
    if layout.kind == "tokens":
        return Rows(native[:, layout.prefix :], 2)
    places = 1
    for length in layout.grid:
        places *= length
    if layout.kind == "channels_first":
        return Rows(ops.reshape(native, (-1, native.shape[1], places)), 1)
    return Rows(ops.reshape(native, (-1, places, native.shape[-1])), 2)


def _gradcam(activation: Rows, gradient: Rows) -> Any:
    alpha = ops.mean(gradient.values, axis=gradient.places)
    if activation.values.shape[0] == 1:  # a product of matrices takes a quarter of one of batches
        own, alpha = activation.values[0], ops.transpose(alpha)
        if activation.features == 1:
            own = ops.transpose(own)
        return ops.transpose(ops.matmul(own, alpha))
    if activation.features == 2:
        return ops.matmul(activation.values, alpha[:, :, None])[:, :, 0]
    return ops.matmul(alpha[:, None], activation.values)[:, 0]


def _hirescam(activation: Rows, gradient: Rows) -> Any:
    return ops.sum(gradient.values * activation.values, axis=activation.features)


def _layercam(activation: Rows, gradient: Rows) -> Any:
    positive = ops.relu(gradient.values)
    return ops.sum(positive * activation.values, axis=activation.features)


SIGNED: Mapping[str, Any] = MappingProxyType(
    {"gradcam": _gradcam, "hirescam": _hirescam, "layercam": _layercam}
)
"""Methods before a closing ReLU, (n, places) of activation and gradient."""

CLIPPED = frozenset({"gradcam", "layercam"})
"""Those that close in a ReLU."""


def _column(of: Rows, place: Any) -> Any:
    """The values of all feature maps at a place of each image, (n, k)."""
    if of.values.shape[0] == 1:
        start, shape = [0, 0, 0], list(of.values.shape)
        start[of.places], shape[of.places] = place[0], 1
        return ops.reshape(ops.slice(of.values, start, shape), (1, -1))
    column = ops.take_along_axis(of.values, place[:, None, None], axis=of.places)
    return ops.squeeze(column, axis=of.places)


def together(
    opened: Sequence[tuple[Any, Any, Layout, str]],
    *,
    judged: bool,
) -> tuple[list[Any], list[int]]:
    """Maps of activation, gradient, layout and formula each, side by side in one row for each
    image: operations and what leaves a program cost by the piece.

    Parameters
    ----------
    opened, judged
        What they are made of, and whether their strongest places are wanted.

    Returns
    -------
    Maps (n, every place), and where they are judged their strongest places (n, maps), gradients and
    activations there (n, every feature map); the number of feature maps of each.
    """
    read = [(rows(own, layout), rows(slopes, layout)) for own, slopes, layout, _ in opened]
    formulas = [formula for *_, formula in opened]
    each = [SIGNED[formula](*pair) for formula, pair in zip(formulas, read, strict=True)]
    lengths = [math.prod(layout.grid) for _, _, layout, _ in opened]
    signed = ops.concatenate(each, axis=1)
    clips = np.repeat([formula in CLIPPED for formula in formulas], lengths)[None]
    maps = ops.relu(signed) if clips.all() else ops.where(clips, ops.relu(signed), signed)
    features = [int(own.values.shape[own.features]) for own, _ in read]
    if not judged:
        return [maps], features
    heights = ops.abs(maps) * LIFTED + ops.abs(signed)
    places, gradients, activations = [], [], []
    for end, length, (own, slopes) in zip(np.cumsum(lengths), lengths, read, strict=True):
        place = ops.cast(ops.argmax(heights[:, end - length : end], axis=1), "int32")
        places.append(place[:, None])
        gradients.append(_column(slopes, place))
        activations.append(_column(own, place))
    columns = places, gradients, activations
    return [maps, *(ops.concatenate(column, axis=1) for column in columns)], features


def at_taps(
    asked: Sequence[tuple[Tap, Layout, str]],
    activations: Mapping[Tap, Any],
    gradients: Mapping[Tap, Any],
    *,
    judged: bool,
) -> tuple[list[Any], "Pieces"]:
    """Maps at taps, as of `together`, each of one tap, layout and formula made once.

    Parameters
    ----------
    asked
        Tap, layout and formula of every map.
    activations, gradients
        By tap; a gradient of which nothing came back is missing or None.
    judged
        Whether their strongest places are wanted.
    """
    each = list(dict.fromkeys(asked))
    opened = [
        (
            activations[tap],
            ops.zeros_like(activations[tap]) if gradients.get(tap) is None else gradients[tap],
            how,
            formula,
        )
        for tap, how, formula in each
    ]
    found, features = together(opened, judged=judged)
    grids = [how.grid for _, how, _ in each]
    return found, Pieces(grids, features, [each.index(key) for key in asked])


@dataclass(frozen=True)
class Pieces:
    """How what comes out of `together` is taken apart.

    Parameters
    ----------
    grids, features
        Of every map, its grid and the number of feature maps.
    asked
        Which of them each map is that was asked for: layers of one output share one.
    """

    grids: Sequence[tuple[int, ...]]
    features: Sequence[int]
    asked: Sequence[int]

    def apart(self, found: Sequence[np.ndarray], *, judged: bool) -> Maps:
        """The maps that were asked for, each with its strongest place where they are judged."""
        ends = np.cumsum([math.prod(grid) for grid in self.grids])[:-1]
        parts = np.split(found[0], ends, axis=1)
        maps = [
            part.reshape(len(part), *grid) for part, grid in zip(parts, self.grids, strict=True)
        ]
        own = [maps[place] for place in self.asked]
        if not judged:
            return own, []
        places = found[1].astype(np.int64)
        ends = np.cumsum(self.features)[:-1]
        gradients, activations = (np.split(one, ends, axis=1) for one in found[2:])
        return own, [(places[:, at], gradients[at], activations[at]) for at in self.asked]
