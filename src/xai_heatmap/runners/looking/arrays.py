"""Signals as curves and volumes as slices, as a page draws them below their heat."""

import itertools

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.network import Network
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.runners.looking.pictures import Picture, encoded

POINTS = 4096
"""Points of a curve, at most: of longer signals the least and the largest of every part."""

CHANNELS = 64
"""Curves of a signal, at most."""


def laid(picture: Picture, network: Network) -> Input:
    """The array with its channels first, as the network takes it.

    Raises
    ------
    BadOption
        If it is a picture.
    """
    found = None if picture.array is None else prepare(picture.array, None, network).array
    if found is None:
        raise BadOption("This is a picture, and has neither a curve nor slices.")
    return found


def curve(picture: Picture, network: Network) -> dict[str, object]:
    """Facts of a signal: each channel's numbers, and at which places they stand.

    Raises
    ------
    BadOption
        For what is no signal.
    """
    array = laid(picture, network)
    if array.ndim != 2:
        raise BadOption("This is a volume: ask for a slice of it.")
    places = np.arange(array.shape[1])
    if array.shape[1] > POINTS:
        places = _extremes(array)
    return {
        "length": array.shape[1],
        "channels_in_all": len(array),
        "at": places.tolist(),
        "channels": [row[places].tolist() for row in array[:CHANNELS]],
    }


def _extremes(array: Input) -> np.ndarray:
    """Places of the least and the largest number of every part of a long signal."""
    mean = array.mean(0)
    edges = np.linspace(0, len(mean), POINTS // 2 + 1).astype(int)
    found = set[int]()
    for start, end in itertools.pairwise(edges):
        part = mean[start:end]
        found |= {start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(found | {0, len(mean) - 1}))


def slice_picture(picture: Picture, network: Network, which: int | None, axis: int) -> bytes:
    """One slice of a volume as PNG: grey, by the range of the whole volume; three channels as
    colour.

    Raises
    ------
    BadOption
        For a slice that is not there, and for what is no volume.
    """
    array = laid(picture, network)
    if array.ndim != 4:
        raise BadOption("This is a signal: ask for its curve.")
    if axis not in (0, 1, 2):
        raise BadOption(f"A volume has the axes 0, 1 and 2; received {axis}.")
    number = array.shape[axis + 1] // 2 if which is None else which
    if not 0 <= number < array.shape[axis + 1]:
        raise BadOption(f"There are slices 0 to {array.shape[axis + 1] - 1}; received {number}.")
    low, high = float(array.min()), float(array.max())
    plane = np.take(array, number, axis + 1)
    levels = np.zeros_like(plane) if low == high else (plane - low) / (high - low) * 255
    bands = levels if len(levels) == 3 else np.repeat(levels[:1], 3, 0)
    return encoded(np.ascontiguousarray(np.moveaxis(np.rint(bands), 0, -1).astype(np.uint8)),
                   "image/png")  # fmt: skip
