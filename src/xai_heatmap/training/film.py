"""Looks drawn side by side on one scale."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.render.heat import top
from xai_heatmap.render.sheet import sheet
from xai_heatmap.training.look import Look

TILE, TEXT = 192, 15


def page(looks: Sequence[Look], *, scale: str) -> Image:
    """Sheet of the last look, on the scale of all looks so far; uint8 (H, W, 3)."""
    last = looks[-1]
    tops = _tops(looks, scale)
    tiles = [_tile(looks, row, last, tops[row]) for row in range(len(tops))]
    titles = [_title(one) for one in last.explanations]
    return sheet(tiles, titles, size=TILE, text=TEXT, heading=f"epoch {last.epoch}")


def film(looks: Sequence[Look], *, scale: str, most: int) -> Image:
    """Sheet of all looks, uint8 (H, W, 3): a row for each picture, a column for each look."""
    places = np.unique(np.linspace(0, len(looks) - 1, min(most, len(looks))).round().astype(int))
    shown, tops = [looks[place] for place in places], _tops(looks, scale)
    tiles, titles = list[Image](), list[str]()
    for row, highest in enumerate(tops):
        for look in shown:
            tiles.append(_tile(looks, row, look, highest))
            titles.append(f"{look.epoch}: {_title(look.explanations[row])}")
    heading = "after epoch: what is explained, and its probability"
    return sheet(tiles, titles, columns=len(shown), size=TILE, text=TEXT, heading=heading)


def _tops(looks: Sequence[Look], scale: str) -> list[float]:
    """The relevance that is drawn strongest, for each picture."""
    each = [
        max((_top(look.explanations[row]) for look in looks), default=0.0)
        for row in range(len(looks[-1].explanations))
    ]
    return each if scale == "picture" else [max(each)] * len(each)


def _top(one: Explanation | None) -> float:
    if one is None or one.verdict.word == "cancelled":
        return 0.0
    return top(one.heat(scale="none"), to="max", signed=one.signed)


def _tile(looks: Sequence[Look], row: int, look: Look, highest: float) -> Image:
    """One picture with its heat; the picture alone where that look has no map of it.

    No outline: it would follow each map's own strongest place, not the scale that all share.
    """
    one = look.explanations[row]
    if one is not None:
        return one.overlay(scale=highest or "max", contour=False, mute=False)
    known = next((own.explanations[row] for own in looks if own.explanations[row]), None)
    return np.full((TILE, TILE, 3), 128, np.uint8) if known is None else known.image


def _title(one: Explanation | None) -> str:
    """What is explained, and how likely the network finds it."""
    if one is None:
        return "not explained"
    likely = one.probability  # "none": no evidence for it
    words = one.target if likely is None else f"{one.target} {likely:.2f}"
    return words if one.verdict.word != "no_positive_evidence" else f"{words}, none"
