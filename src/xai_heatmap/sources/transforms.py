"""Somebody else's preprocessing, called as it wants to be: torchvision, transformers, Keras, a
function of one's own.
"""

import random
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, XaiHeatmapError
from xai_heatmap.core.geometry import Geometry, Size
from xai_heatmap.core.measuring import Measured, measured
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.sources.steps import DRAWING, coins_alone, said

PICTURES = ("pixel_values", "image", "images", "x", "input", "inputs")
"""Keys that the picture has in what a processor answers, most telling first."""

PROCESSORS = (
    "transformers.image_processing_base.ImageProcessingMixin",
    "transformers.processing_utils.ProcessorMixin",
)
"""Classes that take pictures by the name ``images``."""

REPEATS = 12
"""Number of times that a preprocessing which may draw is asked the same again."""

Call = Callable[[Image], Any]


@dataclass(eq=False)
class Transform:
    """A preprocessing of unknown make, with what was measured of it.

    Parameters
    ----------
    own
        The object itself.
    channels
        That the network takes, None if it does not say.
    channels_last
        Of the network's own layout, for answers that could be read either way.
    """

    own: Any
    channels: int | None = None
    channels_last: bool = False
    _way: Call | None = field(default=None, init=False)
    _drew: bool = field(default=False, init=False)
    _rolled: bool = field(default=False, init=False)
    _seed: int | None = field(default=None, init=False)
    _known: dict[Size, Measured] = field(default_factory=dict, init=False)

    @property
    def name(self) -> str:
        """Name of the transform for a sentence."""
        return getattr(self.own, "__name__", type(self.own).__name__)

    def to_dict(self) -> dict[str, object]:
        """Record of the preprocessing, in its own words, to be written beside a map."""
        return {"transform": re.sub(r"\s+", " ", said(self.own))[:2000]}

    def __call__(self, image: Image) -> Input:
        """The input that becomes of a picture, channels first."""
        return self._read(self._answer(image))

    def given(self, image: Image) -> tuple[Input, Geometry | None]:
        """Input, and the geometry where a function says one with the input."""
        answer = self._answer(image)
        if not (isinstance(answer, tuple) and len(answer) == 2 and _is_geometry(answer[1])):
            return self._read(answer), None
        if not isinstance(answer[0], np.ndarray):
            raise BadOption(
                f"A preprocessing that answers two things gives the input as an array (c, H, W) "
                "and the xai_heatmap.Geometry that leads back; the first of these was a "
                f"{type(answer[0]).__name__}."
            )
        return answer

    def measured(self, size: Size) -> Measured:
        """Measurement of the transform for pictures of that size, made once.

        Raises
        ------
        BadOption
            If it draws at random.
        """
        if size not in self._known:
            found = measured(self, size)
            drawing = self._drawing()
            tossed = self._drew and coins_alone(self.own)
            doubted = bool(drawing) or self._rolled or tossed
            drew = self._drew and not tossed
            if found.random or drew or (doubted and self._differs(size)):
                steps = f" ({', '.join(drawing)})" if drawing else ""
                raise BadOption(
                    f"preprocess={self.name} draws at random{steps}, so that the map would be of "
                    "another picture each time. Give the one that the model is evaluated with, "
                    "such as weights.transforms() or create_transform(..., is_training=False)."
                )
            self._known[size] = found
        return self._known[size]

    def _drawing(self) -> list[str]:
        """Names, in the transform's own words, of steps that draw at random."""
        return list(dict.fromkeys(DRAWING.findall(said(self.own))))

    def _differs(self, size: Size) -> bool:
        """Whether the transform answers one picture in several ways, whatever generators start
        from.
        """
        picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
        drew, found = self._drew, list[Input]()
        for self._seed in range(1 + REPEATS):
            found.append(self(picture))
        self._seed, self._drew = None, drew
        return any(not np.array_equal(found[0], own, equal_nan=True) for own in found[1:])

    def _answer(self, image: Image) -> Any:
        if self._way is not None:
            try:
                return self._called(self._way, image)
            except XaiHeatmapError:
                raise
            except Exception as problem:
                raise self._failed([f"{type(problem).__name__}: {problem}"]) from problem
        problems = []
        for way in _ways(self.own):
            try:
                answer = self._called(way, image)
            except XaiHeatmapError:
                raise
            except Exception as problem:  # noqa: BLE001 - any way may be the wrong one
                problems.append(f"{type(problem).__name__}: {problem}")
                continue
            self._way = way
            return answer
        raise self._failed(problems)

    def _called(self, way: Call, image: Image) -> Any:
        """The answer; whether random numbers were drawn for it is kept in mind, their state is not
        changed.
        """
        torch = sys.modules.get("torch")
        python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - transforms use it
        theirs = None if torch is None else torch.get_rng_state()
        if self._seed is not None:
            random.seed(self._seed)
            np.random.seed(self._seed)  # noqa: NPY002 - transforms use it
            _ = None if torch is None else torch.default_generator.manual_seed(self._seed)
        try:
            return way(image)
        finally:
            now = np.random.get_state()  # noqa: NPY002
            same = all(np.array_equal(old, new) for old, new in zip(legacy, now, strict=True))
            self._drew |= not same
            self._rolled |= random.getstate() != python  # checkers of types draw from it, too
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002
            if torch is not None:
                self._drew |= not torch.equal(theirs, torch.get_rng_state())
                torch.set_rng_state(theirs)

    def _failed(self, problems: list[str]) -> BadOption:
        reasons = "; ".join(dict.fromkeys(one.splitlines()[0][:160] for one in problems))
        return BadOption(
            f"preprocess={self.name} failed on a picture, given as a Pillow image and as an array "
            f"(H, W, 3) of uint8: {reasons}. Give a function of one of these that answers the "
            "network's input, or a preset: preprocess='imagenet'."
        )

    def _read(self, answer: Any) -> Input:
        """Answer of the transform as one input, channels first."""
        found = self._picked(answer)
        if found.ndim > 3 and found.shape[: found.ndim - 3] == (1,) * (found.ndim - 3):
            found = found.reshape(found.shape[-3:])
        if found.ndim > 3:
            raise self._several("x".join(map(str, found.shape)))
        if found.ndim == 2:
            found = found[None]
        if found.ndim != 3 or not found.size or found.dtype.kind not in "fiub":
            raise BadOption(
                f"preprocess={self.name} answered {found.dtype} of shape {found.shape}; the input "
                "of the network was expected, numbers (c, H, W) or (H, W, c)."
            )
        last = _last(found.shape, self.channels, channels_last=self.channels_last)
        x = np.moveaxis(found, -1, 0) if last else found
        return np.array(x, np.float32, order="C")

    def _picked(self, answer: Any) -> np.ndarray:
        """The array in an answer of any kind."""
        if isinstance(answer, Mapping) or _is_bag(answer):
            key = next((key for key in PICTURES if key in answer), None)
            if key is None:
                raise BadOption(
                    f"preprocess={self.name} answered {', '.join(map(str, answer))}, and none of "
                    f"these is known as the picture ({', '.join(PICTURES)}). Pick it: "
                    "preprocess=lambda picture: transform(picture)[KEY]."
                )
            return self._picked(answer[key])
        if isinstance(answer, tuple | list):
            if len(answer) != 1:
                raise self._several(f"{counted(len(answer), 'thing')}")
            return self._picked(answer[0])
        if isinstance(answer, PIL.Image.Image):
            raise BadOption(
                f"preprocess={self.name} answered a Pillow image, which no network takes. End it "
                "with what makes numbers of it, such as ToTensor() and Normalize(mean, std)."
            )
        found = as_numpy(answer)
        if found is None:
            raise BadOption(
                f"preprocess={self.name} answered a {type(answer).__name__}; the input of the "
                "network was expected, an array or a tensor (c, H, W)."
            )
        return found

    def _several(self, what: str) -> BadOption:
        return BadOption(
            f"preprocess={self.name} answered {what} for one picture, and one input is explained. "
            "Leave out what makes several crops (FiveCrop, TenCrop), or pick one: "
            "preprocess=lambda picture: transform(picture)[0]."
        )


