"""A window of the picture on which one thing is drawn, part over part."""

import numpy as np

from xai_heatmap.core.shapes import Float32
from xai_heatmap.scenes.colours import Paint
from xai_heatmap.scenes.dice import Number, cosine, sine
from xai_heatmap.scenes.shapes import Field, Point
from xai_heatmap.scenes.textures import edged

Canvas = Float32[np.ndarray, "3 H W"]

LIFT = 0.09
"""Reach of a part's shade over what lies below that part."""

SOFT = 0.15
"""Half the width of a shadow's edge."""

LIGHT = (-0.55, -0.83)
"""Direction that light comes from, right and down, of length 1."""

FAR = 9.0


class Patch:
    """Coordinates of a window, and what has been painted there: colour, cover, named parts.

    u and v are the thing's own coordinates, right and down, 1 being its radius.
    """

    def __init__(
        self,
        size: tuple[int, int],
        centre: Point,
        radius: Number,
        *,
        turns: Number = 0.0,
        mirrored: bool = False,
        reach: Number = 1.25,
    ) -> None:
        x, y = centre
        self.top, self.bottom = _span(y, radius * reach, size[0])
        self.left, self.right = _span(x, radius * reach, size[1])
        across = (np.arange(self.left, self.right, dtype=np.float32) + np.float32(0.5 - x)) / radius
        down = (np.arange(self.top, self.bottom, dtype=np.float32) + np.float32(0.5 - y)) / radius
        c, s = cosine(turns), sine(turns)
        u = across[None, :] * c + down[:, None] * s
        self.u = -u if mirrored else u
        self.v = down[:, None] * c - across[None, :] * s
        self.pixel = 1 / radius
        self.radius = radius
        shape = self.u.shape
        self.colour = np.zeros((3, *shape), np.float32)
        self.cover = np.zeros(shape, np.float32)
        self.distance = np.full(shape, FAR, np.float32)
        self.parts: dict[str, Field] = {}

    def paint(
        self,
        distance: Field,
        paint: Paint,
        *,
        part: str = "",
        dome: Number = 0.0,
        lift: Number = 0.0,
        opacity: Number = 1.0,
    ) -> None:
        """Paint a shape over what is there.

        `part` names it; `dome` is how far in from its edge it bulges; `lift` is how dark its shade
        on the parts below is.
        """
        if lift:
            near = np.minimum(np.maximum(1 - distance * (1 / LIFT), 0), 1)
            self.colour *= 1 - near * near * np.float32(lift)
        cover = edged(distance, self.pixel)
        if opacity < 1:
            cover = cover * np.float32(opacity)
        if dome:
            paint = paint * self._bulge(distance, dome)
        self.colour += (paint - self.colour) * cover
        self.cover += cover - self.cover * cover
        np.minimum(self.distance, distance, out=self.distance)
        if opacity == 1:
            self._hide_parts(1 - cover)
        if part:
            before = self.parts.get(part, np.float32(0))
            self.parts[part] = before + cover - before * cover

    def _bulge(self, distance: Field, dome: Number) -> Field:
        """Light on a pillow: 1 on top, brighter towards the light, darker away from it."""
        t = np.minimum(np.maximum(1 + distance * (1 / dome), 0), 1)
        height = 1 - t * t
        slope = np.zeros_like(height)
        slope[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * np.float32(LIGHT[0])
        slope[1:-1] += (height[2:] - height[:-2]) * np.float32(LIGHT[1])
        light = slope * np.float32(-0.16 * self.radius * dome) - t * np.float32(0.07) + 1
        return np.minimum(np.maximum(light, 0.62), 1.28)

    def land(self, canvas: Canvas, *, shade: Number = 0.42) -> Field:
        """Put the patch on the canvas above its shadow, and return its cover."""
        window = canvas[:, self.top : self.bottom, self.left : self.right]
        if shade:
            window *= 1 - self._shadow() * np.float32(shade)
        window *= 1 - self.cover
        window += self.colour
        return self.cover

    def _shadow(self) -> Field:
        """Cover, softened and moved away from the light."""
        near = np.minimum(np.maximum(0.6 - self.distance * (0.5 / SOFT), 0), 1)
        near = near * near * (3 - 2 * near)
        down = max(1, int(self.radius * 0.1 + 0.5))
        right = max(1, int(self.radius * 0.06 + 0.5))
        moved = np.zeros_like(near)
        if near.shape[0] > down and near.shape[1] > right:
            moved[down:, right:] = near[:-down, :-right]
        return moved

    def hide(self, seen: Field) -> None:
        """Hide a share of the patch: `seen` is the share of each pixel that is left."""
        self.cover *= seen
        self._hide_parts(seen)

    def _hide_parts(self, seen: Field) -> None:
        self.parts = {name: mask * seen for name, mask in self.parts.items()}

    def whole(self, field: Field, size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
        """A field of the window, in its place in the whole picture."""
        found = np.zeros(size, np.float32)
        found[self.top : self.bottom, self.left : self.right] = field
        return found


def _span(middle: Number, reach: Number, size: int) -> tuple[int, int]:
    first = min(max(int(middle - reach), 0), size - 1)
    return first, min(max(int(middle + reach) + 1, first + 1), size)
