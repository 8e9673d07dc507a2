"""What a page is made of: paper, ink and words."""

import numpy as np
from jaxtyping import UInt8

from xai_heatmap.render.fonts import Font

INK, PAPER = (33, 37, 41), (255, 255, 255)

ELLIPSIS = "..."

Picture = UInt8[np.ndarray, "_ _ 3"]
"""RGB, of a size that nothing else has to share."""


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
