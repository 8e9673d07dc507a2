"""Boxes around what a detector found, and their numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.arrays import Image
from xai_heatmap.render.fonts import font

FRAME, CASING = (0, 229, 255), (0, 0, 0)

LETTERS, LEAST_LETTERS = 24, 10
"""A number is the shorter side of the picture, divided by the first, high; at least the second, in
pixels.
"""


def framed(
    image: Image,
    box: Sequence[float],
    *,
    number: int | None = None,
    color: tuple[int, int, int] = FRAME,
) -> Image:
    """The picture with a rectangle in it, in a dark casing that shows it on any background.

    Parameters
    ----------
    image
        The picture.
    box
        Left, top, right, bottom in its pixels. What lies outside of the picture is drawn at its
        edge.
    number
        Stands at the upper left corner of the box; none where it has none.
    color
        Of the line, RGB. By default one that neither heat nor a contour has.
    """
    rows, columns = image.shape[:2]
    width = max(2, round(min(rows, columns) / 160))
    left, right = (min(max(round(edge), 0), columns) for edge in (box[0], box[2]))
    top, bottom = (min(max(round(edge), 0), rows) for edge in (box[1], box[3]))
    picture = PIL.Image.fromarray(image)
    draw = PIL.ImageDraw.Draw(picture)
    for outset, line, shade in (
        (width // 2 + 1, 2 * (width // 2 + 1) + width, CASING),
        (0, width, color),
    ):
        edges = left - outset, top - outset, right - 1 + outset, bottom - 1 + outset
        if edges[0] <= edges[2] and edges[1] <= edges[3]:
            draw.rectangle(edges, outline=shade, width=line)
    if number is not None:
        _tag(draw, str(number), (left, top), (columns, rows), color)
    return np.array(picture)


def numbered(image: Image, boxes: Mapping[int, Sequence[float]]) -> Image:
    """The picture with several boxes in it, each with its number; the first is drawn last."""
    for number in sorted(boxes, reverse=True):
        image = framed(image, boxes[number], number=number)
    return image


def _tag(
    draw: PIL.ImageDraw.ImageDraw,
    text: str,
    corner: tuple[int, int],
    size: tuple[int, int],
    color: tuple[int, int, int],
) -> None:
    """A number on a plate above the corner of a box, or in it where there is no room above."""
    letters = font(max(LEAST_LETTERS, round(min(size) / LETTERS)))
    left, top, right, bottom = letters.getbbox(text)
    pad = max(2, round(letters.size / 5))
    width, height = round(right - left) + 2 * pad, round(bottom - top) + 2 * pad
    x = min(max(corner[0], 0), max(size[0] - width, 0))
    y = corner[1] - height if corner[1] >= height else corner[1]
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=CASING)
    draw.text((x + pad - left, y + pad - top), text, color, letters)
