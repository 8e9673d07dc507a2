"""Scenes of two small objects anywhere in the picture, for detectors."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from xai_heatmap.scenes.composing import CLUTTER, DRAWING, GROUND, LIGHTING, PLACE, WHICH
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.grounds import developed, ground
from xai_heatmap.scenes.objects import CLASSES, DRAWN, TELLING, TURNS
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.picture import Planted, Scene
from xai_heatmap.scenes.placing import litter

SIDE = 128
NAMES = ("cat", "fish", "ladybird", "bus", "mug", "teapot")
"""Classes that the detectors tell apart."""

SMALLEST, LARGEST = 0.10, 0.17
"""Radius of an object, as a share of the picture's side."""

APART = 1.15
"""Distance of two objects, as a share of the sum of their radii, at least."""

FIRST_SEED = 3_000_000
"""Training takes seeds from here up; what is measured takes others."""


def planted(seed: int) -> Scene:
    """A picture of two objects of different classes, neither covered by the other."""
    size = SIDE, SIDE
    dice = Dice(seed, WHICH)
    first = dice.below(len(NAMES))
    own = first, (first + 1 + dice.below(len(NAMES) - 1)) % len(NAMES)
    categories = [CLASSES.index(NAMES[one]) for one in own]
    canvas = ground(Dice(seed, GROUND), size)
    litter(canvas, Dice(seed, CLUTTER), size)
    patches = _places(Dice(seed, PLACE), categories)
    for order, (category, patch) in enumerate(zip(categories, patches, strict=True)):
        DRAWN[CLASSES[category]](patch, Dice(seed, DRAWING + order))
        patch.land(canvas)
    image = developed(canvas, Dice(seed, LIGHTING))
    objects = tuple(
        Planted(
            CLASSES[category],
            one,
            patch.whole(patch.cover, size) >= 0.5,
            MappingProxyType({n: patch.whole(m, size) >= 0.5 for n, m in patch.parts.items()}),
            TELLING[CLASSES[category]],
        )
        for category, one, patch in zip(categories, own, patches, strict=True)
    )
    return Scene(seed, image, objects)


def _places(dice: Dice, categories: Sequence[int]) -> list[Patch]:
    """Patches of both objects; the second is thrown until it lies apart from the first."""
    found = list[tuple[float, float, float]]()
    while len(found) < len(categories):
        radius = SIDE * dice.between(SMALLEST, LARGEST)
        x, y = (dice.between(radius, SIDE - radius) for _ in range(2))
        if all(np.hypot(x - a, y - b) > APART * (radius + r) for a, b, r in found):
            found.append((x, y, radius))
    return [
        Patch(
            (SIDE, SIDE),
            (x, y),
            radius,
            turns=dice.between(-1, 1) * TURNS.get(CLASSES[category], 0.07),
            mirrored=dice.chance(0.5),
        )
        for category, (x, y, radius) in zip(categories, found, strict=True)
    ]
