"""A picture at the size at which a network sees it, by Pillow's filters."""

from functools import cache
from types import MappingProxyType

import numpy as np
import PIL.Image

from xai_heatmap.core.geometry import Geometry

RESAMPLINGS = MappingProxyType(
    {
        "bilinear": PIL.Image.Resampling.BILINEAR,
        "bicubic": PIL.Image.Resampling.BICUBIC,
        "nearest": PIL.Image.Resampling.NEAREST,
        "lanczos": PIL.Image.Resampling.LANCZOS,
        "box": PIL.Image.Resampling.BOX,
        "hamming": PIL.Image.Resampling.HAMMING,
    }
)
"""Pillow's filters, by the names that it gives them."""

_WASTE = 16
"""Most pixels that may be resized for each one needed, to agree to the last bit."""


def resampled(
    picture: PIL.Image.Image, geometry: Geometry, how: PIL.Image.Resampling
) -> tuple[PIL.Image.Image, tuple[int, int]]:
    """Part of the picture that the network sees, resized, and its row and column on the input.

    All of the picture is resized and then cropped, as training did it. Resizing the crop alone is
    off by one level in places, since Pillow keeps a box as float32; that is good enough for a very
    long picture alone, which would take gigabytes otherwise.
    """
    (rows, columns), (top, left) = geometry.resized, geometry.offset
    height, width = geometry.input_size
    if rows * columns > _WASTE * height * width:
        return picture.resize((width, height), how, box=_inside(geometry)), (0, 0)
    picture = picture.resize((columns, rows), how)
    above, before = max(top, 0), max(left, 0)
    below, after = min(top + height, rows), min(left + width, columns)
    return picture.crop((before, above, after, below)), (above - top, before - left)


def _inside(geometry: Geometry) -> tuple[float, float, float, float]:
    """The box, without what rounding put outside of the image."""
    left, top, right, bottom = geometry.box
    rows, columns = geometry.image_size
    return max(left, 0.0), max(top, 0.0), min(right, columns), min(bottom, rows)


@cache
def columns_first() -> bool:
    """Whether this Pillow resizes the columns of upright pictures first, as it does since 13.

    Such a picture loses more than twice as many rows as columns. Both passes round to whole levels,
    so that their order shows; it is looked at rather than read off a version.
    """
    picture = PIL.Image.fromarray((np.arange(240) * 97 % 251).astype(np.uint8).reshape(40, 6))
    one_by_one = picture.resize((6, 8), PIL.Image.Resampling.BILINEAR)
    one_by_one = one_by_one.resize((4, 8), PIL.Image.Resampling.BILINEAR)
    at_once = picture.resize((4, 8), PIL.Image.Resampling.BILINEAR)
    return np.array_equal(np.asarray(at_once), np.asarray(one_by_one))
