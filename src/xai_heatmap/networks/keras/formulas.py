"""Seeds, maps and their strongest places in the operations of Keras, for programs of its backends.

Each equals the numpy formula of its name; an activation is read as rows of places, (n, places, k)
or (n, k, places), so that none is turned around in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import keras

from xai_heatmap.core.fused import Link
from xai_heatmap.core.layers.layout import Layout

ops: Any = keras.ops  # whose own types allow None everywhere

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
    alpha = ops.mean(gradient.values, axis=gradient.places, keepdims=True)
    if activation.features == 2:
        return ops.matmul(activation.values, ops.transpose(alpha, (0, 2, 1)))[:, :, 0]
    return ops.matmul(ops.transpose(alpha, (0, 2, 1)), activation.values)[:, 0]


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


def mapped(
    activation: Any, gradient: Any, layout: Layout, formula: str, *, judged: bool
) -> Sequence[Any]:
    """A map (n, *grid); where it is judged also its strongest place, and gradient and activation
    there, (n, k).
    """
    own, slopes = rows(activation, layout), rows(gradient, layout)
    signed = SIGNED[formula](own, slopes)
    map_ = ops.relu(signed) if formula in CLIPPED else signed
    found = [ops.reshape(map_, (-1, *layout.grid))]
    if judged:
        heights = ops.abs(map_) * LIFTED + ops.abs(signed) if formula in CLIPPED else ops.abs(map_)
        place = ops.cast(ops.argmax(heights, axis=1), "int32")
        at = place[:, None, None]
        columns = [ops.take_along_axis(one.values, at, axis=one.places) for one in (slopes, own)]
        found += [place, *(ops.squeeze(one, axis=own.places) for one in columns)]
    return found
