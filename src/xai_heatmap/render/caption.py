"""A line of words below a picture that is passed around alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.render.fonts import Font, font, has, length, suited
from xai_heatmap.render.page import ALARM, INK, PAPER, Picture, elided, letters

NARROWEST = 200
"""Pixels of a caption's width, however small the picture above it."""

BETWEEN = "  ·  "

LINES = 4
"""So many at most, of a picture on which one has no room."""


@dataclass(frozen=True)
class Word:
    """A part of a caption that is not broken.

    Parameters
    ----------
    text
        What it says.
    alarming
        Whether it is to be noticed.
    """

    text: str
    alarming: bool = False


def captioned(picture: Picture, words: Sequence[Word]) -> Picture:
    """The picture with the words on a line below it; on as many lines as they take where it is too
    narrow, and on white paper where it is narrower than any caption.
    """
    width = max(picture.shape[1], NARROWEST)
    size = letters(width)
    using, gap, deep = font(size), size // 2 + 2, round(size * 1.4)
    rows = _rows([word for word in words if word.text], width - 2 * gap, using)
    page = PIL.Image.new("RGB", (width, picture.shape[0] + deep * len(rows) + gap), PAPER)
    page.paste(PIL.Image.fromarray(picture), ((width - picture.shape[1]) // 2, 0))
    draw = PIL.ImageDraw.Draw(page)
    for number, row in enumerate(rows):
        x, foot = float(gap), picture.shape[0] + gap // 2 + round((number + 0.8) * deep)
        for place, word in enumerate(row):
            own = suited(word.text, using)
            shown = elided(word.text, width - 2 * gap, using=own)
            ink = ALARM if word.alarming else INK
            draw.text((x, foot), shown, ink, own, anchor="ls")
            x += length(shown, own)
            if place + 1 < len(row):
                draw.text((x, foot), BETWEEN, INK, using, anchor="ls")
                x += length(BETWEEN, using)
    return np.array(page)


def _rows(words: Sequence[Word], room: int, using: Font) -> list[list[Word]]:
    """The words of each line."""
    rows: list[list[Word]] = [[]]
    left = float(room)
    for word in words:
        long = min(length(word.text, suited(word.text, using)), room)
        between = length(BETWEEN, using) if rows[-1] else 0
        if long + between > left and rows[-1]:
            rows.append([])
            left, between = float(room), 0
        rows[-1].append(word)
        left -= long + between
    return rows[:LINES]


def words(
    target: str,
    index: int | None,
    *,
    score: float,
    likely: float | None,
    method: str,
    layer: str,
    verdict: str,
    tested: Word | None = None,
) -> list[Word]:
    """The parts of an explanation's caption.

    Parameters
    ----------
    target, index
        What is explained; the class's number stands for a name that no font at hand has the
        letters of.
    score, likely
        How strongly the network says so, and its probability where there is one.
    method, layer, verdict
        How, where, and what the map is worth.
    tested
        What its test came to, if it was tested.
    """
    legible = has(target, suited(target, font(letters(0))))
    name = target if legible or index is None else f"class {index}"
    sure = f"{likely:.3f}" if likely is not None else f"score {score:.3g}"
    good = verdict == "ok"
    judged = Word("verdict ok" if good else verdict.replace("_", " "), alarming=not good)
    said = [Word(name), Word(sure), Word(method), Word(layer), judged]
    return said if tested is None else [*said, tested]
