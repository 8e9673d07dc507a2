"""Imputation: the values that stand in the places of a picture that are taken away."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Float64

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.blur import blurred

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
    if not gone.any():
        return image.astype(np.float32)
    return interpolated_each(image, gone[None])[0]


def interpolated_each(image: Laid | Input, gone: Sets) -> Float32[np.ndarray, "sets channels ..."]:
    """As `interpolated`, of one picture without each of several sets of places, solved together."""
    channels = len(image)
    lost = gone.repeat(channels, axis=0)
    many = np.tile(image.astype(np.float64), (len(gone), *[1] * (image.ndim - 1)))
    means = many.mean(axis=tuple(range(1, image.ndim)), keepdims=True)
    start, known = means * lost, np.where(lost, 0.0, many)
    lost &= ~lost.all(axis=tuple(range(1, image.ndim)), keepdims=True)  # these keep the mean
    weights = _neighbours(np.ones((1, *gone.shape[1:])))

    def applied(values: Laid) -> Laid:
        return (weights * values - _neighbours(values)) * lost

    found = known + _solved(applied, _neighbours(known) * lost, start)
    return found.astype(np.float32).reshape(len(gone), channels, *gone.shape[1:])


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
