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

_PLAIN = ("RGB", "L", "F")
"""Modes of pictures whose bands are resized as they are."""

_LEFT_OUT = 0.85
"""Share of the rows from which on leaving out the others costs more than it saves."""

_REACH = 3
"""Pixels to each side of which the widest of the filters mixes one, where none is made smaller."""


def resampled(
    picture: PIL.Image.Image, geometry: Geometry, how: PIL.Image.Resampling
) -> tuple[PIL.Image.Image, tuple[int, int]]:
    """Part of the picture that the network sees, resized, and its row and column on the input.

    All of the picture is resized and then cropped, as training did it, to the last bit. Resizing
    the crop alone is off by one level in places, since Pillow keeps a box as float32; that is good
    enough for a very long picture alone, which would take gigabytes otherwise.
    """
    (rows, columns), (top, left) = geometry.resized, geometry.offset
    height, width = geometry.input_size
    if rows * columns > _WASTE * height * width:
        return picture.resize((width, height), how, box=_inside(geometry)), (0, 0)
    above, before = max(top, 0), max(left, 0)
    below, after = min(top + height, rows), min(left + width, columns)
    at = above - top, before - left
    if _along_rows_first(picture, (columns, rows), how):
        picture = _narrowed(picture, (columns, rows), how, (before, above, after, below))
        columns, before, after = after - before, 0, after - before
    return picture.resize((columns, rows), how).crop((before, above, after, below)), at


def _along_rows_first(
    picture: PIL.Image.Image, size: tuple[int, int], how: PIL.Image.Resampling
) -> bool:
    """Whether Pillow resizes along rows, rounds, and then along columns, whatever its version."""
    columns, rows = size
    lost = picture.height - rows
    upright = lost > 0 and lost > 2 * (picture.width - columns)
    return how != PIL.Image.Resampling.NEAREST and picture.mode in _PLAIN and not upright


def _narrowed(
    picture: PIL.Image.Image,
    size: tuple[int, int],
    how: PIL.Image.Resampling,
    seen: tuple[int, int, int, int],
) -> PIL.Image.Image:
    """The picture resized along its rows alone, of which the columns that are seen are kept; rows
    far from those that are seen may be black.
    """
    (columns, rows), (before, above, after, below) = size, seen
    deep, scale = picture.height, picture.height / rows
    reach = _REACH * max(scale, 1) + 1
    first, last = max(0, int(above * scale - reach)), min(deep, int(below * scale + reach) + 1)
    if last - first >= _LEFT_OUT * deep:
        first, last = 0, deep
    part = picture if last - first == deep else picture.crop((0, first, picture.width, last))
    part = part.resize((columns, last - first), how).crop((before, 0, after, last - first))
    if part.height == deep:
        return part
    whole = PIL.Image.new(picture.mode, (after - before, deep))
    whole.paste(part, (0, first))
    return whole


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
