"""A map for each channel of the input, side by side over what is explained."""

from collections.abc import Sequence

from xai_heatmap.render.page import Picture
from xai_heatmap.render.sheet import sheet

SIZE = 320
"""Longest side of a tile, in pixels."""


def side_by_side(pictures: Sequence[Picture]) -> Picture:
    """The picture of each channel on one sheet, with its number, counted from 1."""
    titles = [f"channel {number + 1} of {len(pictures)}" for number in range(len(pictures))]
    size = max(SIZE, *(max(own.shape[:2]) for own in pictures)) if len(pictures) < 5 else SIZE
    return sheet(list(pictures), titles, columns=min(len(pictures), 4), size=min(size, 2 * SIZE))
