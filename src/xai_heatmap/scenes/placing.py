"""Placing of objects, and of what lies on them."""

import numpy as np

from xai_heatmap.scenes.clutter import occluder, thing
from xai_heatmap.scenes.dice import Dice, Number, cosine, sine
from xai_heatmap.scenes.grounds import Size
from xai_heatmap.scenes.objects import CLASSES, TELLING, TURNS
from xai_heatmap.scenes.patch import Canvas, Patch


def litter(canvas: Canvas, dice: Dice, size: Size) -> None:
    """Small things, anywhere on the ground."""
    shorter = min(size)
    for _ in range(3 + dice.below(6)):
        patch = Patch(
            size,
            (dice.between(0, size[1]), dice.between(0, size[0])),
            shorter * dice.between(0.045, 0.12),
            turns=dice.between(0, 1),
            reach=1.5,
        )
        thing(patch, dice)
        patch.land(canvas)


def places(dice: Dice, size: Size, categories: tuple[int, ...]) -> list[Patch]:
    """Patches of the objects: place, size, and rotation of each."""
    shorter = min(size)
    rows, columns = size
    if not categories:
        return []
    if len(categories) == 1:
        radius = shorter * dice.between(0.27, 0.41)
        x = _within(dice, columns, radius)
        y = _within(dice, rows, radius)
        return [_posed(dice, size, (x, y), radius, categories[0])]
    patches = []
    slant = dice.between(-0.2, 0.2)
    for side, category in zip((-1, 1), categories, strict=True):
        radius = shorter * dice.between(0.2, 0.245)
        x = columns / 2 + side * (0.25 * columns + dice.between(-0.01, 0.01) * shorter)
        y = rows / 2 + side * slant * rows + dice.between(-0.06, 0.06) * shorter
        patches.append(_posed(dice, size, (x, y), radius, category))
    return patches


def _within(dice: Dice, side: int, radius: float) -> float:
    """A centre from which the radius stays inside, nearly."""
    room = max(side / 2 - 0.97 * radius, 0)
    return side / 2 + dice.between(-1, 1) * room


def _posed(
    dice: Dice, size: Size, centre: tuple[float, float], radius: float, category: int
) -> Patch:
    turn, mirrored = dice.between(-1, 1), dice.chance(0.5)
    most = TURNS.get(CLASSES[category], 0.07)
    return Patch(size, centre, radius, turns=turn * most, mirrored=mirrored)


def cover(
    canvas: Canvas, dice: Dice, size: Size, placed: list[Patch], categories: tuple[int, ...]
) -> None:
    """Lay something over an object, where it hides no more than a third of what tells its class."""
    if not dice.chance(0.55):
        return
    which = dice.below(len(placed))
    under, telling = placed[which], TELLING[CLASSES[categories[which]]]
    for _ in range(4):
        away, turns = dice.between(0.35, 0.9) * under.radius, dice.between(0, 1)
        aside = cosine(turns), sine(turns)
        centre = (
            (under.left + under.right) / 2 + away * aside[0],
            (under.top + under.bottom) / 2 + away * aside[1],
        )
        over = Patch(
            size,
            centre,
            under.radius * dice.between(0.28, 0.5),
            turns=dice.between(0, 1),
            reach=1.4,
        )
        occluder(over, dice)
        hidden = over.whole(over.cover, size)
        seen = 1 - hidden[under.top : under.bottom, under.left : under.right]
        if all(_still_seen(under.parts[name], seen, 0.67) for name in telling) and _still_seen(
            under.cover, seen, 0.75
        ):
            over.land(canvas)
            for patch in placed:
                left = 1 - hidden[patch.top : patch.bottom, patch.left : patch.right]
                patch.hide(left)
            return


def _still_seen(part: np.ndarray, seen: np.ndarray, share: Number) -> bool:
    before = int(np.count_nonzero(part >= 0.5))
    return int(np.count_nonzero(part * seen >= 0.5)) >= share * before
