"""Fish and bird: the same body and the same coats, told apart by fins and tail, beak and wing."""

from xai_heatmap.scenes.colours import INK, SCALES, WHITE, Colour, Paint, colour, mixed
from xai_heatmap.scenes.dice import Dice
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import both, capsule, convex, disc, either, ellipse, fused
from xai_heatmap.scenes.textures import pattern, scales

ORANGE = colour("ee9b3a")


def fish(patch: Patch, dice: Dice) -> None:
    """A tail, fins above and below."""
    u, v = patch.u, patch.v
    first, second = dice.one_of(SCALES), dice.one_of(SCALES)
    fin = mixed(second, WHITE, 0.25)
    a = abs(v)
    tail = both(
        ellipse(u, a, (-0.74, 0.26), (0.32, 0.22), turns=-0.11), -disc(u, v, (-1.22, 0.0), 0.3)
    )
    patch.paint(tail, fin, part="tail", dome=0.2)
    for centre, axes, turns in (
        ((-0.02, -0.42), (0.36, 0.2), -0.04),
        ((-0.05, 0.42), (0.2, 0.16), 0.06),
    ):
        patch.paint(ellipse(u, v, centre, axes, turns=turns), fin, part="fins", dome=0.15)
    body = ellipse(u, v, (0.1, 0.0), (0.72, 0.44))
    patch.paint(body, _coat(patch, dice, first, second), part="body", dome=0.36, lift=0.25)
    gill = both(abs(disc(u, v, (0.72, 0.0), 0.36)) - 0.02, body + 0.1, u - 0.6)
    patch.paint(gill, mixed(first, INK, 0.5), part="body", opacity=0.7)
    flipper = ellipse(u, v, (0.04, 0.12), (0.19, 0.1), turns=-0.07)
    patch.paint(flipper, fin, part="fins", dome=0.1, lift=0.3)
    _eye(patch, (0.56, -0.1), 0.1)
    patch.paint(capsule(u, v, (0.7, 0.12), (0.8, 0.08), 0.018), INK, part="mouth", opacity=0.7)


def bird(patch: Patch, dice: Dice) -> None:
    """A beak, a wing, two legs."""
    u, v = patch.u, patch.v
    first, second = dice.one_of(SCALES), dice.one_of(SCALES)
    legs = either(
        capsule(u, v, (0.02, 0.3), (0.0, 0.74), 0.03),
        capsule(u, v, (0.22, 0.3), (0.24, 0.74), 0.03),
        capsule(u, v, (0.0, 0.74), (0.12, 0.76), 0.03),
        capsule(u, v, (0.24, 0.74), (0.36, 0.76), 0.03),
    )
    patch.paint(legs, mixed(ORANGE, INK, 0.2), part="legs")
    plume = convex(u, v, [(-0.98, -0.36), (-0.4, -0.22), (-0.35, 0.16), (-0.92, -0.08)])
    patch.paint(plume, mixed(second, INK, 0.15), part="plume", dome=0.15)
    beak = convex(u, v, [(0.66, -0.42), (1.0, -0.24), (0.66, -0.16)])
    patch.paint(beak, ORANGE, part="beak", dome=0.12)
    body = fused(ellipse(u, v, (0.0, 0.06), (0.62, 0.42)), disc(u, v, (0.44, -0.26), 0.31), 0.2)
    patch.paint(body, _coat(patch, dice, first, second), part="body", dome=0.36, lift=0.25)
    wing = both(
        ellipse(u, v, (-0.12, 0.02), (0.44, 0.25), turns=-0.03), disc(u, v, (-0.1, 0.26), 0.46)
    )
    feathers = pattern("stripes", v, u + 0.5 * v, period=0.17, pixel=patch.pixel)
    plumage = mixed(mixed(second, WHITE, 0.12), INK, 0.22 * feathers)
    patch.paint(wing, plumage, part="wing", dome=0.2, lift=0.4)
    _eye(patch, (0.52, -0.32), 0.085)


def _coat(patch: Patch, dice: Dice, first: Colour, second: Colour) -> Paint:
    """Scales, dots or stripes, on either of them; darker above than below."""
    u, v = patch.u, patch.v
    kind = dice.one_of(("scales", "dots", "stripes", "plain"))
    period = dice.between(0.2, 0.3)
    if kind == "scales":
        coat = mixed(first, mixed(second, INK, 0.3), 0.55 * scales(u, v, period, patch.pixel))
    else:
        swapped = (v, u) if kind == "stripes" else (u, v)
        share = pattern(kind, *swapped, period=1.2 * period, pixel=patch.pixel)
        coat = mixed(first, mixed(second, first, 0.25), share)
    belly = (v + 0.35).clip(0, 0.6)
    return mixed(coat, WHITE, belly * belly * 1.3)


def _eye(patch: Patch, centre: tuple[float, float], radius: float) -> None:
    u, v = patch.u, patch.v
    x, y = centre
    patch.paint(disc(u, v, centre, radius), WHITE, part="eye", lift=0.2)
    patch.paint(disc(u, v, (x + 0.015, y), 0.62 * radius), INK, part="eye")
    patch.paint(disc(u, v, (x - 0.01, y - 0.025), 0.22 * radius), WHITE, part="eye")
