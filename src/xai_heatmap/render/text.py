"""Words in pictures."""

import functools

import PIL.ImageFont

from xai_heatmap.core.errors import BadOption

ELLIPSIS = "..."

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


def elided(text: str, width: float, *, using: Font) -> str:
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
