"""Outlines of the most relevant regions."""

import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageFilter
from jaxtyping import Bool

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.errors import BadArray, BadOption

Mask = Bool[np.ndarray, "H W"]

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def contour(
    image: Image,
    heat: Heat,
    *,
    levels: Sequence[float] = (0.5,),
    width: float | None = None,
    color: tuple[int, int, int] = WHITE,
) -> Image:
    """The photograph with an outline around the region at or beyond each level.

    The line has a dark casing, so that it shows on any background. Where a region runs into the
    picture's edge, the outline is open.

    Parameters
    ----------
    image, heat
        Of the same size.
    levels
        In the heat's units, so 0.5 is half of the maximum of a scaled heat. A negative level
        outlines what lies at or below it.
    width
        Of the line, in pixels; 1/160 of the picture's shorter side, but at least 2, if not given.
    color
        Of the line, RGB.
    """
    if image.shape[:2] != heat.shape:
        raise BadArray(
            f"An outline takes an image and a heat of one size; received {image.shape[:2]} and "
            f"{heat.shape}. `render.heat.heat(map_, geometry)` gives a heat of the image's size."
        )
    width = max(2.0, min(heat.shape) / 160) if width is None else width
    if not width > 0:
        raise BadOption(f"An outline's width is above 0 pixels; received {width}.")
    picture = PIL.Image.fromarray(image)
    for level in levels:
        edge = _edge(heat >= level if level > 0 else heat <= level)
        if edge.any():
            left, top, right, bottom = _around(edge, margin=math.ceil(4 * width))
            edge = edge[top:bottom, left:right]
            picture.paste(BLACK, (left, top), _line(edge, 2 * width))
            picture.paste(color, (left, top), _line(edge, width))
    return np.array(picture)


def _edge(region: Mask) -> Mask:
    """Pixels of the region that lie beside a pixel outside."""
    outside = np.pad(~region, 1)
    beside = outside[:-2, 1:-1] | outside[2:, 1:-1] | outside[1:-1, :-2] | outside[1:-1, 2:]
    return region & beside


def _around(edge: Mask, *, margin: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the smallest rectangle that holds the edge and a margin."""
    rows, columns = np.flatnonzero(edge.any(axis=1)), np.flatnonzero(edge.any(axis=0))
    return (
        max(int(columns[0]) - margin, 0),
        max(int(rows[0]) - margin, 0),
        min(int(columns[-1]) + 1 + margin, edge.shape[1]),
        min(int(rows[-1]) + 1 + margin, edge.shape[0]),
    )


def _line(edge: Mask, width: float) -> PIL.Image.Image:
    """The edge drawn ``width`` pixels wide with soft borders, as an opacity mask.

    Blurring an edge of one pixel by a Gaussian leaves a ridge; all of it that is higher than the
    ridge's flank at half the width is the line.
    """
    sigma = max(width / 2, 0.8)
    ridge = PIL.Image.fromarray(edge.astype(np.uint8) * 255).filter(
        PIL.ImageFilter.GaussianBlur(sigma)
    )
    peak = 255 / (sigma * np.sqrt(2 * np.pi))
    flank = peak * np.exp(-((width / 2) ** 2) / (2 * sigma**2))
    share = np.clip((np.arange(256) - flank) / (0.25 * peak) + 0.5, 0, 1)
    return ridge.point(np.rint(255 * share).astype(int).tolist())
