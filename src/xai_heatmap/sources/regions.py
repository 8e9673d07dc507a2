"""Files of the user's own regions: a label image, or masks as numpy stores them."""

import os
from pathlib import Path

import numpy as np

from xai_heatmap.core.errors import BadArray, InputError
from xai_heatmap.sources.array import is_stored, stored
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.pillow import identified

ONE_NUMBER = ("1", "L", "P", "I", "I;16", "I;16B")
"""Modes of pictures that hold one whole number a pixel; of a palette that of the colour."""


def regions_in(path: str | os.PathLike[str]) -> np.ndarray:
    """Regions in a file: numbers (H, W) of a label image, or any array of a ``.npy``.

    Raises
    ------
    BadArray
        For a picture of several channels.
    InputError
        For a file that can't be read.
    """
    if is_stored(path):
        return stored(path)
    own = Path(path).expanduser()
    if not own.is_file():
        what = f"{str(path)!r} is no regular" if own.exists() else "There is no"
        named = "" if own.exists() else f" {str(path)!r}"
        raise InputError(f"{what} file{named}. regions= takes a label image or a .npy.")
    with opened(own) as file:
        try:
            picture = identified(file)
            picture.load()
        except OSError as problem:
            raise InputError(
                f"{str(path)!r} can't be read as a label image: {problem}."
            ) from problem
        if picture.mode not in ONE_NUMBER:
            raise BadArray(
                f"{str(path)!r} has several channels ({picture.mode}); a label image has one whole "
                "number a pixel. Save it as 8-bit or 16-bit grey, or as .npy: "
                "np.save('regions.npy', labels)."
            )
        return np.asarray(picture).astype(np.int64)
