"""Bars that show what each feature of a row contributed, beside the feature's name."""

from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageDraw

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray
from xai_heatmap.render.colormaps import colored, named
from xai_heatmap.render.fonts import font
from xai_heatmap.render.page import INK, PAPER, Picture, elided, number

WIDE, LINE, TEXT, GAP = 640, 30, 18, 12
"""Pixels of the bars' ground, of a line, of letters, and between columns."""

NAMES = 280
"""Pixels that a name has at most."""

MOST = 30
"""Largest number of features that are drawn, the strongest of all."""


def bars(
    names: Sequence[str], values: Sequence[float], given: Sequence[float], *, colormap: str
) -> Picture:
    """A line for each feature, the strongest first: its name, what it was, and a bar as long as
    what it contributed, to the right for and to the left against.

    Parameters
    ----------
    names, values, given
        Of each feature its name, its contribution and what the network was given; of more than 30
        the strongest are drawn, and how many are left out stands below.
    colormap
        A key of ``COLORMAPS``; of one that diverges both ends are taken.
    """
    if not len(names) == len(values) == len(given):
        raise BadArray(
            f"Bars have a name, a contribution and a value each; received {len(names)} names, "
            f"{counted(len(values), 'contribution')} and {counted(len(given), 'value')}."
        )
    order = sorted(range(len(values)), key=lambda place: -abs(values[place]))[:MOST]
    words = font(TEXT)
    labels = [elided(f"{names[k]} = {number(float(given[k]))}", NAMES, using=words) for k in order]
    said = [number(float(values[k])) for k in order]
    left = int(max(map(words.getlength, labels), default=0)) + 2 * GAP
    right = int(max(map(words.getlength, said), default=0)) + 2 * GAP
    rest = len(values) - len(order)
    size = (left + WIDE + right, LINE * (len(order) + bool(rest)) + 2 * GAP)
    page = PIL.Image.new("RGB", size, PAPER)
    draw = PIL.ImageDraw.Draw(page)
    both = min((values[k] for k in order), default=0.0) < 0
    zero, room = (left + WIDE // 2, WIDE // 2) if both else (left, WIDE)
    most = max((abs(values[k]) for k in order), default=0.0) or 1.0
    for line, (k, label, value) in enumerate(zip(order, labels, said, strict=True)):
        top = GAP + line * LINE
        end = zero + round(values[k] / most * room)
        box = (min(zero, end), top + 4, max(zero, end), top + LINE - 5)
        draw.rectangle(box, fill=_colour(values[k] / most, colormap))
        draw.text((left - GAP, top + LINE // 2), label, INK, words, anchor="rm")
        draw.text((left + WIDE + GAP, top + LINE // 2), value, INK, words, anchor="lm")
    draw.line([(zero, GAP), (zero, GAP + LINE * len(order))], INK, 1)
    if rest:
        foot = (left, GAP + LINE * len(order) + LINE // 2)
        draw.text(foot, f"and {rest} weaker ones", INK, words, anchor="lm")
    return np.array(page)


def _colour(share: float, colormap: str) -> tuple[int, int, int]:
    """Colour of a bar: on paper a sequential map is read from the middle on, where colours are dark
    enough.
    """
    strength = share if named(colormap).diverging else 0.35 + 0.3 * abs(share)
    red, green, blue = colored(np.array([[strength]], np.float32), colormap=colormap)[0, 0]
    return int(red), int(green), int(blue)
