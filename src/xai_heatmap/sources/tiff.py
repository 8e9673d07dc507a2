"""TIFF files that Pillow can't read: many samples a pixel, or several of 16 bits; by tifffile."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, ImageTooLarge, NotAnImage
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.limits import TRUSTED

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of a TIFF, and of a BigTIFF."""

BY_HAND = (
    "np.save('picture.npy', array), with the array that your own reader gives, such as "
    "tifffile.imread(path), as (H, W, bands)"
)


SAMPLES = 16
"""Most samples a pixel of a picture that has as many pixels as are allowed; a smaller one may have
more.
"""


def begins(start: bytes) -> bool:
    """Whether a file that starts so is a TIFF."""
    return start[:4] in MAGIC


def refusal(what: str) -> str:
    """Sentences on a TIFF that Pillow can't read."""
    return (
        f"{what} is a TIFF that Pillow can't read: broken, of five samples a pixel or more, or of "
        "several samples of 16 bits. For a network of as many bands `pip install "
        f"'xai-heatmap[tiff]'` reads it, or write {BY_HAND}."
    )


def samples(image: str | os.PathLike[str] | bytes, *, what: str, limit: int) -> np.ndarray:
    """Samples of a TIFF's first page as stored, (H, W, samples); smaller copies of it that follow,
    as in a pyramid, are left out.

    Raises
    ------
    NotAnImage
        If tifffile is not there or can't read it.
    BadArray
        If several pages hold several samples each, so that it isn't known what the bands are.
    ImageTooLarge
        If it has more pixels than `limit`; before it is decoded.
    """
    try:
        import tifffile
    except ImportError:
        raise NotAnImage(refusal(what)) from None
    file = BytesIO(image) if isinstance(image, bytes) else opened(Path(image))
    with file:
        try:
            with tifffile.TiffFile(file, name="picture.tif") as tiff:
                return _first(tiff, what=what, limit=limit)
        except (BadArray, ImageTooLarge):
            raise
        except Exception as problem:
            raise NotAnImage(
                f"{what} can't be read by tifffile: {problem}. Compressed files may need `pip "
                f"install imagecodecs`; or write {BY_HAND}."
            ) from problem


def _first(tiff: Any, *, what: str, limit: int) -> np.ndarray:
    page = tiff.pages[0]
    width, height, number = page.imagewidth, page.imagelength, page.samplesperpixel
    if width * height > limit or width * height * number > SAMPLES * limit:
        raise ImageTooLarge(
            f"{what} says that it is {width} x {height} pixels of "
            f"{counted(number, 'sample')}; the limit is "
            f"{limit:,} pixels. It was not decoded. {TRUSTED}"
        )
    alike = [own for own in tiff.pages if own.shape == page.shape]
    if len(alike) > 1 and number > 1:
        raise BadArray(
            f"{what} has {counted(len(alike), 'page')} of {counted(number, 'sample')} "
            f"each, which could be {number} "
            f"bands of {counted(len(alike), 'picture')}, or "
            f"{counted(len(alike) * number, 'band')} of one. Write the "
            f"picture that is meant: {BY_HAND}."
        )
    array = page.asarray()
    axes = page.axes.replace("S", "") if number == 1 else page.axes
    if axes not in ("YX", "YXS", "SYX"):
        raise BadArray(
            f"{what} has the axes {page.axes}; a picture has rows, columns and samples. Write the "
            f"picture that is meant: {BY_HAND}."
        )
    array = array.reshape(height, width, -1) if axes == "YX" else array
    return np.moveaxis(array, 0, -1) if axes == "SYX" else array
