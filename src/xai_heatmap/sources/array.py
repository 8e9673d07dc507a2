"""A signal or a volume as a network takes it: numbers, already preprocessed."""

import math
import os
from collections.abc import Sequence
from io import BufferedReader
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, ImageNotFound, NotAnImage
from xai_heatmap.sources.files import opened

ENDING = ".npy"
"""Ending of files that hold one array."""

KINDS = {1: "signal", 3: "volume"}
"""Names of inputs that are no pictures, by the number of grid axes."""

AXES = {1: ("length",), 3: ("depth", "height", "width")}


def is_stored(image: Any) -> bool:
    """Whether the input is the path of a file that holds one array."""
    if not isinstance(image, str | os.PathLike):
        return False
    return os.path.splitext(image)[1].casefold() == ENDING  # noqa: PTH122 - asked of every picture


def stored(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in a ``.npy`` file; objects are never unpickled.

    Raises
    ------
    ImageNotFound, NotAnImage
        If there is no such file, or it holds something else.
    """
    try:
        with opened(path) as file:
            return _array(file)
    except FileNotFoundError:
        raise ImageNotFound(
            f"There is no array {os.fspath(path)!r}. Check the spelling of the path."
        ) from None
    except Exception as problem:
        raise NotAnImage(
            f"{os.fspath(path)!r} is not an array of numbers that numpy reads: {problem}. Write it "
            "with `numpy.save(path, array)`."
        ) from problem


def _array(file: BufferedReader) -> np.ndarray:
    """Array that the header promises, if the file is long enough: no memory is taken before."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its format has the version {version}")
    read = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
    shape, _, dtype = read[version[0] - 1](file)
    if dtype.hasobject:
        raise ValueError("it holds Python's objects, which could run code")
    claimed = math.prod(shape) * dtype.itemsize
    held = os.fstat(file.fileno()).st_size - file.tell()
    if min(shape, default=1) < 0 or claimed > held:
        raise ValueError(
            f"its header says {'x'.join(map(str, shape))} numbers, {claimed:,} bytes, and "
            f"{held:,} follow"
        )
    file.seek(0)
    return np.load(file, allow_pickle=False)


def kind_of(array: np.ndarray, *, axes: int | None) -> int | None:
    """Number of grid axes of an array that is no picture: 1 or 3; None for a picture.

    Parameters
    ----------
    array
        As it was given.
    axes
        Of the grid that the network says it takes, None if it says nothing.
    """
    if axes is not None:
        return axes if axes in KINDS else None
    if array.ndim == 1 or 3 < array.ndim < 6:
        return 1 if array.ndim == 1 else 3
    return None


def as_input(array: np.ndarray, *, axes: int, channels: int | None, channels_last: bool) -> Input:
    """Input of the network, channels first, from an array in the network's own layout.

    Parameters
    ----------
    array
        Numbers in the network's own layout; without an axis of channels where there is one channel.
    axes
        Of the grid.
    channels
        That the network says it takes, None if it says nothing.
    channels_last
        Of the network's own layout.

    Raises
    ------
    BadArray
        For another number of axes or channels, or what is no number.
    """
    wanted = _shape(axes, channels, channels_last=channels_last)
    if array.ndim == axes:
        array = array[..., None] if channels_last else array[None]
    if array.ndim != axes + 1:
        raise BadArray(
            f"A {KINDS[axes]} for this network is {wanted}, or without channels where there is "
            f"one; received an array of shape {array.shape}. "
            + ("maps() takes several at a time." if array.ndim == axes + 2 else "Reshape it.")
        )
    array = numbers(array, KINDS[axes])
    x = np.moveaxis(array, -1, 0) if channels_last else array
    if channels not in (None, len(x)):
        there = channels == array.shape[0 if channels_last else -1]
        turned = "np.moveaxis(array, 0, -1)" if channels_last else "np.moveaxis(array, -1, 0)"
        raise BadArray(
            f"A {KINDS[axes]} for this network is {wanted}; received {array.shape}. "
            + (f"`{turned}` puts the channels where it wants them." if there else "Check it.")
        )
    return np.ascontiguousarray(x, dtype=np.float32)


def numbers(array: np.ndarray, kind: str) -> np.ndarray:
    """The array, if it holds real numbers.

    Raises
    ------
    BadArray
        If it does not.
    """
    if array.dtype.kind not in "fiub":
        raise BadArray(
            f"A {kind} is made of real numbers; received {array.dtype}. Convert it, such as by "
            "`array.astype(np.float32)`."
        )
    return array


def _shape(axes: int, channels: int | None, *, channels_last: bool) -> str:
    """``(12 channels, length)``."""
    first = "channels" if channels is None else counted(channels, "channel")
    parts: Sequence[str] = (*AXES[axes], first) if channels_last else (first, *AXES[axes])
    return f"({', '.join(parts)})"
