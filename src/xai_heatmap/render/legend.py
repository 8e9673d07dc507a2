"""A bar of colours with the numbers they stand for."""

import math

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.colormaps import named
from xai_heatmap.render.fonts import font, suited
from xai_heatmap.render.page import INK, PAPER, Picture, elided, letters, number


def legend(
    *,
    low: float,
    high: float,
    colormap: str = "inferno",
    title: str = "",
    width: int = 480,
    text: int = 16,
) -> Picture:
    """A horizontal colour bar, with the numbers at its ends and in the middle.

    Parameters
    ----------
    low, high
        What the first and the last colour stand for, in the raw map's units.
    colormap
        A key of ``COLORMAPS``.
    title
        One line above the bar, such as what the numbers measure.
    width
        Of the whole legend, in pixels.
    text
        Height of the letters, in pixels.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise BadOption(f"A legend runs from low to high, both finite; received {low}, {high}.")
    if width < 8 * text or text < 1:
        raise BadOption(
            f"A legend is at least 8 letters wide; received width={width} with text={text}."
        )
    colors, using, gap = named(colormap).table, font(text), max(text // 2, 1)
    line = round(text * 1.4)
    bar_top = gap + (line if title else 0)
    bar_bottom = bar_top + text
    canvas = PIL.Image.new("RGB", (width, bar_bottom + gap // 2 + line + gap), PAPER)
    draw = PIL.ImageDraw.Draw(canvas)
    if title:
        words = suited(title, using)
        draw.text((gap, gap), elided(title, width - 2 * gap, using=words), INK, words)
    bar = PIL.Image.fromarray(colors[None]).resize(
        (width - 2 * gap, text), PIL.Image.Resampling.BILINEAR
    )
    canvas.paste(bar, (gap, bar_top))
    draw.rectangle((gap - 1, bar_top - 1, width - gap, bar_bottom), outline=(173, 181, 189))
    places = (("la", gap, low), ("ma", width / 2, (low + high) / 2), ("ra", width - gap, high))
    for anchor, x, value in places:
        draw.text((x, bar_bottom + gap // 2), number(value), INK, using, anchor=anchor)
    return np.array(canvas)


def with_legend(
    picture: Picture,
    *,
    low: float,
    high: float,
    colormap: str = "inferno",
    title: str = "",
    text: int | None = None,
) -> Picture:
    """The picture with a legend of its own width below it; letters are as large as that allows if
    `text` does not say.
    """
    width = max(picture.shape[1], 160)
    below = legend(
        low=low,
        high=high,
        colormap=colormap,
        title=title,
        width=width,
        text=text or letters(width),
    )
    missing = width - picture.shape[1]
    padded = np.pad(
        picture, ((0, 0), (missing // 2, missing - missing // 2), (0, 0)), constant_values=255
    )
    return np.concatenate([padded, below])
