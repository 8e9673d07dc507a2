"""Preprocessing that a model was trained with: an image in, its input and the geometry out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Deep, Image, Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, UnknownPreprocess, did_you_mean
from xai_heatmap.core.geometry import (
    Geometry,
    Half,
    Size,
    cropped,
    letterboxed,
    squashed,
    stretched,
)
from xai_heatmap.core.resampling import RESAMPLINGS
from xai_heatmap.sources.shrinking import channels_of

MOST_PIXELS = 100_000_000
"""Most pixels of an input; 1.2 GB as three channels of float32."""

FITS = ("crop", "stretch", "letterbox", "squash")

USUAL = (224, 224)
"""Rows and columns of an input, where neither the preprocessing nor the network says any."""

RATIO = 0.875
"""Share of the shorter side that a crop keeps, where nobody says another: 224 of 256."""


class Scaling(NamedTuple):
    """``(pixel / divisor - mean) / std``, channel by channel, pixels in 0 to 255."""

    divisor: float
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    order: str = "RGB"
    border: float | None = None
    """Fill of a letter-box, in 0 to 255; None: the mean."""


GREY = 114.0
"""Border that YOLO made customary, for scalings without a mean to fill a border with."""

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

CROPPED = ("imagenet", "torch")
"""Presets whose networks were evaluated on the centre of a picture; all others see all of it."""


@dataclass(frozen=True)
class Preprocess:
    """Preprocessing that makes an image into what a model was trained to see.

    Calling it gives the input, channels first, and the geometry that leads back. What is None is
    the network's to say when a picture is explained; where it says nothing, and in a call without a
    network, it is the default that is named below. A picture that has the input's size already goes
    in as it is, unless `fit` or `ratio` is said.

    Parameters
    ----------
    mode
        How pixels are scaled: a key of ``PRESETS``.
    mean, std
        Instead of the preset's, after its divisor, in the order of the network's channels: for
        ``mode="imagenet"`` in units of 0 to 1 and RGB, for ``mode="caffe"`` of 0 to 255 and BGR.
        One number, or one for each channel or band.
    input_size
        Rows and columns (H', W') that the network takes; (224, 224) where nobody says them.
    channels
        3, or 1 for a network that takes grey pictures (luma; a preset's mean and std are averaged);
        3 where nobody says it.
    fit
        ``"crop"``: the shorter side is resized and the centre kept. ``"stretch"``: the whole image,
        squeezed. ``"letterbox"``: the whole image, aspect kept, on the mean colour (0 after
        scaling), or on grey 114 where the scaling has no mean. ``"squash"``: squeezed, and the
        centre kept. Where nobody says it: crop for the presets ``imagenet`` and ``torch`` and where
        `ratio` is given, else stretch.
    ratio
        In (0, 1], for ``"crop"`` and ``"squash"`` alone: which part of the shorter side, or of each
        side, is kept; 0.875 where nobody says it.
    resampling
        ``"bilinear"``, ``"bicubic"``, ``"nearest"``, ``"lanczos"``, ``"box"`` or ``"hamming"``, all
        antialiased as in Pillow.
    half
        Where the margin of a crop is not a whole number of pixels: ``"even"``, to the even number,
        as torchvision and timm round it; ``"down"``, as transformers does.
    """

    mode: str = "imagenet"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    input_size: Size | None = None
    channels: int | None = None
    fit: str | None = None
    ratio: float | None = None
    resampling: str = "bilinear"
    half: Half = "even"

    def __post_init__(self) -> None:
        if self.mode not in PRESETS:
            raise UnknownPreprocess(
                f"There is no preprocessing {self.mode!r}; there are {', '.join(PRESETS)}."
                f"{did_you_mean(self.mode, PRESETS)} Anything else is a preset with mean= and std=."
            )
        if self.input_size is not None:
            _size(self.input_size)
        if self.fit is not None:
            _one_of("fit", self.fit, FITS)
        _one_of("resampling", self.resampling, tuple(RESAMPLINGS))
        _one_of("half", self.half, get_args(Half))
        if self.channels not in (None, 1, 3):
            raise BadOption(
                f"A photograph has 1 or 3 channels; received channels={self.channels}. A picture "
                "of other bands is an array with so many, which a network that takes them gets "
                "as it is."
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            self._check_numbers(name, values)
        if self.std is not None and not all(value > 0 for value in self.std):
            raise BadOption(f"std divides, so each is above 0; received {self.std}.")
        if self.ratio is not None:
            cropped((1, 1), (1, 1), ratio=self.ratio)

    def _check_numbers(self, name: str, values: object) -> None:
        if values is None:
            return
        count = len(values) if isinstance(values, Collection) else 0
        bands = self.channels is None and count > 3  # of a picture that is no photograph
        if not bands and count not in (1, self.channels or 3):
            raise BadOption(
                f"{name} is one number, or one for each of "
                f"{counted(self.channels or 3, 'channel')}; received "
                f"{values}."
            )

    @property
    def fit_said(self) -> bool:
        """Whether `fit` or `ratio` is said, which hold for pictures of every size."""
        return self.fit is not None or self.ratio is not None

    def filled(
        self, *, input_size: Size | None = None, channels: int | None = None, fit: str | None = None
    ) -> "Preprocess":
        """Preprocessing with a value for all that is None: the network's own, or a default."""
        usual = fit or ("crop" if self.mode in CROPPED else "stretch")
        chosen = self.fit or ("crop" if self.ratio is not None else usual)
        kept = self.ratio or (RATIO if chosen in ("crop", "squash") else 1.0)
        size = self.input_size or input_size or USUAL
        own = self.input_size, self.channels, self.fit, self.ratio
        full = size, self.channels or channels or 3, chosen, kept
        if own == full:
            return self  # nothing is left open, as with every picture after the first
        return replace(self, input_size=full[0], channels=full[1], fit=full[2], ratio=full[3])

    def for_size(self, image_size: Size) -> "Preprocess":
        """Preprocessing of pictures of that size: no resizing where that is the input's own size
        and nothing else was said.
        """
        full = self.filled()
        if not self.fit_said and tuple(image_size) == tuple(full.input_size or USUAL):
            return replace(full, fit="stretch", ratio=1.0)
        return full

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
        """Geometry of an image of that size (rows, columns): the rectangle that is seen."""
        full = self.for_size(image_size)
        size, ratio = full.input_size or USUAL, full.ratio or RATIO
        if full.fit == "crop":
            return cropped(image_size, size, ratio=ratio, half=self.half)
        if full.fit == "squash":
            return squashed(image_size, size, ratio=ratio, half=self.half)
        return (letterboxed if full.fit == "letterbox" else stretched)(image_size, size)

    def __call__(
        self, image: Image | Deep, pillow: PIL.Image.Image | None = None
    ) -> tuple[Input, Geometry]:
        """The input, and which rectangle of the image it is; of 8 bits by Pillow's arithmetic in 8
        bits, as models are trained, of more in floats. `pillow` is the same image as Pillow holds
        it, where that is at hand.
        """
        geometry = self.geometry((image.shape[0], image.shape[1]))
        channels, how = self.channels or 3, RESAMPLINGS[self.resampling]
        given = image if pillow is None else pillow
        planes, (top, left) = channels_of(given, geometry, how, channels)
        planes = planes[::-1] if self.scaling.order == "BGR" else planes
        x = np.empty((channels, *geometry.input_size), np.float32)
        rows, columns = planes[0].shape
        if (rows, columns) != tuple(geometry.input_size):
            x[...] = self._border()[:, None, None]
        inside = x[:, top : top + rows, left : left + columns]
        self._scale(planes, out=inside)
        return x, geometry

    def _scale(self, planes: Sequence[np.ndarray], *, out: np.ndarray) -> None:
        """Write (p / divisor - mean) / std of every channel; plane by plane, while it is near."""
        divisor, mean, std = self.scaling[:3]
        each, spread = _one_each(mean, len(planes)), _one_each(std, len(planes))
        for number, plane in enumerate(planes):
            own = out[number : number + 1]  # an array also where a plane is one number
            np.divide(plane, np.float32(divisor), out=own, dtype=np.float32)
            own -= each[number]
            own /= spread[number]

    def _border(self) -> np.ndarray:
        border, channels = self.scaling.border, self.channels or 3
        found = np.zeros((channels, 1), np.float32)
        if border is not None:
            self._scale(list(np.full((channels, 1), border, np.float32)), out=found)
        return found[:, 0]

    def to_dict(self) -> dict[str, object]:
        """Plain values, ready for JSON."""
        own = {name: getattr(self, name) for name in _NAMES}
        return {n: list(value) if isinstance(value, tuple) else value for n, value in own.items()}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> "Preprocess":
        """Undo ``to_dict``; what is left out has its default."""
        for name in facts:
            if name not in _NAMES:
                raise BadOption(
                    f"Preprocessing has no option {name!r}; it has {', '.join(_NAMES)}."
                    f"{did_you_mean(name, _NAMES)}"
                )
        return cls(**{name: _from_plain(name, value) for name, value in facts.items()})


_NAMES = tuple(field.name for field in fields(Preprocess))


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


def _one_each(values: Sequence[float], planes: int) -> np.ndarray:
    found = np.array(values, np.float32)
    return found if len(found) == planes else np.broadcast_to(found, planes)


def _average(values: tuple[float, ...]) -> tuple[float]:
    return (sum(values) / len(values),)
