"""Pictures as OpenCV has them, blue first, to and from pictures as this project has them."""

import os

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.shapes import UInt8
from xai_heatmap.sources.image import read
from xai_heatmap.sources.pixels import HALF_A_LEVEL

BlueFirst = UInt8[np.ndarray, "H W 3"]
"""A picture whose channels are blue, green, red."""

Picture = np.ndarray | PIL.Image.Image | str | os.PathLike[str] | bytes
"""An array is blue first; files and Pillow pictures say themselves what they hold."""


def from_cv2(picture: Picture) -> Image:
    """The picture as RGB, 8 bits.

    Parameters
    ----------
    picture
        An array: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA; whole numbers in 0 to 255,
        uint16 of its whole range, or floats in [0, 1] or, where one is above 1, in [0, 255].
        Anything else that is a picture is read as `xai_heatmap.explain` reads it.
    """
    if not isinstance(picture, np.ndarray):
        return read(picture).image
    return read(_in_a_readable_range(_red_first(picture))).image


def to_cv2(image: Image) -> BlueFirst:
    """The picture with blue first."""
    return np.ascontiguousarray(image[..., ::-1])


def _red_first(picture: np.ndarray) -> np.ndarray:
    if picture.ndim != 3 or picture.shape[-1] not in (3, 4):
        return picture
    return picture[..., [2, 1, 0, 3][: picture.shape[-1]]]


def _in_a_readable_range(picture: np.ndarray) -> np.ndarray:
    if not picture.size or picture.dtype in (np.uint8, np.uint16, np.bool_):
        return picture
    low, high = picture.min(), picture.max()
    if np.issubdtype(picture.dtype, np.integer) and low >= 0 and high <= 255:
        return picture.astype(np.uint8)
    if np.issubdtype(picture.dtype, np.floating) and low >= 0 and 1 + HALF_A_LEVEL < high <= 255:
        return np.rint(picture).astype(np.uint8)
    return picture
