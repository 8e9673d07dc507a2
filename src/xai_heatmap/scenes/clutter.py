"""Small things that lie about; some have the objects' textures, some the shapes of their parts."""

from xai_heatmap.scenes.colours import FUR, GLAZE, INK, PAINT, SHELL, WHITE, colour, mixed, several
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import both, box, capsule, convex, disc, either, ellipse, ring
from xai_heatmap.scenes.textures import pattern

LEAVES = several("5f8f4e 86a84a c98a3c b5573f 4f7f6a d1a94a")
STONES = several("a8a29a 8b8d93 c4b8a6 776f72")


def thing(patch: Patch, dice: Dice) -> None:
    """Draw one kind of clutter, by chance."""
    dice.one_of((leaf, leaf, pebble, pebble, button, hoop, toy_block, wedge, twig, flower))(
        patch, dice
    )


def occluder(patch: Patch, dice: Dice) -> None:
    """Something to lie on top of an object."""
    dice.one_of((leaf, twig, toy_block, flower))(patch, dice)


def leaf(patch: Patch, dice: Dice) -> None:
    """Two arcs and a vein."""
    u, v = patch.u, patch.v
    green = dice.one_of(LEAVES)
    blade = both(disc(u, v, (0, 0.75), 1.2), disc(u, v, (0, -0.75), 1.2))
    patch.paint(capsule(u, v, (0.8, 0), (1.15, 0.04), 0.045), mixed(green, INK, 0.3))
    patch.paint(blade, green, dome=0.4)
    ribs = either(
        capsule(u, v, (-0.85, 0), (0.9, 0), 0.03),
        *(capsule(u, abs(v), (x, 0), (x - 0.2, 0.3), 0.02) for x in (-0.25, 0.1, 0.45)),
    )
    patch.paint(both(ribs, blade), mixed(green, WHITE, 0.4), opacity=0.8)


def pebble(patch: Patch, dice: Dice) -> None:
    """A round stone."""
    axes = dice.between(0.7, 0.95), dice.between(0.5, 0.75)
    patch.paint(ellipse(patch.u, patch.v, (0, 0), axes), dice.one_of(STONES), dome=0.5)


def button(patch: Patch, dice: Dice) -> None:
    """A disc with holes, or a wheel without a car."""
    u, v = patch.u, patch.v
    plate = dice.one_of(PAINT)
    patch.paint(disc(u, v, (0, 0), 0.9), plate, dome=0.25)
    if dice.chance(0.5):
        patch.paint(disc(u, v, (0, 0), 0.5), mixed(plate, WHITE, 0.6), dome=0.3)
    else:
        holes = disc(abs(u), abs(v), (0.26, 0.26), 0.15)
        patch.paint(holes, mixed(plate, INK, 0.75))


def hoop(patch: Patch, dice: Dice) -> None:
    """A ring."""
    wide = dice.between(0.2, 0.36)
    patch.paint(ring(patch.u, patch.v, (0, 0), 0.75, width=wide), dice.one_of(GLAZE), dome=0.14)


def toy_block(patch: Patch, dice: Dice) -> None:
    """A square, a ball or an egg in a pattern."""
    u, v = patch.u, patch.v
    kind = dice.one_of(("stripes", "dots", "checks", "zigzag", "plain"))
    share = pattern(kind, u, v, period=dice.between(0.45, 0.7), pixel=patch.pixel)
    first, second = dice.one_of((PAINT, FUR, SHELL)), dice.one_of((GLAZE, SHELL, (INK,)))
    paint = mixed(dice.one_of(first), dice.one_of(second), share)
    shape = dice.below(3)
    if shape == 0:
        distance = box(u, v, (0, 0), (0.78, 0.78), corner=0.16)
    else:
        distance = ellipse(u, v, (0, 0), (0.9, 0.9 if shape == 1 else 0.66))
    patch.paint(distance, paint, dome=0.35)


def wedge(patch: Patch, dice: Dice) -> None:
    """A triangle: an ear, or a beak, of nobody."""
    patch.paint(
        convex(patch.u, patch.v, [(0, -0.85), (0.75, 0.6), (-0.75, 0.6)]),
        dice.one_of(dice.one_of((FUR, PAINT))),
        dome=0.3,
    )


def twig(patch: Patch, dice: Dice) -> None:
    """A stick with a fork."""
    u, v = patch.u, patch.v
    bark = mixed(colour("8a6240"), colour("c9a27a"), dice.between(0, 0.8))
    wood = either(
        capsule(u, v, (-1.05, 0.05), (1.05, -0.04), 0.1, 0.06),
        capsule(u, v, (0.2, 0), (0.75, -0.4), 0.07, 0.04),
    )
    patch.paint(wood, bark, dome=0.1)


def flower(patch: Patch, dice: Dice) -> None:
    """Six petals."""
    u, v = patch.u, patch.v
    a, b = abs(u), abs(v)
    petals = either(disc(a, v, (0.6, 0), 0.32), disc(a, b, (0.3, 0.52), 0.32))
    tint = mixed(dice.one_of(SHELL), WHITE, dice.between(0.3, 0.85))
    patch.paint(petals, tint, dome=0.25)
    patch.paint(disc(u, v, (0, 0), 0.33), colour("f0c24b"), dome=0.25, lift=0.3)
