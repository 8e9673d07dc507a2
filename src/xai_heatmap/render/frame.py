"""A box around what a detector found."""

from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.arrays import Image

FRAME, CASING = (0, 229, 255), (0, 0, 0)


def framed(image: Image, box: Sequence[float], *, color: tuple[int, int, int] = FRAME) -> Image:
    """The picture with a rectangle in it, in a dark casing that shows it on any background.

    Parameters
    ----------
    image
        The picture.
    box
        Left, top, right, bottom in its pixels. What lies outside of the picture is drawn at its
        edge.
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
    return np.array(picture)
