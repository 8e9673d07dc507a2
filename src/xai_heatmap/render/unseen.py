"""What the network did not see of a picture, dimmed."""

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.geometry import Geometry

GREY, LIGHT = 0.7, 0.45
"""How much of its colour the unseen part loses, and how much of its light it keeps."""

LINE = 225
"""How bright the line around the rest is, in 0 to 255."""


def dimmed(image: Image, geometry: Geometry) -> Image:
    """The picture with all that lies outside of the network's view grey and dark, and a fine line
    around the rest, of which no pixel is covered; a picture that was seen whole as it is.
    """
    if geometry.share == 1:
        return image
    left, top, right, bottom = geometry.seen
    luma = image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    faded = LIGHT * (GREY * luma[..., None] + (1 - GREY) * image)
    picture = np.rint(faded).astype(np.uint8)
    wide = max(1, round(min(image.shape[:2]) / 240))
    picture[max(top - wide, 0) : bottom + wide, max(left - wide, 0) : right + wide] = LINE
    picture[top:bottom, left:right] = image[top:bottom, left:right]
    return picture
