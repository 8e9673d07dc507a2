"""Many pictures on one page, each with its title."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.fonts import font, suited
from xai_heatmap.render.page import INK, PAPER, Picture, elided


def sheet(
    tiles: Sequence[Picture],
    titles: Sequence[str],
    *,
    columns: int | None = None,
    size: int = 320,
    text: int = 18,
    heading: str = "",
) -> Picture:
    """A contact sheet: the tiles in reading order, their titles below them.

    Tiles keep their aspect and stand on their titles. Those smaller than ``size`` are enlarged
    without smoothing: what is seen are their own pixels. Titles too long lose their middle.

    Parameters
    ----------
    tiles, titles
        As many of the one as of the other; at least one.
    columns
        If not given, as many as make the page about as wide as a screen.
    size
        Longer side of a tile, in pixels.
    text
        Height of the titles' letters, in pixels.
    heading
        One line at the top of the page, larger.
    """
    _check(tiles, titles, columns, size, text)
    pictures = [_fitted(tile, size) for tile in tiles]
    width = max(3 * text, *(picture.width for picture in pictures))
    gap, line, head = max(text * 2 // 3, 2), round(text * 1.5), round(text * 1.3)
    tallest = max(picture.height for picture in pictures)
    across = min(columns or _columns(len(tiles), width / (tallest + line)), len(tiles))
    above = gap + (round(head * 1.6) if heading else 0)
    rows = [range(first, min(first + across, len(tiles))) for first in range(0, len(tiles), across)]
    bottoms = list(
        itertools.accumulate(
            (max(pictures[tile].height for tile in row) + line + gap for row in rows), initial=above
        )
    )
    page = PIL.Image.new("RGB", (gap + across * (width + gap), bottoms[-1]), PAPER)
    draw = PIL.ImageDraw.Draw(page)
    if heading:
        words = suited(heading, font(head))
        draw.text((gap, gap), elided(heading, page.width - 2 * gap, using=words), INK, words)
    for row, bottom in zip(rows, bottoms[1:], strict=True):
        foot = bottom - gap - line
        for place, tile in enumerate(row):
            centre = gap + place * (width + gap) + width // 2
            picture = pictures[tile]
            page.paste(picture, (centre - picture.width // 2, foot - picture.height))
            words = suited(titles[tile], font(text))
            shown = elided(titles[tile], width, using=words)
            draw.text((centre, foot + 0.75 * line), shown, INK, words, anchor="ms")
    return np.array(page)


def _check(
    tiles: Sequence[Picture], titles: Sequence[str], columns: int | None, size: int, text: int
) -> None:
    """Refuse a sheet without tiles, with a tile that has no title, or of no size."""
    if not tiles or len(tiles) != len(titles):
        raise BadOption(
            f"A sheet takes a title for each tile, and at least one; "
            f"received {counted(len(tiles), 'tile')} and {counted(len(titles), 'title')}."
        )
    if size < 1 or text < 1 or (columns is not None and columns < 1):
        raise BadOption(
            f"A sheet's columns, size and text are at least 1; "
            f"received columns={columns}, size={size}, text={text}."
        )


def _columns(count: int, aspect: float) -> int:
    """So many that the page is about 16:10."""
    return min(count, max(1, round(math.sqrt(count * 1.6 / aspect))))


def _fitted(tile: Picture, size: int) -> PIL.Image.Image:
    picture = PIL.Image.fromarray(tile)
    scale = size / max(picture.size)
    fitted = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    how = PIL.Image.Resampling.NEAREST if scale > 1 else PIL.Image.Resampling.LANCZOS
    return picture.resize(fitted, how)
