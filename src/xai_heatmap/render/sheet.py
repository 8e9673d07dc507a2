"""Many pictures on one page, each with its title."""

import math
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.text import elided, font

INK, PAPER = (33, 37, 41), (255, 255, 255)


def sheet(
    tiles: Sequence[Image],
    titles: Sequence[str],
    *,
    columns: int | None = None,
    size: int = 320,
    text: int = 18,
    heading: str = "",
) -> Image:
    """A contact sheet: the tiles in reading order, their titles below them.

    Tiles keep their aspect; those smaller than ``size`` are enlarged without smoothing, so that
    what is seen are their own pixels. Titles that are too long lose their middle.

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
    if not tiles or len(tiles) != len(titles):
        raise BadOption(
            f"A sheet takes a title for each tile, and at least one; "
            f"received {len(tiles)} tiles and {len(titles)} titles."
        )
    if size < 1 or text < 1 or (columns is not None and columns < 1):
        raise BadOption(
            f"A sheet's columns, size and text are at least 1; "
            f"received columns={columns}, size={size}, text={text}."
        )
    pictures = [_fitted(tile, size) for tile in tiles]
    width = max(3 * text, *(picture.width for picture in pictures))
    height = max(picture.height for picture in pictures)
    gap, line, head = max(text * 2 // 3, 2), round(text * 1.5), round(text * 1.3)
    across = columns or _columns(len(tiles), aspect=width / (height + line))
    down = math.ceil(len(tiles) / across)
    above = gap + (round(head * 1.6) if heading else 0)
    step_x, step_y = width + gap, height + line + gap
    page = PIL.Image.new("RGB", (gap + across * step_x, above + down * step_y), PAPER)
    draw = PIL.ImageDraw.Draw(page)
    if heading:
        shown = elided(heading, page.width - 2 * gap, using=font(head))
        draw.text((gap, gap), shown, INK, font(head))
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left, top = gap + number % across * step_x, above + number // across * step_y
        page.paste(
            picture, (left + (width - picture.width) // 2, top + (height - picture.height) // 2)
        )
        shown = elided(title, width, using=font(text))
        place = left + width / 2, top + height + line * 0.55
        draw.text(place, shown, INK, font(text), anchor="mm")
    return np.array(page)


def _columns(count: int, *, aspect: float) -> int:
    """So many that the page is about 16:10."""
    return min(count, max(1, round(math.sqrt(count * 1.6 / aspect))))


def _fitted(tile: Image, size: int) -> PIL.Image.Image:
    picture = PIL.Image.fromarray(tile)
    scale = size / max(picture.size)
    fitted = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    how = PIL.Image.Resampling.NEAREST if scale > 1 else PIL.Image.Resampling.LANCZOS
    return picture.resize(fitted, how)
