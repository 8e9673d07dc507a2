"""Geometry of preprocessing: the rectangle of the original image that the network saw."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from xai_heatmap.core.errors import BadOption

Size = tuple[int, int]
"""Rows and columns, in this order."""

Matrix = tuple[float, float, float, float, float, float]
"""a, b, c, d, e, f: x = a u + b v + c and y = d u + e v + f."""

Half = Literal["even", "down"]
"""Rounding of half a pixel in a crop's margin."""

NUDGE = 1e-6
"""Keeps 224 / (224 / 232) from being one pixel short of 232."""


@dataclass(frozen=True)
class Geometry:
    """Rectangle of the original image that the network saw, and the size of the network's input.

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
    matrix
        a, b, c, d, e, f where the network was given the picture flipped or turned: its place (u, v)
        shows x = a u + b v + c, y = d u + e v + f. The box is then what lies around all of them.
        None where the input is that box, upright.
    """

    image_size: Size
    box: tuple[float, float, float, float]
    input_size: Size
    matrix: Matrix | None = None

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

    @cached_property
    def seen(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the image pixels whose centres lie inside the box."""
        left, top, right, bottom = self.box
        rows, columns = self.image_size
        first_column, last_column = (
            min(max(math.ceil(x - 0.5), 0), columns) for x in (left, right)
        )
        first_row, last_row = (min(max(math.ceil(y - 0.5), 0), rows) for y in (top, bottom))
        return first_column, first_row, last_column, last_row

    @cached_property
    def share(self) -> float:
        """Share of the image's pixels that the network saw, in [0, 1]."""
        left, top, right, bottom = self.seen
        rows, columns = self.image_size
        return max(right - left, 0) * max(bottom - top, 0) / (rows * columns)

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """Coordinates on the input of a point (x, y) of the image."""
        if self.matrix is not None:
            a, b, c, d, e, f = self.matrix
            area = a * e - b * d
            return (e * (x - c) - b * (y - f)) / area, (a * (y - f) - d * (x - c)) / area
        left, top, _, _ = self.box
        down, along = self.scale
        return (x - left) * along, (y - top) * down

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Coordinates on the image of a point (x, y) of the input."""
        if self.matrix is not None:
            a, b, c, d, e, f = self.matrix
            return a * x + b * y + c, d * x + e * y + f
        left, top, _, _ = self.box
        down, along = self.scale
        return left + x / along, top + y / down

    def at(self, image_size: Size) -> "Geometry":
        """Geometry of the same rectangle, with the image at another size.

        >>> Geometry((100, 200), (50.0, 0.0, 150.0, 100.0), (64, 64)).at((50, 100)).box
        (25.0, 0.0, 75.0, 50.0)
        """
        down, along = (new / old for new, old in zip(image_size, self.image_size, strict=True))
        left, top, right, bottom = self.box
        box = (left * along, top * down, right * along, bottom * down)
        if self.matrix is None:
            return Geometry(image_size, box, self.input_size)
        a, b, c, d, e, f = self.matrix
        matrix = (a * along, b * along, c * along, d * down, e * down, f * down)
        return Geometry(image_size, box, self.input_size, matrix)

    def to_dict(self) -> dict[str, list[int] | list[float]]:
        """Plain lists, ready for JSON."""
        facts: dict[str, list[int] | list[float]] = {
            "image_size": list(self.image_size),
            "box": list(self.box),
            "input_size": list(self.input_size),
        }
        return facts if self.matrix is None else facts | {"matrix": list(self.matrix)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, list[int] | list[float]]) -> "Geometry":
        """Undo ``to_dict``."""
        rows, columns = facts["image_size"]
        left, top, right, bottom = facts["box"]
        input_rows, input_columns = facts["input_size"]
        turned = tuple(map(float, facts["matrix"])) if "matrix" in facts else None
        return cls(
            image_size=(int(rows), int(columns)),
            box=(float(left), float(top), float(right), float(bottom)),
            input_size=(int(input_rows), int(input_columns)),
            matrix=cast("Matrix | None", turned),
        )


def placed(image_size: Size, matrix: Matrix, input_size: Size) -> Geometry:
    """The geometry of an input whose places (u, v) show x = a u + b v + c, y = d u + e v + f.

    What is upright to half a pixel of the input is a box; an edge of the box that is a fifth of a
    pixel of the input from an edge of the image, or less, lies on it.

    >>> placed((100, 200), (2.0, 0.0, 0.01, 0.0, 1.0, 0.0), (100, 100)).box
    (0.0, 0.0, 200.0, 100.0)
    """
    a, b, c, d, e, f = matrix
    height, width = input_size
    corners = [(a * u + b * v + c, d * u + e * v + f) for u in (0, width) for v in (0, height)]
    xs, ys = zip(*corners, strict=True)
    upright = a > 0 and e > 0 and abs(b) * height <= a / 2 and abs(d) * width <= e / 2
    if not upright:
        return Geometry(image_size, (min(xs), min(ys), max(xs), max(ys)), input_size, matrix)
    rows, columns = image_size
    left, right = (
        _snapped(x, columns, a / 5) for x in (c + b * height / 2, a * width + c + b * height / 2)
    )
    top, bottom = (
        _snapped(y, rows, e / 5) for y in (f + d * width / 2, e * height + f + d * width / 2)
    )
    return Geometry(image_size, (left, top, right, bottom), input_size)


def _snapped(edge: float, length: int, near: float) -> float:
    """An edge, on the end of the image that it is near to."""
    return next((float(end) for end in (0, length) if abs(edge - end) <= near), edge)


def stretched(image_size: Size, input_size: Size) -> Geometry:
    """The whole image, squeezed into the input whatever its aspect.

    >>> stretched((480, 640), (224, 224)).box
    (0.0, 0.0, 640.0, 480.0)
    """
    return _central(image_size, input_size, input_size)


def squashed(image_size: Size, input_size: Size, *, ratio: float, half: Half = "even") -> Geometry:
    """The whole image, squeezed to ``input_size / ratio`` whatever its aspect, of which the centre
    is kept.

    >>> squashed((480, 640), (224, 224), ratio=0.875).resized
    (256, 256)
    """
    return _central(image_size, _covered(input_size, ratio), input_size, half=half)


def cropped(
    image_size: Size, input_size: Size, *, ratio: float = 0.875, half: Half = "even"
) -> Geometry:
    """The shorter side resized to ``input_size / ratio``, of which the centre is kept.

    Parameters
    ----------
    image_size, input_size
        Rows and columns.
    ratio
        In (0, 1]: 0.875 is "resize to 256, crop 224"; 1 keeps all of the shorter side.
    half
        Where a margin is not a whole number of pixels: ``even``, to the even number, as torchvision
        and timm round it; ``down``, as transformers does.

    >>> cropped((512, 1024), (224, 224)).box
    (288.0, 32.0, 736.0, 480.0)
    """
    resized = _covering(image_size, _covered(input_size, ratio))
    return _central(image_size, resized, input_size, half=half)


def letterboxed(image_size: Size, input_size: Size) -> Geometry:
    """The whole image, its aspect kept, centred in the input; the rest is a border, of which an odd
    pixel lies below and to the right.

    >>> letterboxed((100, 200), (64, 64)).box
    (0.0, -50.0, 200.0, 150.0)
    """
    rows, columns = image_size
    scale = min(input_size[0] / rows, input_size[1] / columns)
    resized = max(1, round(rows * scale)), max(1, round(columns * scale))
    return _central(image_size, resized, input_size)


def _covered(input_size: Size, ratio: float) -> Size:
    """Rows and columns that a resized image has at least, of which the input is the centre."""
    if not 0 < ratio <= 1:
        raise BadOption(
            f"A crop ratio lies in (0, 1], such as 0.875 for 224 of 256; received {ratio}."
        )
    rows, columns = (int(size / ratio + NUDGE) for size in input_size)
    return rows, columns


def _covering(image_size: Size, least: Size) -> Size:
    """Rows and columns of the image that covers so many, its aspect kept.

    The longer side is cut off to whole pixels, as torchvision, timm and transformers do it, and not
    rounded; timm alone knows oblong inputs, and rounds both sides there.
    """
    rows, columns = image_size
    if least[0] != least[1]:
        shrunk = min(rows / least[0], columns / least[1])
        return round(rows / shrunk), round(columns / shrunk)
    side = least[0]
    if columns <= rows:
        return int(side * rows / columns), side
    return side, int(side * columns / rows)


def _central(image_size: Size, resized: Size, input_size: Size, *, half: Half = "even") -> Geometry:
    """The centre of the image at that size; half a pixel off where it can't be halved."""
    spans = [
        _span(image, whole, part, half)
        for image, whole, part in zip(image_size, resized, input_size, strict=True)
    ]
    (top, bottom), (left, right) = spans
    return Geometry(image_size=image_size, box=(left, top, right, bottom), input_size=input_size)


def _span(image: int, resized: int, part: int, half: Half) -> tuple[float, float]:
    margin = resized - part
    if margin < 0:  # a border
        start = -(-margin // 2)
    elif half == "down":
        start = margin // 2
    else:
        start = round(margin / 2)
    return start * image / resized, (start + part) * image / resized
