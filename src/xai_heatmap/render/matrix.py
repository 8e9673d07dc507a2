"""Pictures in rows and columns, each named at the edge; a place without a picture says why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.errors import BadOption
from xai_heatmap.render.fonts import Font, font, suited
from xai_heatmap.render.page import ALARM, ELLIPSIS, INK, PAPER, Picture, elided

QUIET, BLANK = (108, 117, 125), (241, 243, 245)

LABEL = 190
"""Pixels for the names of the rows, at most."""

GAP = 10


@dataclass(frozen=True)
class Tile:
    """One place of the matrix.

    Parameters
    ----------
    picture
        None where there is none.
    caption
        Below it.
    alarming
        Whether the caption is one to be noticed.
    words
        What stands in a place without a picture.
    """

    picture: Picture | None
    caption: str = ""
    alarming: bool = False
    words: str = ""


@dataclass(frozen=True)
class Strip:
    """A row: its name, further lines about it, and its tiles."""

    name: str
    about: Sequence[str]
    tiles: Sequence[Tile]


@dataclass(frozen=True)
class Block:
    """Strips below each other under one line of column names."""

    columns: Sequence[str]
    strips: Sequence[Strip]


def matrix(
    picture: Picture,
    title: str,
    facts: Sequence[str],
    blocks: Sequence[Block],
    *,
    width: int = 200,
    text: int = 16,
) -> Picture:
    """A page: what was looked at with the facts beside it, then the blocks.

    Parameters
    ----------
    picture
        The original; every tile has its aspect.
    title, facts
        Lines beside it, the first one larger.
    blocks
        At least one, with at least one strip each.
    width
        Of a tile, in pixels.
    text
        Height of the letters, in pixels.
    """
    if not blocks or any(len(s.tiles) != len(b.columns) for b in blocks for s in b.strips):
        raise BadOption(
            "A matrix takes at least one block, and in each strip a tile for every column; "
            f"received {[(len(b.columns), [len(s.tiles) for s in b.strips]) for b in blocks]}."
        )
    shown = _resized(picture, fitted(picture, width))
    words, small = font(text), font(round(text * 0.82))
    line = round(text * 1.4)
    strips = [strip for block in blocks for strip in block.strips]
    lengths = [words.getlength(strip.name) for strip in strips]
    lengths += [small.getlength(said) for strip in strips for said in strip.about]
    label = min(LABEL, round(max(3 * text, *lengths)))
    across = max(len(block.columns) for block in blocks)
    head = max(shown.height, round(line * 1.3) + line * len(facts))
    deep = shown.height + line + GAP // 2
    tall = head + 3 * GAP + sum(line + GAP + len(b.strips) * deep for b in blocks)
    wide = max(GAP + label + across * (shown.width + GAP) + GAP, shown.width + 640)
    page = PIL.Image.new("RGB", (wide, tall), PAPER)
    page.paste(shown, (GAP, GAP))
    _facts(page, shown.width, title, facts, text=text)
    top = head + 2 * GAP
    for block in blocks:
        top = _block(page, block, top, label, shown.size, (words, small), line=line) + GAP // 2
    return np.array(page)


Fonts = tuple[Font, Font]
"""For what is read first, and for the rest."""


def _facts(
    page: PIL.Image.Image, beside: int, title: str, facts: Sequence[str], *, text: int
) -> None:
    """Draw the title and the facts at the head of a page, beside a picture of that width."""
    draw, line = PIL.ImageDraw.Draw(page), round(text * 1.4)
    left, room = beside + 3 * GAP, page.width - beside - 4 * GAP
    words, large = font(text), suited(title, font(round(text * 1.3)))
    draw.text((left, GAP), elided(title, room, using=large), INK, large)
    for place, fact in enumerate(facts):
        top = GAP + round(line * 1.3) + place * line
        own = suited(fact, words)
        draw.text((left, top), elided(fact, room, using=own), QUIET, own)


def _block(
    page: PIL.Image.Image,
    block: Block,
    top: int,
    label: int,
    tile_size: tuple[int, int],
    fonts: Fonts,
    *,
    line: int,
) -> int:
    """Draw one block below `top`: the names of its columns, then its strips; where it ends."""
    draw, start = PIL.ImageDraw.Draw(page), GAP + label + GAP
    width, height = tile_size
    for place, name in enumerate(block.columns):
        centre = start + place * (width + GAP) + width // 2
        named = elided(name, width, using=fonts[0])
        draw.text((centre, top + 0.75 * line), named, INK, fonts[0], anchor="ms")
    top += line + GAP // 2
    for strip in block.strips:
        _name(draw, strip, (GAP, top), (label, height), fonts)
        for place, tile in enumerate(strip.tiles):
            corner = start + place * (width + GAP), top
            _tile(page, draw, tile, (corner, tile_size), fonts)
        top += height + line + GAP // 2
    return top


def _name(
    draw: PIL.ImageDraw.ImageDraw,
    strip: Strip,
    corner: tuple[int, int],
    room: tuple[int, int],
    fonts: Fonts,
) -> None:
    (left, top), (width, height) = corner, room
    bottom = top + height
    for said, letters, ink in (
        *((part, fonts[0], INK) for part in _pieces(strip.name, width, using=fonts[0])),
        *((about, fonts[1], QUIET) for about in strip.about),
    ):
        deep = round(letters.size * 1.3)
        if top + deep <= bottom:
            own = suited(said, letters)
            draw.text((left, top), elided(said, width, using=own), ink, own)
            top += deep


def _tile(
    page: PIL.Image.Image,
    draw: PIL.ImageDraw.ImageDraw,
    tile: Tile,
    box: tuple[tuple[int, int], tuple[int, int]],
    fonts: Fonts,
) -> None:
    (left, top), (width, height) = box
    _, small = fonts
    if tile.picture is not None:
        page.paste(_resized(tile.picture, (width, height)), (left, top))
    else:
        draw.rectangle((left, top, left + width - 1, top + height - 1), fill=BLANK)
        deep = round(small.size * 1.3)
        rows = _wrapped(tile.words, width - 2 * GAP, (height - GAP) // deep, using=small)
        first = top + (height - deep * len(rows)) // 2
        for place, row in enumerate(rows):
            middle = left + width // 2, first + place * deep + round(0.8 * deep)
            draw.text(middle, row, QUIET, small, anchor="ms")
    foot = left + width // 2, top + height + round(1.15 * small.size)
    own = suited(tile.caption, small)
    caption = elided(tile.caption, width, using=own)
    draw.text(foot, caption, ALARM if tile.alarming else QUIET, own, anchor="ms")


def _pieces(name: str, width: int, *, using: Font) -> list[str]:
    """A dotted name in lines as long as the width allows, broken behind its separators."""
    pieces = [""]
    for part in name.replace("/", "/\0").replace(".", ".\0").replace("_", "_\0").split("\0"):
        if pieces[-1] and using.getlength(pieces[-1] + part) > width:
            pieces.append("")
        pieces[-1] += part
    return pieces


def _wrapped(text: str, width: int, most: int, *, using: Font) -> list[str]:
    """Lines broken between words; what has no room is left out, and an ellipsis says so."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}".strip()
        if using.getlength(longer) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > most:
        last = rows[max(most - 1, 0)].split()
        while len(last) > 1 and using.getlength(" ".join(last) + ELLIPSIS) > width:
            last.pop()
        rows = [*rows[: max(most - 1, 0)], " ".join(last) + ELLIPSIS]
    return [elided(row, width, using=using) for row in rows]


def fitted(picture: Picture, width: int) -> tuple[int, int]:
    """The picture's width and height where it is so wide."""
    height, whole = picture.shape[:2]
    return width, max(1, round(height * width / whole))


def _resized(picture: Picture, size: tuple[int, int]) -> PIL.Image.Image:
    """Enlarged without smoothing: what is seen are the picture's own pixels."""
    whole = PIL.Image.fromarray(picture)
    larger = size[0] > whole.width
    how = PIL.Image.Resampling.NEAREST if larger else PIL.Image.Resampling.LANCZOS
    return whole.resize(size, how)