def _ways(own: Any) -> list[Call]:
    """Ways to call a preprocessing: by name, with a Pillow image, with an array."""
    classes = {f"{c.__module__}.{c.__qualname__}" for c in type(own).__mro__}
    if not classes.isdisjoint(PROCESSORS):
        own = getattr(own, "image_processor", own)
        return [
            lambda image: own(images=PIL.Image.fromarray(image), return_tensors="np"),
            lambda image: own(images=PIL.Image.fromarray(image), return_tensors="pt"),
        ]
    if _home(own).split(".")[0] in ("keras", "tf_keras", "tensorflow"):
        return [
            lambda image: own(image.astype(np.float32)),
            lambda image: own(image.astype(np.float32)[None]),
        ]
    return [
        lambda image: own(PIL.Image.fromarray(image)),
        lambda image: own(image.copy()),
        lambda image: own(image.astype(np.float32)),
        lambda image: own(image.astype(np.float32)[None]),
        lambda image: own(image=image.copy()),
    ]


def _home(own: Any) -> str:
    """The module that a function or the class of an object comes from."""
    said = getattr(own, "__module__", None)
    return said if isinstance(said, str) else type(own).__module__


def _last(shape: tuple[int, ...], channels: int | None, *, channels_last: bool) -> bool:
    """Whether the channels of an answer stand last."""
    usual = (channels,) if channels is not None else (3, 1, 4)
    first, last = shape[0] in usual, shape[-1] in usual
    if first == last:
        first, last = shape[0] in (1, 3, 4), shape[-1] in (1, 3, 4)
    return last if first != last else channels_last


def _is_geometry(value: object) -> bool:
    return isinstance(value, Geometry)


def _is_bag(answer: Any) -> bool:
    """Whether an answer has keys though it is no mapping, as the answers of transformers'
    processors.
    """
    return hasattr(answer, "keys") and hasattr(answer, "__getitem__")
