"""Ladybird and beetle from above: one outline, one set of colours, dots or stripes."""

from xai_heatmap.scenes.colours import INK, SHELL, WHITE, colour, mixed
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import Field, both, capsule, disc, either, ellipse

LEG = colour("3a3038")


def ladybird(patch: Patch, dice: Dice) -> None:
    """Round spots, the same on both wings."""
    a, v = abs(patch.u), patch.v
    size = dice.between(0.105, 0.145)
    places = dice.one_of(
        (
            ((0.26, -0.24), (0.34, 0.14), (0.2, 0.46)),
            ((0.3, -0.08), (0.24, 0.34)),
            ((0.2, -0.28), (0.42, -0.02), (0.22, 0.16), (0.24, 0.5)),
        )
    )
    _crawling(patch, dice, either(*(disc(a, v, place, size) for place in places)), "spots")


def beetle(patch: Patch, dice: Dice) -> None:
    """Stripes from head to tail."""
    a, v = abs(patch.u), patch.v
    wide = dice.between(0.045, 0.065)
    bands = either(*(abs(ellipse(a, v, (0, 0.1), (x, 0.62))) - wide for x in (0.2, 0.44)))
    _crawling(patch, dice, both(bands, abs(v - 0.1) - 0.52), "stripes")


def _crawling(patch: Patch, dice: Dice, drawing: Field, part: str) -> None:
    u, v = patch.u, patch.v
    a = abs(u)
    shell = dice.one_of(SHELL)
    dark = mixed(INK, shell, dice.between(0.0, 0.15))
    bend = dice.between(-0.06, 0.06)
    legs = either(
        capsule(a, v, (0.4, -0.3), (0.8, -0.44 + bend), 0.045),
        capsule(a, v, (0.5, 0.1), (0.9, 0.12 - bend), 0.045),
        capsule(a, v, (0.4, 0.5), (0.76, 0.74 + bend), 0.045),
        capsule(a, v, (0.1, -0.8), (0.26, -0.98), 0.028),
    )
    patch.paint(legs, LEG, part="legs")
    patch.paint(ellipse(u, v, (0, -0.62), (0.34, 0.27)), dark, part="head", dome=0.25)
    patch.paint(disc(a, v, (0.19, -0.7), 0.065), WHITE, part="head")
    wings = ellipse(u, v, (0, 0.1), (0.64, 0.7))
    patch.paint(wings, shell, part="wings", dome=0.5, lift=0.4)
    patch.paint(both(drawing, wings + 0.03), dark, part=part)
    seam = both(a - 0.016, wings)
    patch.paint(seam, dark, part="wings", opacity=0.9)
    gloss = ellipse(u, v, (-0.24, -0.26), (0.16, 0.09), turns=-0.12)
    patch.paint(gloss, WHITE, opacity=0.28)
