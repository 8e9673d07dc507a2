"""Overlap of boxes (intersection over union), and the derivative of that overlap by the boxes."""

import numpy as np

from xai_heatmap.core.shapes import Float32

Box = Float32[np.ndarray, "4"]
"""Left, top, right, bottom."""

BoxRows = Float32[np.ndarray, "d 4"]
"""Several boxes, one a row."""

TINY = np.float32(1e-12)
"""Two boxes without area do not overlap."""


def overlaps(box: Box, boxes: BoxRows) -> Float32[np.ndarray, " d"]:
    """Intersection over union, |b ∩ b_d| / |b ∪ b_d|, of one box with each of several.

    >>> box = np.array([0, 0, 2, 2], np.float32)
    >>> float(overlaps(box, np.array([[1, 0, 3, 2]], np.float32))[0]) == np.float32(1 / 3)
    True
    """
    common = np.maximum(_sides(box, boxes), 0).prod(axis=1)
    return common / np.maximum(_area(box[None]) + _area(boxes) - common, TINY)


def slopes(box: Box, boxes: BoxRows) -> BoxRows:
    """∂overlap/∂b_d: (I' (U + I) - I A') / U², with intersection I, union U and area A of b_d."""
    sides = np.maximum(_sides(box, boxes), 0)
    inner = sides.prod(axis=1, keepdims=True)
    union = np.maximum(_area(box[None])[:, None] + _area(boxes)[:, None] - inner, TINY)
    starts, stops = boxes[:, :2] > box[:2], boxes[:, 2:] < box[2:]
    moved = np.concatenate([-starts.astype(np.float32), stops.astype(np.float32)], axis=1)
    lengths = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    of_inner = moved * np.tile(sides[:, ::-1], 2) * (inner > 0)
    of_area = np.array([-1, -1, 1, 1]) * np.tile(lengths[:, ::-1], 2)
    return ((of_inner * (union + inner) - inner * of_area) / union**2).astype(np.float32)


def _sides(box: Box, boxes: BoxRows) -> Float32[np.ndarray, "d 2"]:
    """Width and height of what is in both; negative where nothing is."""
    return np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])


def _area(boxes: BoxRows) -> Float32[np.ndarray, " d"]:
    return np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)
