"""One look at a network in training, and how far its maps moved since the look before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.explaining.explanation import Explanation


@dataclass(frozen=True)
class Look:
    """What the network looked at after one epoch.

    Parameters
    ----------
    epoch
        Counted from 1.
    explanations
        One of each picture, in their order; None where that picture could not be explained.
    moved
        How far each picture's map moved since the look before, in [0, 2]: 1 minus the correlation
        of both maps. NaN for the first look, and for a map that is the same everywhere.
    seconds
        What this look cost, drawing and writing included.
    """

    epoch: int
    explanations: tuple[Explanation | None, ...]
    moved: tuple[float, ...]
    seconds: float = 0.0


def moves(
    before: Sequence[Explanation | None] | None, now: Sequence[Explanation | None]
) -> tuple[float, ...]:
    """How far each picture's map moved, as `moved`."""
    maps = [
        [None if one is None else one.map for one in of or [None] * len(now)]
        for of in (before, now)
    ]
    return tuple(moved(*both) for both in zip(*maps, strict=True))


def moved(before: np.ndarray | None, now: np.ndarray | None) -> float:
    """How far a map moved, in [0, 2]: 1 minus Pearson's correlation of both maps.

    NaN where there is no map before or now, where one is the same everywhere, or where their grids
    differ.
    """
    if before is None or now is None or before.shape != now.shape:
        return float("nan")
    centred = [one.astype(np.float64).ravel() - one.mean(dtype=np.float64) for one in (before, now)]
    lengths = [float(np.linalg.norm(one)) for one in centred]
    if not all(lengths):
        return float("nan")
    return float(1 - np.clip(centred[0] @ centred[1] / (lengths[0] * lengths[1]), -1, 1))


def numbers(look: Look) -> dict[str, float]:
    """What a curve is drawn of: how far each map moved, and the explained number."""
    found = dict[str, float]()
    for number, (one, far) in enumerate(zip(look.explanations, look.moved, strict=True), 1):
        if one is None:
            continue
        found[f"heatmaps/{number}/score"] = float(one.score)
        if np.isfinite(far):
            found[f"heatmaps/{number}/moved"] = far
    return found
