"""A picture cut into regions of one colour, by Felzenszwalb and Huttenlocher's graph.

Felzenszwalb and Huttenlocher 2004, felzenszwalb2004segmentation in the bibliography.
"""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.shapes import Float64, Int

Labels = Int[np.ndarray, "*grid"]
Colours = Float64[np.ndarray, "k *grid"]
Edges = tuple[Int[np.ndarray, " edges"], Int[np.ndarray, " edges"], Float64[np.ndarray, " edges"]]


def segmentations(picture: Activation, scales: Sequence[float], *, least: float) -> list[Labels]:
    """For each scale, every place's region, counted from 0; the larger the scale, the larger the
    regions.

    Parameters
    ----------
    picture
        Any number of channels over any grid.
    scales
        How far apart two colours may be that a region of one place would still take in, where the
        picture's range is 2; a region of n places asks for n times as much likeness.
    least
        The smallest region that stays, as a share of the places along all axes but short ones.
    """
    grid = picture.shape[1:]
    edges = _edges(_smooth(_ranged(picture)))
    fewest = round(least * of_one_slice(grid))
    return [_merged(edges, scale, fewest, int(np.prod(grid))).reshape(grid) for scale in scales]


def _ranged(picture: Activation) -> Colours:
    """With a range of 2, and lengths of colours as those of three channels."""
    span = float(np.ptp(picture)) or 1.0
    return picture.astype(np.float64) * 2 / span * np.sqrt(3 / len(picture))


def is_short(length: int, grid: Sequence[int]) -> bool:
    """Whether an axis of that length has steps of its own, such as frames or slices: fewer than
    half as many as the longest of the grid.
    """
    return 2 * length < max(grid)


def of_one_slice(grid: Sequence[int]) -> int:
    """Places along all axes but short ones: of a frame of a video, of all of a picture."""
    return int(np.prod([side for side in grid if not is_short(side, grid)]))


def _smooth(picture: Colours) -> Colours:
    """Under 1/4, 1/2, 1/4 along every axis but short ones; beyond its edges it goes on as it
    ends.
    """
    for axis in range(1, picture.ndim):
        if is_short(picture.shape[axis], picture.shape[1:]):
            continue
        around = [(1, 1) if a == axis else (0, 0) for a in range(picture.ndim)]
        wide = np.moveaxis(np.pad(picture, around, mode="edge"), axis, 0)
        picture = np.moveaxis((wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4, 0, axis)
    return picture


def _edges(picture: Colours) -> Edges:
    """Neighbours along every axis, and how far apart their colours are: the nearest first."""
    numbers = np.arange(picture[0].size).reshape(picture.shape[1:])
    ones, others, lengths = [], [], []
    for axis in range(numbers.ndim):
        along = np.moveaxis(numbers, axis, 0)
        colours = np.moveaxis(picture, axis + 1, 1)
        ones.append(along[:-1].ravel())
        others.append(along[1:].ravel())
        lengths.append(np.sqrt(((colours[:, 1:] - colours[:, :-1]) ** 2).sum(axis=0)).ravel())
    far = np.concatenate(lengths)
    order = np.argsort(far, kind="stable")
    return np.concatenate(ones)[order], np.concatenate(others)[order], far[order]


def _merged(edges: Edges, scale: float, fewest: int, places: int) -> Int[np.ndarray, " places"]:
    """Two regions become one where their nearest edge is no longer than the longest within either,
    with an allowance of scale over size; those with fewer places than `fewest` whatever it is.
    """
    above, size, inner = list(range(places)), [1] * places, [0.0] * places

    def root(place: int) -> int:
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    listed = [side.tolist() for side in edges]
    for small in (False, True):
        for one, other, far in zip(*listed, strict=True):
            a, b = root(one), root(other)
            if a == b:
                continue
            alike = far <= inner[a] + scale / size[a] and far <= inner[b] + scale / size[b]
            if (min(size[a], size[b]) < fewest) if small else alike:
                a, b = (a, b) if size[a] >= size[b] else (b, a)
                above[b] = a
                size[a] += size[b]
                inner[a] = max(far, inner[a], inner[b])
    return np.unique([root(place) for place in range(places)], return_inverse=True)[1]
