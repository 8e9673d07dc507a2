"""Recipro-CAM: what the score is when one place alone is left."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from xai_heatmap.core.affine import Affine, affine
from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.registry import method
from xai_heatmap.core.shapes import Float32

Mask = Float32[np.ndarray, "*grid"]


@method(
    cite="byun2022reciprocam",
    use_when="there is no gradient and little time: one small pass a place of the grid",
    passes="1 through the head for every place of the grid",
)
def reciprocam(activation: Activation, head: Scored, *, gaussian: bool = True) -> Map:
    """y(A ⊙ M_p) - y(0),  M_p a 3x3 Gaussian about place p and 0 elsewhere.

    The Gaussian is 1/4 at p, 1/8 beside it, 1/16 at its corners; ``gaussian=False`` leaves p alone,
    with its full value. The paper scales the scores of all places to [0, 1]; here the score of an
    empty activation is taken off instead, so that 0 means that the place alone says nothing. A
    place that the network reads only together with others is missed.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 4]], [[1, 0]]], np.float32)
    >>> head = lambda many: np.array([a[0].sum() - a[1].sum() + 5 for a in many])
    >>> reciprocam(activation, head, gaussian=False)
    array([[-1.,  4.]], dtype=float32)
    """
    grid = activation.shape[1:]
    profile = (0.25, 0.5, 0.25) if gaussian else (1.0,)
    if (known := affine(head)) is not None:
        return _seen_by(known, activation, profile)
    kept = (activation * mask for mask in _masks(grid, profile))
    nothing, *values = head(chain([np.zeros_like(activation)], kept))
    return (np.array(values, np.float32) - np.float32(nothing)).reshape(grid)


def _seen_by(known: Affine, activation: Activation, profile: Sequence[float]) -> Map:
    """The same of an affine head: what every place adds, seen through the mask about each."""
    found = (known.slopes * activation).sum(axis=0, dtype=np.float64)
    reach = len(profile) // 2
    for axis in range(found.ndim):
        wide = np.pad(found, [(reach, reach) if a == axis else (0, 0) for a in range(found.ndim)])
        windows = np.lib.stride_tricks.sliding_window_view(wide, len(profile), axis=axis)
        found = windows @ np.asarray(profile)
    nothing = known.at(np.zeros_like(activation))
    map_ = found.astype(np.float32)
    known.tried(nothing, nothing + map_.ravel())
    return map_


def _masks(grid: tuple[int, ...], profile: tuple[float, ...]) -> Iterator[Mask]:
    """For every place, the product of `profile` along each axis, cut off at the edges."""
    reach = len(profile) // 2
    for place in np.ndindex(grid):
        mask = np.ones([1] * len(grid), np.float32)
        for axis, (centre, length) in enumerate(zip(place, grid, strict=True)):
            row = np.zeros(length + 2 * reach, np.float32)
            row[centre : centre + len(profile)] = profile
            shape = [-1 if a == axis else 1 for a in range(len(grid))]
            mask = mask * row[reach : reach + length].reshape(shape)
        yield mask
