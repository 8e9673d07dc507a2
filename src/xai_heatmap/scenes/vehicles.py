"""Bus and truck: wheels, paint and length are the same; windows or a cab tell them apart."""

from xai_heatmap.scenes.colours import INK, PAINT, WHITE, Colour, colour, mixed
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import Field, both, box, convex, disc, either
from xai_heatmap.scenes.textures import PATTERNS, pattern

GLASS = colour("bfe0e6")
RUBBER = colour("3a373d")
LAMP = colour("ffe08a")


def bus(patch: Patch, dice: Dice) -> None:
    """A row of windows."""
    u, v = patch.u, patch.v
    first, second = _two(dice)
    body = box(u, v, (0, -0.04), (0.95, 0.5), corner=0.16)
    below = mixed(first, second, pattern("stripes", u, v + 0.03, period=0.5, pixel=patch.pixel))
    below = below if dice.chance(0.5) else first
    patch.paint(body, below, part="body", dome=0.22)
    count = dice.one_of((4, 5))
    step = 1.62 / count
    panes = either(
        *(
            box(u, v, (-0.81 + step * (i + 0.5), -0.18), (0.4 * step, 0.17), corner=0.05)
            for i in range(count)
        )
    )
    _glass(patch, panes, "windows")
    _wheels(patch, 0.54)


def truck(patch: Patch, dice: Dice) -> None:
    """A closed box, and a cab before it."""
    u, v = patch.u, patch.v
    first, second = _two(dice)
    cab = both(
        box(u, v, (0.7, 0.08), (0.27, 0.38), corner=0.1),
        convex(u, v, [(0.4, -0.3), (0.8, -0.3), (1.0, 0.02), (1.0, 0.6), (0.4, 0.6)]),
    )
    patch.paint(cab, first, part="cab", dome=0.15)
    pane = convex(u, v, [(0.56, -0.18), (0.78, -0.18), (0.9, 0.06), (0.56, 0.06)])
    _glass(patch, pane, "cab")
    patch.paint(disc(u, v, (0.92, 0.26), 0.055), LAMP, part="cab")
    patch.paint(box(u, v, (0, 0.42), (0.94, 0.06), corner=0.03), RUBBER, part="frame")
    share = pattern(dice.one_of(PATTERNS), u, v, period=dice.between(0.26, 0.4), pixel=patch.pixel)
    cargo = box(u, v, (-0.27, -0.1), (0.68, 0.48), corner=0.06)
    paint = mixed(second, mixed(second, WHITE, 0.55), share)
    patch.paint(cargo, paint, part="cargo", dome=0.16, lift=0.3)
    _wheels(patch, 0.56)


def _two(dice: Dice) -> tuple[Colour, Colour]:
    first = dice.below(len(PAINT))
    second = (first + 1 + dice.below(len(PAINT) - 1)) % len(PAINT)
    return PAINT[first], PAINT[second]


def _glass(patch: Patch, distance: Field, part: str) -> None:
    shine = pattern("stripes", patch.v, patch.u + patch.v, period=0.9, pixel=patch.pixel)
    patch.paint(distance - 0.025, mixed(INK, GLASS, 0.25), part=part)
    patch.paint(distance, mixed(GLASS, WHITE, 0.55 * shine), part=part)


def _wheels(patch: Patch, apart: float) -> None:
    for x in (-apart, apart):
        wheel = disc(patch.u, patch.v, (x, 0.46), 0.22)
        patch.paint(wheel, RUBBER, part="wheels", dome=0.1, lift=0.3)
        patch.paint(wheel + 0.12, mixed(RUBBER, WHITE, 0.75), part="wheels", dome=0.08)
