"""What a model was trained to see: an image in, its input and the geometry out."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadOption, UnknownPreprocess, did_you_mean
from xai_heatmap.core.geometry import Geometry, Size, cropped, letterboxed, stretched

MOST_PIXELS = 100_000_000
"""Of an input; 1.2 GB as three channels of float32."""

FITS = ("crop", "stretch", "letterbox")


class Scaling(NamedTuple):
    """``(pixel / divisor - mean) / std``, channel by channel, pixels in 0 to 255."""

    divisor: float
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    order: str = "RGB"
    border: float | None = None
    """What a letter-box is filled with, in 0 to 255; None: the mean."""


GREY = 114.0
"""The border that YOLO made customary, for scalings that have no mean to fill it with."""

IMAGENET = Scaling(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

PRESETS: Mapping[str, Scaling] = MappingProxyType(
    {
        "imagenet": IMAGENET,
        "torch": IMAGENET,
        "tf": Scaling(127.5, (1.0,)),
        "caffe": Scaling(1.0, (103.939, 116.779, 123.68), order="BGR"),
        "unit": Scaling(255.0, border=GREY),
        "raw": Scaling(1.0, border=GREY),
    }
)
"""Scalings by name; "torch", "tf" and "caffe" are Keras's words for what its models want."""

_FILTERS = {
    "bilinear": PIL.Image.Resampling.BILINEAR,
    "bicubic": PIL.Image.Resampling.BICUBIC,
}

_WASTE = 16
"""How many times more pixels than needed may be resized, to agree to the last bit."""


@dataclass(frozen=True)
class Preprocess:
    """How an image becomes what a model was trained to see.

    Calling it gives the input, channels first, and the geometry that leads back.

    Parameters
    ----------
    mode
        How pixels are scaled: a key of ``PRESETS``.
    mean, std
        Instead of the preset's, after its divisor, in the order of the network's channels: for
        ``mode="imagenet"`` in units of 0 to 1 and RGB, for ``mode="caffe"`` of 0 to 255 and BGR.
        One number, or one for each channel.
    input_size
        Rows and columns (H', W') that the network takes.
    channels
        3, or 1 for a network that takes grey pictures (luma; a preset's mean and std are averaged).
    fit
        ``"crop"``: the shorter side is resized and the centre kept. ``"stretch"``: the whole image,
        squeezed. ``"letterbox"``: the whole image, aspect kept, on the mean colour (0 after
        scaling), or on grey 114 where the scaling has no mean.
    ratio
        In (0, 1], for ``fit="crop"`` alone: which part of the shorter side is kept.
    resampling
        ``"bilinear"`` or ``"bicubic"``, both antialiased as in Pillow.
    """

    mode: str = "imagenet"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    input_size: Size = (224, 224)
    channels: int = 3
    fit: str = "crop"
    ratio: float = 0.875
    resampling: str = "bilinear"

    def __post_init__(self) -> None:
        if self.mode not in PRESETS:
            raise UnknownPreprocess(
                f"There is no preprocessing {self.mode!r}; there are {', '.join(PRESETS)}."
                f"{did_you_mean(self.mode, PRESETS)} Anything else is a preset with mean= and std=."
            )
        _size(self.input_size)
        _one_of("fit", self.fit, FITS)
        _one_of("resampling", self.resampling, tuple(_FILTERS))
        if self.channels not in (1, 3):
            raise BadOption(f"Images have 1 or 3 channels; received channels={self.channels}.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and (
                not isinstance(values, Collection) or len(values) not in (1, self.channels)
            ):
                raise BadOption(
                    f"{name} is one number, or one for each of {self.channels} channels; "
                    f"received {values}."
                )
        if self.std is not None and not all(value > 0 for value in self.std):
            raise BadOption(f"std divides, so each is above 0; received {self.std}.")
        self.geometry((1, 1))

    @property
    def scaling(self) -> Scaling:
        """The preset with ``mean`` and ``std`` put in."""
        preset = PRESETS[self.mode]
        if self.channels == 1:
            preset = preset._replace(mean=_average(preset.mean), std=_average(preset.std))
        if self.mean is not None:
            preset = preset._replace(mean=self.mean, border=None)
        return preset if self.std is None else preset._replace(std=self.std)

    def geometry(self, image_size: Size) -> Geometry:
        """Which rectangle of an image of that size (rows, columns) is seen."""
        if self.fit == "crop":
            return cropped(image_size, self.input_size, ratio=self.ratio)
        return {"stretch": stretched, "letterbox": letterboxed}[self.fit](
            image_size, self.input_size
        )

    def __call__(self, image: Image) -> tuple[Input, Geometry]:
        """The input, and which rectangle of the image it is."""
        geometry = self.geometry((image.shape[0], image.shape[1]))
        picture = PIL.Image.fromarray(image)
        seen, (top, left) = _seen(picture, geometry, _FILTERS[self.resampling])
        pixels = np.asarray(seen.convert("L") if self.channels == 1 else seen, np.float32)
        pixels = pixels.reshape(*pixels.shape[:2], self.channels)
        if self.scaling.order == "BGR":
            pixels = pixels[..., ::-1]
        x = np.empty((self.channels, *self.input_size), np.float32)
        x[...] = self._border()[:, None, None]
        rows, columns = pixels.shape[:2]
        x[:, top : top + rows, left : left + columns] = self._scaled(pixels).transpose(2, 0, 1)
        return x, geometry

    def _scaled(self, pixels: Input) -> Input:
        divisor, mean, std = self.scaling[:3]
        shift, spread = np.array(mean, np.float32), np.array(std, np.float32)
        return (pixels / np.float32(divisor) - shift) / spread

    def _border(self) -> np.ndarray:
        border = self.scaling.border
        if border is None:
            return np.zeros(self.channels, np.float32)
        return self._scaled(np.full((1, 1, self.channels), border, np.float32))[0, 0]

    def to_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Preprocess":
        """Undo ``to_dict``; what is left out has its default."""
        known = [field.name for field in fields(cls)]
        for name in facts:
            if name not in known:
                raise BadOption(
                    f"Preprocessing has no option {name!r}; it has {', '.join(known)}."
                    f"{did_you_mean(name, known)}"
                )
        return cls(**{name: _from_plain(name, value) for name, value in facts.items()})


