"""Dimming of what the network did not see of a picture."""

import numpy as np
from jaxtyping import Bool

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.render.ground import muted
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
    left, top, right, bottom = geometry.seen
    picture = image.copy()
    inner = slice(top, bottom)
    for rows, columns in (
        (slice(top), slice(None)),
        (slice(bottom, None), slice(None)),
        (inner, slice(left)),
        (inner, slice(right, None)),
    ):
        if (strip := image[rows, columns]).size:
            picture[rows, columns] = muted(strip, grey=GREY, light=LIGHT)
    wide = _wide(image)
    picture[max(top - wide, 0) : bottom + wide, max(left - wide, 0) : right + wide] = LINE
    picture[top:bottom, left:right] = image[top:bottom, left:right]
    return picture


def _around(image: Image, inside: Bool[np.ndarray, "H W"]) -> Image:
    """Picture dimmed outside of a region that is no upright rectangle, with a line around."""
    if inside.all():
        return image
    picture = muted(image, grey=GREY, light=LIGHT)
    grown = inside
    for _ in range(_wide(image)):
        out = np.pad(grown, 1)
        grown = grown | out[:-2, 1:-1] | out[2:, 1:-1] | out[1:-1, :-2] | out[1:-1, 2:]
    picture[grown] = LINE
    picture[inside] = image[inside]
    return picture


def _wide(image: Image) -> int:
    """Pixels of the line."""
    return max(1, round(min(image.shape[:2]) / 240))
