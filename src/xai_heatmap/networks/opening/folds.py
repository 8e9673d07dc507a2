"""Layers that a network runs frame by frame, with the frames of an image as rows."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.folded import fold
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall

SPOT = 8
"""Ratio of the side of a picture to the side of the spot that is changed in all frames."""

CLEARER = 1.5
"""How much better rows may tell places apart than frames and still count as frames."""

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
    other; behind it, where frames are mixed, only rows of that image do. Rows that are places, each
    with all of its frames, tell a spot that is in every frame from the rest of the picture better
    than they tell the frame: as many places as frames are no frames.

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
    spotted = x.copy()
    spot = (
        1,
        slice(None),
        slice(None),
        *(slice(n // 3, n // 3 + -(-n // SPOT)) for n in x.shape[3:]),
    )
    spotted[spot] += 1 + np.abs(spotted[spot])
    beside = outputs(spotted)
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
            by_frame, by_place = (
                _contrast(other[name][rows:] - before[name][rows:]) for other in (after, beside)
            )
            if by_place <= CLEARER * by_frame:
                found[name] = rows
    return found


def _contrast(change: np.ndarray) -> float:
    """Largest change of a row relative to the mean over all rows; 1 where nothing changes."""
    sizes = np.abs(change.astype(np.float32)).reshape(len(change), -1).sum(axis=1)
    return float(sizes.max() / sizes.mean()) if sizes.any() else 1.0