def _from_plain(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple(value) if name == "input_size" else tuple(map(float, value))


def _one_of(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadOption(
            f"{option} is one of {', '.join(choices)}; received {value!r}."
            f"{did_you_mean(str(value), choices)}"
        )


def _size(given: object) -> None:
    rows_and_columns = list(given) if isinstance(given, Collection) else []
    whole = [n for n in rows_and_columns if isinstance(n, int | np.integer) and n > 0]
    if len(whole) != 2 or whole != rows_and_columns:
        raise BadOption(
            "input_size is rows and columns, two whole numbers of at least one pixel, such as "
            f"(224, 224); received {given!r}."
        )
    if whole[0] * whole[1] > MOST_PIXELS:
        raise BadOption(
            f"An input has at most {MOST_PIXELS:,} pixels; received input_size={given!r}."
        )


def _average(values: tuple[float, ...]) -> tuple[float]:
    return (sum(values) / len(values),)


def _seen(
    picture: PIL.Image.Image, geometry: Geometry, how: PIL.Image.Resampling
) -> tuple[PIL.Image.Image, tuple[int, int]]:
    """What the network sees of the picture, and the row and column of the input where it goes.

    All of the picture is resized and then cropped, as training did it. Resizing the crop alone is
    off by one level in places, since Pillow keeps a box as float32; that is good enough for a very
    long picture alone, which would take gigabytes otherwise.
    """
    (rows, columns), (top, left) = geometry.resized, geometry.offset
    height, width = geometry.input_size
    if rows * columns > _WASTE * height * width:
        return picture.resize((width, height), how, box=_inside(geometry)), (0, 0)
    picture = picture.resize((columns, rows), how)
    above, before = max(top, 0), max(left, 0)
    below, after = min(top + height, rows), min(left + width, columns)
    return picture.crop((before, above, after, below)), (above - top, before - left)


def _inside(geometry: Geometry) -> tuple[float, float, float, float]:
    """The box, without what rounding put outside of the image."""
    left, top, right, bottom = geometry.box
    rows, columns = geometry.image_size
    return max(left, 0.0), max(top, 0.0), min(right, columns), min(bottom, rows)
