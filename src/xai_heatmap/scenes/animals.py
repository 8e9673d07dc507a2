"""Four heads of one shape. Cat, rabbit and bear have other ears; tiger is a bear with stripes."""

from xai_heatmap.scenes.colours import FUR, INK, WHITE, Colour, colour, mixed
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import Field, capsule, convex, disc, either, ellipse

PINK = colour("e9a6a0")


def cat(patch: Patch, dice: Dice) -> None:
    """Pointed ears; plain or tabby."""
    fur = dice.one_of(FUR)
    u, v = patch.u, patch.v
    for side in (-1, 1):
        patch.paint(_pointed(u * side, v, 0.0), fur, part="ears", dome=0.3)
        patch.paint(_pointed(u * side, v, 0.11), mixed(fur, PINK, 0.75), part="ears")
    _head(patch, dice, fur, striped=dice.chance(0.4))
    _whiskers(patch)


def rabbit(patch: Patch, dice: Dice) -> None:
    """Long ears; plain or marked like a tabby."""
    fur = dice.one_of(FUR)
    lean = dice.between(0.01, 0.05)
    for side in (-1, 1):
        u, v = patch.u * side, patch.v
        ear = ellipse(u, v, (0.27, -0.56), (0.17, 0.46), turns=lean)
        patch.paint(ear, fur, part="ears", dome=0.16)
        inner = ellipse(u, v, (0.27, -0.53), (0.085, 0.34), turns=lean)
        patch.paint(inner, mixed(fur, PINK, 0.75), part="ears")
    _head(patch, dice, fur, striped=dice.chance(0.3))
    _whiskers(patch)


def bear(patch: Patch, dice: Dice) -> None:
    """Round ears; plain."""
    fur = dice.one_of(FUR)
    _round_ears(patch, fur)
    _head(patch, dice, fur, striped=False)


def tiger(patch: Patch, dice: Dice) -> None:
    """Round ears, and stripes."""
    fur = dice.one_of(FUR)
    _round_ears(patch, fur)
    _head(patch, dice, fur, striped=True)


def _round_ears(patch: Patch, fur: Colour) -> None:
    for side in (-1, 1):
        u, v = patch.u * side, patch.v
        patch.paint(disc(u, v, (0.5, -0.34), 0.27), fur, part="ears", dome=0.25)
        patch.paint(disc(u, v, (0.5, -0.33), 0.15), mixed(fur, PINK, 0.6), part="ears")


def _pointed(u: Field, v: Field, inset: float) -> Field:
    return convex(u, v, [(0.62, -0.88), (0.74, 0.0), (0.1, -0.32)]) + inset


def _head(patch: Patch, dice: Dice, fur: Colour, *, striped: bool) -> None:
    u, v = patch.u, patch.v
    patch.paint(ellipse(u, v, (0, 0.16), (0.72, 0.6)), fur, part="head", dome=0.45, lift=0.3)
    if striped:
        dark = mixed(fur, INK, dice.between(0.62, 0.85))
        patch.paint(_stripes(u, v), dark, part="stripes")
    light = mixed(fur, WHITE, 0.7)
    patch.paint(ellipse(u, v, (0, 0.42), (0.33, 0.24)), light, part="muzzle", dome=0.2)
    nose = mixed(PINK, INK, dice.one_of((0.1, 0.85)))
    patch.paint(ellipse(u, v, (0, 0.29), (0.11, 0.075)), nose, part="muzzle", dome=0.08)
    mouth = either(
        capsule(u, v, (0, 0.34), (0, 0.45), 0.018),
        capsule(abs(u), v, (0, 0.45), (0.12, 0.5), 0.018),
    )
    patch.paint(mouth, INK, part="muzzle", opacity=0.75)
    wide = dice.between(0.26, 0.32)
    patch.paint(ellipse(abs(u), v, (wide, 0.06), (0.085, 0.105)), INK, part="eyes")
    glint = either(disc(u, v, (wide - 0.03, 0.02), 0.03), disc(u, v, (-wide - 0.03, 0.02), 0.03))
    patch.paint(glint, WHITE, part="eyes")


def _stripes(u: Field, v: Field) -> Field:
    """Three strokes on the forehead, three on each cheek."""
    a = abs(u)
    return either(
        capsule(u, v, (0, -0.5), (0, -0.16), 0.055, 0.015),
        capsule(a, v, (0.2, -0.46), (0.13, -0.2), 0.05, 0.012),
        capsule(a, v, (0.76, 0.0), (0.5, 0.06), 0.055, 0.012),
        capsule(a, v, (0.78, 0.2), (0.5, 0.21), 0.055, 0.012),
        capsule(a, v, (0.74, 0.4), (0.5, 0.36), 0.055, 0.012),
    )


def _whiskers(patch: Patch) -> None:
    a, v = abs(patch.u), patch.v
    hairs = either(
        *(capsule(a, v, (0.3, 0.4 + 0.03 * i), (0.82, 0.36 + 0.11 * i), 0.016) for i in (-1, 0, 1))
    )
    patch.paint(hairs, WHITE, part="whiskers", opacity=0.8)
