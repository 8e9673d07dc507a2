"""Picture files of any number of bands: samples of a pixel, or pages."""

import os

import numpy as np
import PIL.Image

from xai_heatmap.core.errors import NotAnImage
from xai_heatmap.sources import tiff
from xai_heatmap.sources.files import opened
from xai_heatmap.sources.image import broken_is_said, decoded
from xai_heatmap.sources.limits import LIMIT

SAMPLES_PER_PIXEL = 277
"""Tag of a TIFF."""


def bands_in(
    image: str | os.PathLike[str] | bytes | PIL.Image.Image, channels: int, *, limit: int = LIMIT
) -> np.ndarray | None:
    """Bands of a picture, (H, W, channels) as stored; None for another number of bands.

    Of a TIFF of several grey pages, all of one size, every page is a band, however many they are.
    Of one that Pillow can't read, or only its upper eight bits, every sample is one.
    """
    try:
        found, whole = _bands_in(image, channels, limit=limit)
    except NotAnImage:
        found, whole = None, False
        if not _is_tiff(image):
            raise
    if whole or isinstance(image, PIL.Image.Image):
        return found
    what = f"{len(image)} bytes" if isinstance(image, bytes) else repr(str(image))
    return tiff.samples(image, what=what, limit=limit)


def _is_tiff(image: object) -> bool:
    if isinstance(image, bytes):
        return tiff.begins(image)
    if not isinstance(image, str | os.PathLike):
        return False
    with opened(image) as file:
        return tiff.begins(file.read(4))


def _bands_in(
    image: str | os.PathLike[str] | bytes | PIL.Image.Image, channels: int, *, limit: int
) -> tuple[np.ndarray | None, bool]:
    """Bands as Pillow has them, and whether that is all of them with all of their bits."""
    with decoded(image, limit=limit) as picture, broken_is_said(picture.what):
        pixels = picture.pixels
        if pixels.format == "TIFF" and (picture.cut or _left_out(pixels)):
            return None, False
        pages = getattr(pixels, "n_frames", 1) if pixels.format == "TIFF" else 1
        if pages > 1 and len(pixels.getbands()) == 1:
            return _pages(pixels, pages), True
        return (np.array(pixels) if len(pixels.getbands()) == channels else None), True


def _left_out(picture: PIL.Image.Image) -> bool:
    """Whether Pillow leaves samples of a TIFF out."""
    kept = len(picture.getbands())
    return getattr(picture, "tag_v2", {}).get(SAMPLES_PER_PIXEL, kept) > kept


def _pages(picture: PIL.Image.Image, pages: int) -> np.ndarray | None:
    """Every page as a band; None if they are not of one kind and size, as those of a scan."""
    first = picture.size, picture.mode
    bands = []
    for page in range(pages):
        picture.seek(page)
        if (picture.size, picture.mode) != first:
            return None
        bands.append(np.array(picture))
    return np.stack(bands, axis=-1)
