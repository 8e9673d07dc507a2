"""A plane of numbers that is no photograph, and a map that lies on no axes but its own."""

from typing import Any

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Image
from xai_heatmap.core.shapes import Float32
from xai_heatmap.render.photograph import photograph

WINDOW = (1, 99)
"""Percentiles that are drawn black and white."""

Plane = Float32[np.ndarray, "c h w"]


def plane(
    array: Plane,
    heat: DrawnOut,
    *,
    colormap: str,
    alpha: float,
    mute: bool | None = False,
    outlined: bool = False,
) -> Image:
    """The heat over a plane: in grey the mean of its channels, in colours where there are three."""
    shown = array if len(array) == 3 else array.mean(axis=0, keepdims=True)
    low, high = np.percentile(shown, WINDOW)
    levels = np.clip((shown - low) / ((high - low) or 1), 0, 1)
    grey = np.broadcast_to(np.moveaxis(np.rint(levels * 255), 0, -1), (*array.shape[1:], 3))
    image = np.ascontiguousarray(grey.astype(np.uint8))
    how: dict[str, Any] = {"colormap": colormap, "alpha": alpha}
    return photograph(image, heat, mute=mute, outlined=outlined, **how)


def nothing_beneath(heat: DrawnOut) -> Float32[np.ndarray, "1 ..."]:
    """Background of zeros for a map whose grid is not that of the explained input."""
    return np.zeros((1, *heat.shape), np.float32)
