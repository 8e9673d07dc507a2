"""Cells of a layer: which channels never move, which values stand at the end of their range."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.shapes import Float32

STILL = 1e-6
"""A channel that moves by no more than this part of the layer's largest value stands still."""

AT_THE_END = 1e-3
"""Part of a layer's range within which a value stands at its end."""

Channels = Float32[np.ndarray, "channels ..."]
"""What a layer said of one picture, channels first."""


@dataclass(frozen=True)
class Cells:
    """What one layer did for one picture.

    Parameters
    ----------
    channels
        How many there are.
    still
        Channels that have one value at every place, with that value.
    ended
        Share of values at the end of the layer's range, beyond which an activation function is
        flat; None of a layer that has one value throughout.
    largest
        Magnitude of the largest value.
    """

    channels: int
    still: Mapping[int, float]
    ended: float | None
    largest: float


def cells(activation: Channels, kind: str = "") -> Cells:
    """What a layer did for one picture.

    The upper end always counts. The lower one counts where it lies below 0, and of a layer whose
    kind says sigmoid; 0 itself does not, since that is where rectifiers rest.
    """
    rows = activation.reshape(len(activation), -1).astype(np.float64)
    low, high = rows.min(axis=1), rows.max(axis=1)
    largest = float(np.abs(rows).max(initial=0))
    still = {int(k): float(low[k]) for k in np.flatnonzero(high - low <= STILL * largest)}
    bottom, top = float(low.min()), float(high.max())
    span = top - bottom
    if span <= STILL * largest:
        return Cells(len(rows), still, None, largest)
    ended = float((rows >= top - AT_THE_END * span).mean())
    if bottom < 0 or "sigmoid" in kind.lower():
        ended += float((rows <= bottom + AT_THE_END * span).mean())
    return Cells(len(rows), still, ended, largest)


def dead(still: list[Mapping[int, float]], largest: float) -> set[int]:
    """Channels that have one and the same value at every place of every picture."""
    if not still:
        return set()
    common = set(still[0]).intersection(*still[1:])
    return {
        k
        for k in common
        if max(own[k] for own in still) - min(own[k] for own in still) <= STILL * largest
    }
