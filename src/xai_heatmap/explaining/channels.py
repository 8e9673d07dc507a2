"""Several maps of one input side by side: one for each channel, or two that stand together."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.render.page import PAPER, Picture
from xai_heatmap.render.sheet import sheet

SIZE = 320
"""Longest side of a tile, in pixels."""

GAP = 12
"""Pixels between two pictures."""


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """The picture of each channel on one sheet, with its number, counted from 1."""
    titles = [f"channel {number + 1} of {len(pictures)}" for number in range(len(pictures))]
    size = max(SIZE, *(max(own.shape[:2]) for own in pictures)) if len(pictures) < 5 else SIZE
    return sheet(list(pictures), titles, columns=min(len(pictures), 4), size=min(size, 2 * SIZE))


def pair(left: Picture, right: Picture) -> Picture:
    """Two pictures side by side on paper."""
    tall = max(len(left), len(right))
    wide = left.shape[1] + GAP + right.shape[1]
    page = np.full((tall, wide, 3), PAPER, np.uint8)
    page[: len(left), : left.shape[1]] = left
    page[: len(right), left.shape[1] + GAP :] = right
    return page
