"""A plane of numbers that is no photograph, and a map that lies on no axes but its own."""

import numpy as np
from jaxtyping import Float32

from xai_heatmap.core.arrays import DrawnOut, Image
from xai_heatmap.render.contour import contour
from xai_heatmap.render.overlay import overlay

WINDOW = (1, 99)
"""Percentiles that are drawn black and white."""

Plane = Float32[np.ndarray, "c h w"]


def plane(array: Plane, heat: DrawnOut, *, colormap: str, alpha: float, marked: bool) -> Image:
    """The heat over a plane: in grey the mean of its channels, in colours where there are three."""
    shown = array if len(array) == 3 else array.mean(axis=0, keepdims=True)
    low, high = np.percentile(shown, WINDOW)
    levels = np.clip((shown - low) / ((high - low) or 1), 0, 1)
    image = np.broadcast_to(np.moveaxis(np.rint(levels * 255), 0, -1), (*array.shape[1:], 3))
    picture = overlay(image.astype(np.uint8), heat, colormap=colormap, alpha=alpha)
    return contour(picture, heat) if marked else picture


def nothing_beneath(heat: DrawnOut) -> Float32[np.ndarray, "1 ..."]:
    """What a map is drawn over whose grid is none of what is explained."""
    return np.zeros((1, *heat.shape), np.float32)
