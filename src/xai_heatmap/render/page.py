"""What a page is made of: paper, ink and words."""

import functools

import numpy as np
import PIL.ImageFont
from jaxtyping import UInt8

from xai_heatmap.core.errors import BadOption

INK, PAPER = (33, 37, 41), (255, 255, 255)

ELLIPSIS = "..."

Picture = UInt8[np.ndarray, "_ _ 3"]
"""RGB, of a size that nothing else has to share."""

Font = PIL.ImageFont.FreeTypeFont


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


def elided(text: str, width: int, *, using: Font) -> str:
    """The text on one line, its middle left out if it is wider than ``width`` pixels."""
    text = " ".join(text.split())
    if using.getlength(text) <= width:
        return text
    for kept in range(len(text) - 1, -1, -1):
        head, tail = text[: (kept + 1) // 2], text[len(text) - kept // 2 :]
        short = head.rstrip() + ELLIPSIS + tail.lstrip()
        if using.getlength(short) <= width:
            return short
    return ""


def number(value: float) -> str:
    """Three digits that matter.

    >>> number(0.012345), number(-12.0), number(1234567.0)
    ('0.0123', '-12', '1.23e+06')
    """
    return f"{value:.3g}"
