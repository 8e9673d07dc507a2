"""Imputation: the values that stand in the places of a picture that are taken away."""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.blur import blurred
from xai_heatmap.core.shapes import Bool, Float32, Float64, Int

Fill = Literal["blur", "mean", "linear"]

Places = Bool[np.ndarray, "*image"]
"""Places of the network's input; all channels of a place go together."""

Sets = Bool[np.ndarray, "sets *image"]
"""Several sets of places."""

Laid = Float64[np.ndarray, "channels *image"]

CLOSE = 1e-5
"""The residual of the linear equations, beside that at the start, at which they count as solved."""

STEPS = 5000
"""Most steps of the solver; conjugate gradients of n unknowns end after n at the latest."""


def imputation(image: Input, fill: Fill) -> Callable[[Places], Input]:
    """Function from the places taken away to the picture without these places.

    ``blur`` shows the picture under a Gaussian of a twentieth of each axis in their place, ``mean``
    the mean of each channel, ``linear`` what the neighbours that are left let one expect (Rong et
    al. 2022, "ROAD", without their noise).
    """
    if fill == "linear":
        return lambda gone: interpolated(image, gone)
    axes = tuple(range(1, image.ndim))
    instead = (
        blurred(image)
        if fill == "blur"
        else np.broadcast_to(image.mean(axis=axes, keepdims=True), image.shape)
    )
    return lambda gone: np.where(gone, instead, image).astype(np.float32)


def interpolated(image: Input, gone: Places) -> Input:
    """Picture whose missing places are the weighted mean of their neighbours, a diagonal one
    counting half for each further axis that it differs along; where nothing is left, the mean of
    each channel.
    """
    means = image.mean(axis=tuple(range(1, image.ndim)), keepdims=True, dtype=np.float64)
    if gone.all():
        return np.broadcast_to(means, image.shape).astype(np.float32)
    weights = _neighbours(np.ones((1, *gone.shape)))
    known = np.where(gone, 0.0, image.astype(np.float64))

    def applied(values: Laid) -> Laid:
        return (weights * values - _neighbours(values)) * gone

    found = known + _solved(applied, _neighbours(known) * gone, means * gone)
    return found.astype(np.float32)


def interpolated_each(
    image: Laid | Input, gone: Sets
) -> Iterator[Float32[np.ndarray, "channels ..."]]:
    """As `interpolated`, of a picture of a few cells without one set of places after the other; the
    equations of the same sets are solved once for all pictures.
    """
    channels, shape = len(image), gone.shape[1:]
    values = image.reshape(channels, -1).astype(np.float64)
    for away, left, weights in _equations(shape, gone.tobytes()):
        found = values.copy()
        found[:, away] = values[:, left] @ weights if len(left) else values.mean(1, keepdims=True)
        yield found.astype(np.float32).reshape(channels, *shape)


Equations = tuple[
    Int[np.ndarray, " away"], Int[np.ndarray, " left"], Float64[np.ndarray, "left away"]
]
"""Numbers of the places that are away and of those that are left, and what each of the latter
counts for in each of the former."""


@lru_cache(4)
def _equations(shape: Sequence[int], gone: bytes) -> list[Equations]:
    """The equations of each set of places, solved; for four sets of sets at a time, 8 MB each."""
    places = int(np.prod(shape))
    around = _neighbours(np.eye(places).reshape(places, *shape)).reshape(places, places)
    found: list[Equations] = []
    for own in np.frombuffer(gone, bool).reshape(-1, places):
        away, left = np.flatnonzero(own), np.flatnonzero(~own)
        inner = np.diag(around[away].sum(axis=1)) - around[np.ix_(away, away)]
        inner = inner if len(left) else np.eye(len(away))
        found.append((away, left, np.linalg.solve(inner, around[np.ix_(away, left)]).T))
    return found


def _solved(applied: Callable[[Laid], Laid], wanted: Laid, start: Laid) -> Laid:
    """x of A x = b for each channel, A symmetric and positive: conjugate gradients."""
    axes = tuple(range(1, wanted.ndim))

    def squared(values: Laid, others: Laid) -> Float64[np.ndarray, "channels ..."]:
        return (values * others).sum(axis=axes, keepdims=True)

    x = start.copy()
    rest = wanted - applied(x)
    along, length = rest.copy(), squared(rest, rest)
    enough = CLOSE**2 * length
    for _ in range(min(STEPS, wanted[0].size)):
        if (length <= enough).all():
            break
        moved = applied(along)
        curved = squared(along, moved)
        step = np.divide(length, curved, out=np.zeros_like(length), where=curved > 0)
        x += step * along
        rest -= step * moved
        now = squared(rest, rest)
        turn = np.divide(now, length, out=np.zeros_like(length), where=length > 0)
        along, length = rest + turn * along, now
    return x


def _neighbours(values: Laid) -> Laid:
    """The weighted sum over each place's neighbours: 1 along one axis, half for each further."""
    total = 2 * values
    for axis in range(1, values.ndim):
        lines = np.moveaxis(total, axis, -1)
        spread = lines.copy()
        spread[..., 1:] += lines[..., :-1] / 2
        spread[..., :-1] += lines[..., 1:] / 2
        total = np.moveaxis(spread, -1, axis)
    return total - 2 * values
