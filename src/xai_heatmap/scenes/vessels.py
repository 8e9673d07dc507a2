"""Mug and teapot: the same pot in the same glazes; a spout and a lid make the difference."""

from xai_heatmap.scenes.colours import GLAZE, INK, Paint, colour, mixed
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import both, box, capsule, disc, ellipse, fused, ring
from xai_heatmap.scenes.textures import PATTERNS, pattern

DRINK = colour("5a3a2a")


def mug(patch: Patch, dice: Dice) -> None:
    """Open, with a handle."""
    u, v = patch.u, patch.v
    first, glaze, depth = _pot(patch, dice)
    patch.paint(ring(u, v, (0.52, 0.06), 0.29, width=0.14), first, part="handle", dome=0.08)
    body = box(u, v, (-0.1, 0.08), (0.56, depth), corner=0.2)
    patch.paint(body, glaze, part="body", dome=0.2, lift=0.25)
    rim = ellipse(u, v, (-0.1, 0.1 - depth), (0.55, 0.16))
    patch.paint(rim, mixed(first, colour("ffffff"), 0.45), part="opening", dome=0.1)
    patch.paint(rim + 0.055, mixed(first, DRINK, 0.9), part="opening")


def teapot(patch: Patch, dice: Dice) -> None:
    """A spout, a lid with a knob, a handle."""
    u, v = patch.u, patch.v
    first, glaze, depth = _pot(patch, dice)
    patch.paint(ring(u, v, (0.48, 0.1), 0.28, width=0.13), first, part="handle", dome=0.08)
    spout = fused(
        capsule(u, v, (-0.45, 0.3), (-0.82, -0.02), 0.17, 0.09),
        capsule(u, v, (-0.82, -0.02), (-0.94, -0.26), 0.09, 0.075),
        0.1,
    )
    patch.paint(spout, first, part="spout", dome=0.12)
    body = box(u, v, (-0.06, 0.14), (0.54, 0.92 * depth), corner=0.3)
    patch.paint(body, glaze, part="body", dome=0.3, lift=0.3)
    top = 0.14 - 0.92 * depth
    lid = both(ellipse(u, v, (-0.06, top + 0.04), (0.4, 0.2)), v - top - 0.06)
    patch.paint(lid, first, part="lid", dome=0.14, lift=0.3)
    patch.paint(disc(u, v, (-0.06, top - 0.19), 0.1), first, part="lid", dome=0.1, lift=0.2)


def _pot(patch: Patch, dice: Dice) -> tuple[Paint, Paint, float]:
    """Colour and glaze of a pot, and half its height."""
    first, second = dice.one_of(GLAZE), dice.one_of(GLAZE)
    if first is second:
        second = mixed(first, INK, 0.5)
    share = pattern(
        dice.one_of(PATTERNS),
        patch.u + 0.1,
        patch.v,
        period=dice.between(0.24, 0.36),
        pixel=patch.pixel,
    )
    return first, mixed(first, second, share), dice.between(0.54, 0.64)
