"""Which rectangle of the original image the network saw."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from xai_heatmap.core.errors import BadOption

Size = tuple[int, int]
"""Rows and columns, in this order."""

NUDGE = 1e-6
"""Keeps 224 / (224 / 232) from being one pixel short of 232."""


@dataclass(frozen=True)
class Geometry:
    """Which rectangle of the original image the network saw, and at which size.

    Pixels are squares: the first one covers 0 to 1, and its centre is at 0.5.

    Parameters
    ----------
    image_size
        Rows and columns (H, W) of the original image.
    box
        Left, top, right and bottom of the rectangle, in pixels of the original image. It reaches
        beyond the image where the network was shown a border (a letter-box).
    input_size
        Rows and columns (H', W') of what the network was given.
    """

    image_size: Size
    box: tuple[float, float, float, float]
    input_size: Size

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if min(self.image_size) < 1 or min(self.input_size) < 1:
            raise BadOption(
                f"Sizes are at least one pixel each way; received an image of {self.image_size} "
                f"and an input of {self.input_size} (rows, columns)."
            )
        if not (all(map(math.isfinite, self.box)) and left < right and top < bottom):
            raise BadOption(
                f"A box is (left, top, right, bottom) with left < right and top < bottom; "
                f"received {self.box}."
            )

    @property
    def scale(self) -> tuple[float, float]:
        """Input pixels for each image pixel: down the rows, along the columns."""
        left, top, right, bottom = self.box
        return self.input_size[0] / (bottom - top), self.input_size[1] / (right - left)

    @property
    def resized(self) -> Size:
        """Rows and columns of the whole image at the scale at which the network saw it."""
        rows, columns = (
            max(1, round(size * scale))
            for size, scale in zip(self.image_size, self.scale, strict=True)
        )
        return rows, columns

    @property
    def offset(self) -> tuple[int, int]:
        """Row and column of the resized image at which the input begins; negative in a border."""
        left, top, _, _ = self.box
        down, along = self.scale
        return round(top * down), round(left * along)

    @property
    def seen(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the image pixels whose centres lie inside the box."""
        left, top, right, bottom = self.box
        rows, columns = self.image_size
        first_column, last_column = (
            min(max(math.ceil(x - 0.5), 0), columns) for x in (left, right)
        )
        first_row, last_row = (min(max(math.ceil(y - 0.5), 0), rows) for y in (top, bottom))
        return first_column, first_row, last_column, last_row

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """Where a point (x, y) of the image lies on the input."""
        left, top, _, _ = self.box
        down, along = self.scale
        return (x - left) * along, (y - top) * down

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Where a point (x, y) of the input lies on the image."""
        left, top, _, _ = self.box
        down, along = self.scale
        return left + x / along, top + y / down

    def at(self, image_size: Size) -> "Geometry":
        """The same rectangle of the image at another size.

        >>> Geometry((100, 200), (50.0, 0.0, 150.0, 100.0), (64, 64)).at((50, 100)).box
        (25.0, 0.0, 75.0, 50.0)
        """
        down, along = (new / old for new, old in zip(image_size, self.image_size, strict=True))
        left, top, right, bottom = self.box
        box = (left * along, top * down, right * along, bottom * down)
        return Geometry(image_size, box, self.input_size)

    def to_dict(self) -> dict[str, list[int] | list[float]]:
        """Plain lists, ready for JSON."""
        return {
            "image_size": list(self.image_size),
            "box": list(self.box),
            "input_size": list(self.input_size),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, list[int] | list[float]]) -> "Geometry":
        """Undo ``to_dict``."""
        rows, columns = facts["image_size"]
        left, top, right, bottom = facts["box"]
        input_rows, input_columns = facts["input_size"]
        return cls(
            image_size=(int(rows), int(columns)),
            box=(float(left), float(top), float(right), float(bottom)),
            input_size=(int(input_rows), int(input_columns)),
        )


def stretched(image_size: Size, input_size: Size) -> Geometry:
    """The whole image, squeezed into the input whatever its aspect.

    >>> stretched((480, 640), (224, 224)).box
    (0.0, 0.0, 640.0, 480.0)
    """
    return _central(image_size, input_size, input_size)


def cropped(image_size: Size, input_size: Size, *, ratio: float = 0.875) -> Geometry:
    """The shorter side resized to ``input_size / ratio``, of which the centre is kept.

    Parameters
    ----------
    image_size, input_size
        Rows and columns.
    ratio
        In (0, 1]: 0.875 is "resize to 256, crop 224"; 1 keeps all of the shorter side.

    >>> cropped((512, 1024), (224, 224)).box
    (288.0, 32.0, 736.0, 480.0)
    """
    if not 0 < ratio <= 1:
        raise BadOption(
            f"A crop ratio lies in (0, 1], such as 0.875 for 224 of 256; received {ratio}."
        )
    rows, columns = image_size
    covered = [int(size / ratio + NUDGE) for size in input_size]
    scale = max(covered[0] / rows, covered[1] / columns)
    resized = round(rows * scale), round(columns * scale)
    return _central(image_size, resized, input_size)


def letterboxed(image_size: Size, input_size: Size) -> Geometry:
    """The whole image, its aspect kept, centred in the input; the rest is a border.

    >>> letterboxed((100, 200), (64, 64)).box
    (0.0, -50.0, 200.0, 150.0)
    """
    rows, columns = image_size
    scale = min(input_size[0] / rows, input_size[1] / columns)
    resized = max(1, round(rows * scale)), max(1, round(columns * scale))
    return _central(image_size, resized, input_size)


def _central(image_size: Size, resized: Size, input_size: Size) -> Geometry:
    """The centre of the image at that size; half a pixel off where it can't be halved."""
    spans = [
        _span(image, whole, part)
        for image, whole, part in zip(image_size, resized, input_size, strict=True)
    ]
    (top, bottom), (left, right) = spans
    return Geometry(image_size=image_size, box=(left, top, right, bottom), input_size=input_size)


def _span(image: int, resized: int, part: int) -> tuple[float, float]:
    start = (resized - part) // 2
    return start * image / resized, (start + part) * image / resized
