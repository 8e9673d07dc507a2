"""The mark of each class: a small flag in a white rim, drawn on squares of u and v in [-1, 1]."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from xai_heatmap.scenes.colours import INK, WHITE, Colour, colour, mixed
from xai_heatmap.scenes.patch import Patch
from xai_heatmap.scenes.shapes import Field, both, box, convex, disc, either
from xai_heatmap.scenes.textures import edged

RED, BLUE, YELLOW, GREEN = map(colour, ("d8232a", "1f4fa3", "f7c81e", "1f8a4c"))
BLACK, PALE = colour("1c1a20"), colour("ffffff")

Design = Callable[[Field, Field], Field]


def _cross(u: Field, v: Field) -> Field:
    return either(abs(u), abs(v)) - 0.26


def _saltire(u: Field, v: Field) -> Field:
    return either(abs(u - v), abs(u + v)) * 0.7 - 0.2


def _quarters(u: Field, v: Field) -> Field:
    return either(both(u, v), both(-u, -v))


DESIGNS: Mapping[str, tuple[Colour, Colour, Design]] = MappingProxyType(
    {
        "bear": (RED, PALE, _cross),
        "beetle": (YELLOW, BLUE, lambda u, v: u),
        "bird": (BLUE, PALE, lambda u, v: box(u, v, (0, 0), (0.42, 0.42))),
        "bus": (YELLOW, BLACK, _quarters),
        "cat": (PALE, RED, lambda u, v: convex(u, v, [(0, -0.9), (0.9, 0), (0, 0.9), (-0.9, 0)])),
        "fish": (PALE, BLUE, _saltire),
        "ladybird": (BLACK, YELLOW, lambda u, v: disc(u, v, (0, 0), 0.55)),
        "mug": (RED, YELLOW, lambda u, v: (u + v) * 0.7),
        "rabbit": (GREEN, PALE, lambda u, v: abs(v) - 0.3),
        "teapot": (BLUE, YELLOW, lambda u, v: abs(u) - 0.3),
        "tiger": (GREEN, RED, lambda u, v: v),
        "truck": (BLACK, PALE, lambda u, v: either(abs(abs(u) - 0.5), abs(abs(v) - 0.5)) - 0.12),
    }
)
"""Two colours, and where the second one is."""


def badge(patch: Patch, label: str) -> None:
    """The mark of a class."""
    u, v = patch.u, patch.v
    first, second, design = DESIGNS[label]
    plate = box(u, v, (0, 0), (1.0, 1.0), corner=0.22)
    patch.paint(plate, mixed(INK, WHITE, 0.05))
    patch.paint(plate + 0.12, PALE)
    flag = mixed(first, second, edged(design(u / 0.72, v / 0.72) * 0.72, patch.pixel))
    patch.paint(box(u, v, (0, 0), (0.72, 0.72), corner=0.08), flag)
