"""Layers that a network runs frame by frame, with the frames of an image as rows."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.folded import fold
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall

Outputs = Callable[[Native], Mapping[str, np.ndarray]]
"""Function from inputs (n, c, *image) to the outputs of the layers in question."""


def candidates(calls: Mapping[str, LayerCall], image: Sequence[int]) -> dict[str, int]:
    """Layers whose rows may be frames, and how many a picture has."""
    if len(image) != 3:
        return {}
    found = {
        name: fold(call.shape, images=IMAGES_IN_A_SURVEY, frames=image[0])
        for name, call in calls.items()
    }
    return {name: rows for name, rows in found.items() if rows is not None}


def proven(asked: Mapping[str, int], x: Native, outputs: Outputs) -> dict[str, int]:
    """Layers whose rows are the frames of the first image, followed by the frames of the second.

    One frame of the second image is changed. Of some layer the row of that frame changes, and no
    other; behind it, where frames are mixed, only rows of that image do.

    Parameters
    ----------
    asked
        Layers, and how many rows each has for an image.
    x
        Two images, (2, c, frames, *image).
    outputs
        Runs them.
    """
    before = outputs(x)
    place = x.shape[2] // 2
    other = x.copy()
    other[1, :, place] += 1 + np.abs(other[1, :, place])
    after = outputs(other)
    found: dict[str, int] = {}
    seen: set[int] = set()
    for name, rows in asked.items():
        if name not in before or len(before[name]) != 2 * rows:
            continue
        apart = (before[name] != after[name]).reshape(2 * rows, -1).any(axis=1)
        changed = set(np.flatnonzero(apart).tolist())
        own = rows + place * rows // x.shape[2]
        if changed == {own}:
            seen.add(rows)
        if rows in seen and changed and changed <= set(range(rows, 2 * rows)):
            found[name] = rows
    return found
