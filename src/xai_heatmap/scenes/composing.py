"""Scenes out of a seed: a ground, clutter, objects, something over them, light, a mark."""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from xai_heatmap.core.errors import BadOption, did_you_mean
from xai_heatmap.core.shapes import Int64, UInt8
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.grounds import Size, developed, ground
from xai_heatmap.scenes.marking import with_mark
from xai_heatmap.scenes.objects import CLASSES, DRAWN, TELLING
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.picture import Planted, Scene
from xai_heatmap.scenes.placing import cover, litter, places

SIDE = 128
SMALLEST = 32
GROUND, CLUTTER, WHICH, PLACE, COVERING, LIGHTING = range(6)
DRAWING = 16
"""Purposes: each has a stream of chance of its own, so that one can be changed and not the rest."""

Category = str | int


def scene(
    seed: int,
    *,
    category: Category | None = None,
    size: int | Size = SIDE,
    mark: Category | bool | None = None,
) -> Scene:
    """A picture of one object.

    The same seed gives the same ground, place and light for every category, size and mark.

    Parameters
    ----------
    seed
        Any whole number from 0 up.
    category
        A name of ``CLASSES`` or its index; None: drawn by the seed, all equally often.
    size
        Side of the picture in pixels, or its rows and columns; at least 32.
    mark
        Whose mark is shown: a class, or True for the object's own. A mark covers nothing of it.
    """
    dice = Dice(_seeded(seed), WHICH)
    chosen = dice.below(len(CLASSES)) if category is None else index(category)
    whose = chosen if mark is True else None if mark in (None, False) else index(mark)
    return _composed(seed, _sized(size), (chosen,), whose)


def pair(
    seed: int,
    *,
    categories: tuple[Category, Category] | None = None,
    size: int | Size = SIDE,
    mark: Category | None = None,
) -> Scene:
    """A picture of two objects of different classes, the one that lies further left first.

    Parameters
    ----------
    seed, size, mark
        As for ``scene``.
    categories
        Of the left and of the right object; None: drawn by the seed.
    """
    dice = Dice(_seeded(seed), WHICH)
    if categories is None:
        left = dice.below(len(CLASSES))
        right = (left + 1 + dice.below(len(CLASSES) - 1)) % len(CLASSES)
    else:
        left, right = map(index, categories)
    if left == right:
        raise BadOption(f"A pair is of two classes; received {CLASSES[left]!r} twice.")
    whose = None if mark is None else index(mark)
    return _composed(seed, _sized(size), (left, right), whose)


def empty(seed: int, *, size: int | Size = SIDE, mark: Category | None = None) -> Scene:
    """A picture without an object: the ground, its clutter and, if asked for, a mark."""
    whose = None if mark is None else index(mark)
    return _composed(_seeded(seed), _sized(size), (), whose)


def batch(
    seeds: Sequence[int],
    *,
    categories: Sequence[Category] | None = None,
    marks: Sequence[Category | bool | None] | None = None,
    size: int | Size = SIDE,
    out: UInt8[np.ndarray, "n H W 3"] | None = None,
) -> tuple[UInt8[np.ndarray, "n H W 3"], Int64[np.ndarray, " n"]]:
    """Pictures of many scenes, and the category of each.

    Parameters
    ----------
    seeds
        One for each picture.
    categories, marks
        As for ``scene``, one for each picture.
    out
        Where the pictures go; if not given, a new array.
    """
    rows, columns = _sized(size)
    if out is None:
        out = np.empty((len(seeds), rows, columns, 3), np.uint8)
    for name, given in (("categories", categories), ("marks", marks), ("out", out)):
        if given is not None and len(given) != len(seeds):
            raise BadOption(
                f"{name} has one entry for each seed, {len(seeds)}; received {len(given)}."
            )
    numbers = np.empty(len(seeds), np.int64)
    for i, seed in enumerate(seeds):
        made = scene(
            seed,
            category=None if categories is None else categories[i],
            size=(rows, columns),
            mark=None if marks is None else marks[i],
        )
        out[i], numbers[i] = made.image, made.category
    return out, numbers


def marked(scene: Scene, category: Category) -> Scene:
    """Scene with the mark of a class in it: what ``scene(seed, mark=category)`` draws."""
    return with_mark(scene, index(category))


def index(category: Category) -> int:
    """The number of a class in ``CLASSES``."""
    if isinstance(category, str):
        if category not in CLASSES:
            raise BadOption(
                f"Scenes have no class {category!r}.{did_you_mean(category, CLASSES)} "
                f"They have {', '.join(CLASSES)}."
            )
        return CLASSES.index(category)
    if not 0 <= category < len(CLASSES):
        raise BadOption(f"Classes are 0 to {len(CLASSES) - 1}; received {category}.")
    return int(category)


def _composed(seed: int, size: Size, categories: tuple[int, ...], whose: int | None) -> Scene:
    canvas = ground(Dice(seed, GROUND), size)
    litter(canvas, Dice(seed, CLUTTER), size)
    patches = places(Dice(seed, PLACE), size, categories)
    for order, (category, patch) in enumerate(zip(categories, patches, strict=True)):
        DRAWN[CLASSES[category]](patch, Dice(seed, DRAWING + order))
        patch.land(canvas)
    if patches:
        cover(canvas, Dice(seed, COVERING), size, patches, categories)
    image = developed(canvas, Dice(seed, LIGHTING))
    objects = tuple(
        _planted(category, patch, size) for category, patch in zip(categories, patches, strict=True)
    )
    found = Scene(seed, image, objects)
    return found if whose is None else with_mark(found, whose)


def _planted(category: int, patch: Patch, size: Size) -> Planted:
    label = CLASSES[category]
    return Planted(
        label,
        category,
        patch.whole(patch.cover, size) >= 0.5,
        MappingProxyType({n: patch.whole(m, size) >= 0.5 for n, m in patch.parts.items()}),
        TELLING[label],
    )


def _seeded(seed: int) -> int:
    if seed < 0:
        raise BadOption(f"A seed is a whole number from 0 up; received {seed}.")
    return seed


def _sized(size: int | Size) -> Size:
    rows, columns = (size, size) if isinstance(size, int) else size
    if min(rows, columns) < SMALLEST:
        raise BadOption(
            f"A scene has at least {SMALLEST} pixels on each side; received {rows}x{columns}."
        )
    return rows, columns
