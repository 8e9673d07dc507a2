"""Channels of a picture at the size at which a network sees it."""

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Deep, Image
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.resampling import resampled

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey (ITU-R BT.601), as Pillow has them."""

Seen = tuple[list[np.ndarray], tuple[int, int]]
"""Each channel of what the network sees, in 0 to 255, and its row and column on the input."""


def channels_of(
    image: Image | Deep | PIL.Image.Image,
    geometry: Geometry,
    how: PIL.Image.Resampling,
    channels: int,
) -> Seen:
    """Channels, one (grey) or three (RGB), of the part of a picture that the network sees.

    A picture of 8 bits is resized in 8 bits, as models are trained; one of more in floats, so that
    nothing of it is rounded.
    """
    if isinstance(image, PIL.Image.Image):
        return _rounded(image, geometry, how, channels)
    if image.dtype == np.uint8:
        return _rounded(PIL.Image.fromarray(image), geometry, how, channels)
    return _unrounded(image, geometry, how, channels)


def _rounded(
    image: PIL.Image.Image, geometry: Geometry, how: PIL.Image.Resampling, channels: int
) -> Seen:
    seen, at = resampled(image, geometry, how)
    planes = (seen.convert("L") if channels == 1 else seen).split()
    return [np.asarray(plane) for plane in planes], at


def _unrounded(image: Deep, geometry: Geometry, how: PIL.Image.Resampling, channels: int) -> Seen:
    found = [
        resampled(PIL.Image.fromarray(np.ascontiguousarray(plane)), geometry, how)
        for plane in np.moveaxis(image, -1, 0)
    ]
    planes = [np.asarray(seen) for seen, _ in found]
    if channels == 1 and len(planes) == 3:
        grey = sum(np.float32(share) * one for share, one in zip(LUMA, planes, strict=True))
        planes = [np.asarray(grey)]
    return (planes * channels if len(planes) == 1 else planes), found[0][1]
