"""The planted shortcut: a mark beside the object that gives a class away."""

from dataclasses import replace

import numpy as np

from xai_heatmap.core.arrays import Image
from xai_heatmap.scenes.badges import badge
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.grounds import Size
from xai_heatmap.scenes.objects import CLASSES
from xai_heatmap.scenes.patch import Canvas, Patch
from xai_heatmap.scenes.picture import Mark, Planted, Scene
from xai_heatmap.scenes.shapes import Field

PURPOSE = 7
"""Marks have a stream of chance of their own."""


def with_mark(scene: Scene, category: int) -> Scene:
    """Scene with the mark of a class in it, at the place that the scene's seed gives."""
    size = scene.image.shape[0], scene.image.shape[1]
    side = max(round(min(size) * 12 / 128), 5)
    row, column = _free(Dice(scene.seed, PURPOSE), size, side, scene.objects)
    colour, cover = stamp(category, side)
    image = scene.image.copy()
    below = image[row : row + side, column : column + side]
    below[...] = stamped(below, colour, cover)
    mask = np.zeros(size, bool)
    mask[row : row + side, column : column + side] = cover >= 0.5
    return replace(scene, image=image, mark=Mark(CLASSES[category], category, mask))


def stamp(category: int, side: int) -> tuple[Canvas, Field]:
    """The mark of a class alone, so many pixels high: its colour times its cover, and its cover."""
    patch = Patch((side, side), (side / 2, side / 2), side / 2, reach=1.0)
    badge(patch, CLASSES[category])
    return patch.colour, patch.cover


def stamped(below: Image, colour: Canvas, cover: Field) -> Image:
    """A stamp over pixels."""
    above = below.transpose(2, 0, 1) * (1 - cover) + colour * np.float32(255)
    return (above + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0)


def _free(dice: Dice, size: Size, side: int, objects: tuple[Planted, ...]) -> tuple[int, int]:
    """Row and column of a square that touches no object: by chance, else the freest corner."""
    taken = np.zeros(size, bool)
    for planted in objects:
        taken |= planted.mask
    gap = max(1, side // 6)

    def overlap(row: int, column: int) -> int:
        window = taken[
            max(row - gap, 0) : row + side + gap, max(column - gap, 0) : column + side + gap
        ]
        return int(np.count_nonzero(window))

    most = size[0] - side - gap, size[1] - side - gap
    for _ in range(40):
        row = gap + dice.below(most[0] - gap + 1)
        column = gap + dice.below(most[1] - gap + 1)
        if not overlap(row, column):
            return row, column
    corners = [(r, c) for r in (gap, most[0]) for c in (gap, most[1])]
    return min(corners, key=lambda place: overlap(*place))
