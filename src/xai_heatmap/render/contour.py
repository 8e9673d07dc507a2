"""Outlines of the most relevant regions."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import PIL.Image
import PIL.ImageFilter

from xai_heatmap.core.arrays import Heat, Image
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.shapes import Bool
from xai_heatmap.render.overlay import looked_up

Mask = Bool[np.ndarray, "H W"]

BAND = 8
"""Rows that are outlined at a time, as a multiple of the margin around a line."""

AT_ONCE = 1 << 16
"""Pixels that are blurred sooner than they are told apart."""

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
    picture = PIL.Image.fromarray(image)
    outline(picture, heat, levels=levels, width=width, color=color)
    return np.array(picture)


def outline(
    picture: PIL.Image.Image,
    heat: Heat,
    *,
    levels: Sequence[float] = (0.5,),
    width: float | None = None,
    color: tuple[int, int, int] = WHITE,
) -> None:
    """Draw outlines into a picture that Pillow holds, as `contour` does."""
    if picture.size[::-1] != heat.shape:
        raise BadArray(
            "An outline takes an image and a heat of one size; received "
            f"{picture.size[::-1]} and {heat.shape}. `render.heat.heat(map_, geometry)` gives a "
            "heat of the image's size."
        )
    width = max(2.0, min(heat.shape) / 160) if width is None else width
    if not width > 0:
        raise BadOption(f"An outline's width is above 0 pixels; received {width}.")
    for level in levels:
        edge = _edge(heat >= level if level > 0 else heat <= level)
        for shade, wide in ((BLACK, 2 * width), (color, width)):
            margin = _reach(wide)
            for box in _pieces(edge, margin):
                rows, columns = (
                    slice(max(box[i] - margin, 0), box[i + 2] + margin) for i in (1, 0)
                )
                near = PIL.Image.fromarray(edge[rows, columns] * np.uint8(255))
                left, top = box[0] - columns.start, box[1] - rows.start
                own = left, top, left + box[2] - box[0], top + box[3] - box[1]
                picture.paste(shade, box, _line(near, wide, own))


def _edge(region: Mask) -> Mask:
    """Pixels of the region that lie beside a pixel outside."""
    outside = ~region
    beside = np.zeros_like(region)
    beside[1:] = outside[:-1]
    beside[:-1] |= outside[1:]
    beside[:, 1:] |= outside[:, :-1]
    beside[:, :-1] |= outside[:, 1:]
    beside &= region
    return beside


def _pieces(edge: Mask, margin: int) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of rectangles, apart from each other, that together hold the edge
    and a margin around it, and little else: most of what an outline runs around is left out.
    """
    filled = np.flatnonzero(edge.any(axis=1))
    if not len(filled):
        return
    start, end = max(int(filled[0]) - margin, 0), min(int(filled[-1]) + 1 + margin, len(edge))
    step = BAND * margin if (end - start) * edge.shape[1] > AT_ONCE else end - start
    for top in range(start, end, step):
        bottom = min(top + step, end)
        near = np.flatnonzero(edge[max(top - margin, 0) : bottom + margin].any(axis=0))
        for own in np.split(near, np.flatnonzero(np.diff(near) > 2 * margin) + 1):
            if len(own):
                left, right = max(int(own[0]) - margin, 0), int(own[-1]) + 1 + margin
                yield left, top, min(right, edge.shape[1]), bottom


def _line(edge: PIL.Image.Image, width: float, box: tuple[int, int, int, int]) -> PIL.Image.Image:
    """An edge of 255 on 0 drawn ``width`` pixels wide with soft borders, as an opacity mask of what
    lies in a box of it.

    Blurring an edge of one pixel by a Gaussian leaves a ridge; all of it that is higher than the
    ridge's flank at half the width is the line.
    """
    ridge = edge.filter(PIL.ImageFilter.GaussianBlur(_sigma(width)))
    cut = ridge.crop(box)
    return looked_up(cut.tobytes(), cut.size, _opacity(width))


def _sigma(width: float) -> float:
    return max(width / 2, 0.8)


def _reach(width: float) -> int:
    """Pixels that an edge is blurred into on each side, and no further: Pillow takes three means of
    a width that together have the variance of the Gaussian, over whole pixels.
    """
    mean = math.sqrt(4 * _sigma(width) ** 2 + 1)
    return 3 * (math.floor((mean - 1) / 2) + 1)


@lru_cache(maxsize=16)
def _opacity(width: float) -> bytes:
    """Opacity of a line by the height of its ridge, 0 to 255."""
    sigma = _sigma(width)
    peak = 255 / (sigma * np.sqrt(2 * np.pi))
    flank = peak * np.exp(-((width / 2) ** 2) / (2 * sigma**2))
    share = np.clip((np.arange(256) - flank) / (0.25 * peak) + 0.5, 0, 1)
    return np.rint(255 * share).astype(np.uint8).tobytes()
