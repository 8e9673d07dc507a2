"""Scaling of a picture of bands to the numbers that the network was trained on."""

from collections.abc import Mapping

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, UnknownPreprocess
from xai_heatmap.sources.pixels import check_white
from xai_heatmap.sources.preprocess import Preprocess, Scaling

LEVELS = 255.0
"""Level of white in the units of a preset."""

Stated = str | Preprocess | Mapping[str, object] | None


def scaled(bands: np.ndarray, wanted: Stated, *, white: int | float | None, model: str) -> Input:
    """The bands as the network takes them, float32 (c, H, W).

    Floats are taken as they are where nothing is said; whole numbers need a word. With ``raw`` they
    are numbers; with any other preset the highest of their type, or `white`, is white.

    Raises
    ------
    UnknownPreprocess
        For whole numbers without a word.
    BadOption
        For a preset that is of three channels, or a size that is none of the picture's.
    """
    whole = bands.dtype.kind in "iub"
    if wanted is None and (not whole or white is not None):
        return np.ascontiguousarray(bands if white is None else bands / _top(bands, white), "f4")
    if wanted is None:
        raise UnknownPreprocess(
            f"How {model} wants bands of {bands.dtype} is not known: preprocess='raw' takes them "
            "as numbers, 'unit' makes the highest of the type (or white=...) 1; with mean and std, "
            "preprocess={'mode': 'raw', 'mean': [...], 'std': [...]}. Floats are taken as they are."
        )
    own = stated(wanted)
    scaling = own.scaling
    _check(own, scaling, bands)
    levels = bands.astype(np.float64)
    if own.mode != "raw" or white is not None:
        levels *= LEVELS / _top(bands, white)
    mean, std = (np.reshape(value, (-1, 1, 1)) for value in (scaling.mean, scaling.std))
    return np.ascontiguousarray((levels / scaling.divisor - mean) / std, np.float32)


def stated(wanted: Stated) -> Preprocess:
    """The user's word as a preprocessing."""
    if isinstance(wanted, Preprocess):
        return wanted
    if isinstance(wanted, str):
        return Preprocess(mode=wanted)
    return Preprocess.from_dict(dict(wanted or {}))


def _top(bands: np.ndarray, white: int | float | None) -> float:
    """The value that is white."""
    if white is not None:
        check_white(white)
        return float(white)
    if bands.dtype.kind == "f":
        return 1.0
    if bands.dtype.kind == "u":
        return float(np.iinfo(bands.dtype).max)
    raise BadOption(
        f"What is white in bands of {bands.dtype} is not known. Say it: white=4095, or take them "
        "as numbers: preprocess='raw'."
    )


def _check(own: Preprocess, scaling: Scaling, bands: np.ndarray) -> None:
    for name, values in (("mean", scaling.mean), ("std", scaling.std)):
        if len(values) not in (1, len(bands)):
            raise BadOption(
                f"The picture has {counted(len(bands), 'band')}, and {name} has "
                f"{counted(len(values), 'number')} "
                f"(preset {own.mode!r}). Give one, or one for each band: preprocess={{'mode': "
                "'raw', 'mean': [...], 'std': [...]}."
            )
    size = bands.shape[1:]
    if own.input_size is not None and tuple(own.input_size) != size:
        raise BadOption(
            f"A picture of bands is taken at its own size, {size}; received "
            f"input_size={own.input_size}. Resize the array."
        )
