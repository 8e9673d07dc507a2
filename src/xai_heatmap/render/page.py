"""Parts of a page: paper, ink and words."""

import bisect

import numpy as np

from xai_heatmap.core.shapes import UInt8
from xai_heatmap.render.fonts import Font, length

INK, PAPER, ALARM = (33, 37, 41), (255, 255, 255), (176, 42, 55)

ELLIPSIS = "..."

Picture = UInt8[np.ndarray, "_ _ 3"]
"""RGB, of a size that nothing else has to share."""


def elided(text: str, width: int, *, using: Font) -> str:
    """The text on one line, its middle left out if it is wider than ``width`` pixels."""
    text = " ".join(text.split())
    if length(text, using) <= width:
        return text

    def short(kept: int) -> str:
        head, tail = text[: (kept + 1) // 2], text[len(text) - kept // 2 :]
        return head.rstrip() + ELLIPSIS + tail.lstrip()

    fits = bisect.bisect_right(
        range(len(text)), width, key=lambda kept: using.getlength(short(kept))
    )
    return short(fits - 1) if fits else ""


def letters(width: int) -> int:
    """Size of letters below a picture so wide, in pixels."""
    return min(max(width // 45, 12), 48)


def number(value: float) -> str:
    """Three digits that matter.

    >>> number(0.012345), number(-12.0), number(1234567.0)
    ('0.0123', '-12', '1.23e+06')
    """
    return f"{value:.3g}"
