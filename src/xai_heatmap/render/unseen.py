"""Dimming of what the network did not see of a picture."""

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.shapes import Bool
from xai_heatmap.render.ground import mute_all, muted
from xai_heatmap.render.turned import seen

GREY, LIGHT = 0.7, 0.45
"""Colour that the unseen part loses, and light that the unseen part keeps, as shares."""

LINE = 225
"""Brightness of the line around the seen part, in 0 to 255."""


def dimmed(image: Image, geometry: Geometry) -> Image:
    """The picture with all that lies outside of the network's view grey and dark, and a fine line
    around the rest, of which no pixel is covered; a picture that was seen whole as it is.
    """
    if geometry.matrix is not None:
        return _around(image, seen(geometry))
    if geometry.share == 1:
        return image
    return np.array(dim(PIL.Image.fromarray(image), geometry))


def dim(picture: PIL.Image.Image, geometry: Geometry) -> PIL.Image.Image:
    """A picture of Pillow as `dimmed` has it; it is drawn into where it can be."""
    if geometry.matrix is not None:
        return PIL.Image.fromarray(_around(np.asarray(picture), seen(geometry)))
    if geometry.share == 1:
        return picture
    left, top, right, bottom = geometry.seen
    columns, rows = picture.size
    for box in _frame((0, 0, columns, rows), geometry.seen):
        strip = mute_all(picture.crop(box), grey=GREY, light=LIGHT)
        picture.paste(strip, box[:2])
    wide = _wide(rows, columns)
    line = max(left - wide, 0), max(top - wide, 0), min(right + wide, columns), bottom + wide
    for box in _frame((*line[:3], min(line[3], rows)), geometry.seen):
        picture.paste((LINE, LINE, LINE), box)
    return picture


Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def _frame(outer: Box, inner: Box) -> list[Box]:
    """What lies in one box and not in another one inside it, as boxes that hold any pixel."""
    left, top, right, bottom = inner
    boxes = [
        (outer[0], outer[1], outer[2], top),
        (outer[0], bottom, outer[2], outer[3]),
        (outer[0], top, left, bottom),
        (right, top, outer[2], bottom),
    ]
    return [box for box in boxes if box[0] < box[2] and box[1] < box[3]]


def _around(image: Image, inside: Bool[np.ndarray, "H W"]) -> Image:
    """Picture dimmed outside of a region that is no upright rectangle, with a line around."""
    if inside.all():
        return image
    picture = muted(image, grey=GREY, light=LIGHT)
    grown = inside
    for _ in range(_wide(*image.shape[:2])):
        out = np.pad(grown, 1)
        grown = grown | out[:-2, 1:-1] | out[2:, 1:-1] | out[1:-1, :-2] | out[1:-1, 2:]
    picture[grown] = LINE
    picture[inside] = image[inside]
    return picture


def _wide(rows: int, columns: int) -> int:
    """Pixels of the line around the seen part of such a picture."""
    return max(1, round(min(rows, columns) / 240))
