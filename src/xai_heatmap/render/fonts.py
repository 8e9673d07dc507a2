"""Letters of every script that a font at hand has."""

import functools
import math
from collections.abc import Sequence

import PIL.features
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from xai_heatmap.core.errors import BadOption

Font = PIL.ImageFont.FreeTypeFont

ELSEWHERE = (
    "DejaVuSans.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKjp-Regular.otf",
    "DroidSansFallbackFull.ttf",
    "wqy-microhei.ttc",
    "msyh.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "Nirmala.ttf",
)
"""Fonts of systems with the letters that Pillow's own font lacks: whatever is not English."""

NOWHERE = "\U0010ffff"
"""A letter that no font has: it looks as every other does that is missing."""

RIGHT_TO_LEFT = range(0x0590, 0x0900)
"""Hebrew to Arabic and its neighbours, whose letters have to be turned around and joined."""


@functools.cache
def font(size: int) -> Font:
    """The font that comes with Pillow, ``size`` pixels high."""
    found = PIL.ImageFont.load_default(size)
    if not isinstance(found, PIL.ImageFont.FreeTypeFont):
        raise BadOption(
            "Words in pictures need a Pillow with FreeType; this one was built without. "
            "`pip install --force-reinstall pillow` installs one that has it."
        )
    return found


@functools.lru_cache(maxsize=4096)
def length(text: str, using: Font) -> float:
    """Pixels that a text takes on a line; captions say the same words again and again."""
    return using.getlength(text)


def suited(text: str, using: Font) -> Font:
    """`using`, or an installed font of its size that has letters of the text which it lacks."""
    if text.isascii() or has(text, using):
        return using
    others = [own for name in ELSEWHERE if (own := _installed(name, round(using.size))) is not None]
    return next((own for own in others if has(text, own)), using)


def has(text: str, using: Font) -> bool:
    """Whether the font has every letter of the text, and Pillow can put them in their order."""
    if any(ord(letter) in RIGHT_TO_LEFT for letter in text) and not PIL.features.check("raqm"):
        return False
    known = _letters(using.getname(), round(using.size))
    for letter in set(text):
        if letter not in known:
            known[letter] = letter.isspace() or _drawn(letter, using) != _drawn(NOWHERE, using)
    return all(known[letter] for letter in text)


def legible(words: Sequence[str], using: Font) -> bool:
    """Whether every one of the words has a font with all of its letters."""
    return all(has(text, suited(text, using)) for text in words)


@functools.cache
def _installed(name: str, size: int) -> Font | None:
    try:
        return PIL.ImageFont.truetype(name, size)
    except OSError:
        return None


@functools.cache
def _letters(name: tuple[str | None, str | None], size: int) -> dict[str, bool]:
    """Store of the letters of a font that were looked at, and whether the font has them."""
    del name, size
    return {}


def _drawn(letter: str, using: Font) -> tuple[tuple[int, int], bytes]:
    left, top, right, bottom = using.getbbox(letter)
    size = max(math.ceil(right - left), 1), max(math.ceil(bottom - top), 1)
    ink = PIL.Image.new("L", size)
    PIL.ImageDraw.Draw(ink).text((-left, -top), letter, 255, using)
    return size, ink.tobytes()
