"""Preprocessing of a picture: by the user's word, else by the network's source, else by habit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import PIL.Image

from xai_heatmap.core.arrays import Deep, Image, Input
from xai_heatmap.core.errors import BadOption, UnknownPreprocess
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import Network
from xai_heatmap.sources.preprocess import PRESETS, USUAL, Preprocess
from xai_heatmap.sources.transforms import Transform

Preparing = (
    str | Preprocess | Mapping[str, object] | Callable[[Image], tuple[Input, Geometry]] | Any | None
)
"""A preset's name, ``ready``, a preprocessing, its options, a transform or processor of another
library, a function of one's own, or None: what the model says of itself."""

Facts = Mapping[str, object]

Prepared = tuple[Input, Geometry, Facts]
"""Input, geometry and facts: the array, the rectangle of the picture that it shows, and what was
done."""


@dataclass(frozen=True)
class Preparation:
    """Preprocessing of every picture for one network.

    Parameters
    ----------
    preprocess
        With nothing left open.
    fit_said
        Whether the user said how much of a picture is seen. Where it is only the habit of a source,
        a picture that has the input's size already goes in as it is.
    """

    preprocess: Preprocess
    fit_said: bool

    def __call__(self, image: Image | Deep, pillow: PIL.Image.Image | None = None) -> Prepared:
        """One picture, prepared; `pillow` is the same one as Pillow holds it, where it does."""
        own = self.preprocess
        if not self.fit_said and image.shape[:2] == own.input_size:
            own = replace(own, fit="stretch", ratio=1.0)
        return *own(image, pillow), own.to_dict()


def preparation(wanted: Preparing, network: Network) -> Preparation | Transform:
    """Preprocessing that makes a picture into the network's input.

    Raises
    ------
    UnknownPreprocess
        If neither the user nor the network says how pixels are scaled.
    """
    said = network.declared.preprocess if wanted is None else wanted
    if isinstance(said, Transform):
        return said
    if not isinstance(said, Preprocess) and (callable(said) or _is_processor(said)):
        shape = network.declared.input_shape
        return Transform(said, shape[0] if shape else None, network.channels_last)
    word: Any = wanted
    return Preparation(settled(word, network), fit_said(word))


def prepared_by(wanted: Preparing, network: Network) -> Preparing:
    """Preprocessing as it was said; another library's object with what is measured of it, to be
    kept where many pictures go through.
    """
    if wanted is None or isinstance(wanted, str | Mapping | Preprocess | Transform):
        return wanted
    return preparation(wanted, network)


def _is_processor(said: Any) -> bool:
    return not isinstance(said, str | Mapping) and hasattr(said, "image_processor")


def settled(
    wanted: str | Preprocess | Facts | None,
    network: Network,
    *,
    input_shape: Sequence[int] | None = None,
) -> Preprocess:
    """The preprocessing with all that was left open as the network has it.

    Parameters
    ----------
    wanted
        The user's word. Options without a ``mode`` change what the network says of itself; with
        one they stand in its place.
    input_shape
        (c, rows, columns) of the pictures; what the network declares, if not given.
    """
    own = wanted if isinstance(wanted, Preprocess) else _stated(wanted, network)
    shape = input_shape or network.declared.input_shape or (3, *USUAL)
    rows, columns = own.input_size or (shape[1], shape[2])
    if own.fit_said:
        return own.filled(input_size=(rows, columns), channels=shape[0])
    habit = _habit(own, network, (own.channels or shape[0], rows, columns))
    if own is _preset(own.mode):
        return _filled(own.mode, (rows, columns), shape[0], habit)
    return own.filled(input_size=(rows, columns), channels=shape[0], fit=habit)


@lru_cache(maxsize=16)
def _preset(mode: str) -> Preprocess:
    """Preprocessing of a preset, of which nothing else is said."""
    return Preprocess(mode=mode)


@lru_cache(maxsize=64)
def _filled(mode: str, size: tuple[int, int], channels: int, fit: str | None) -> Preprocess:
    """The same with what a network says of its input; networks are asked it for every picture."""
    return _preset(mode).filled(input_size=size, channels=channels, fit=fit)


def _stated(wanted: object, network: Network) -> Preprocess:
    """Preprocessing that the user and the network's source state, with the rest left open."""
    known = network.declared.preprocess
    known = known if isinstance(known, str | Mapping) else None
    source = {"mode": known} if isinstance(known, str) else dict(known or {})
    if wanted is None and source:
        return Preprocess.from_dict(source)
    if isinstance(wanted, str):
        return _preset(wanted)
    if wanted is not None and not isinstance(wanted, Mapping):
        raise BadOption(
            f"preprocess is a preset's name ({', '.join(PRESETS)}), a Preprocess, its options, a "
            f"transform, a processor or a function; received {wanted!r}."
        )
    said = dict(wanted or {})
    if source and "mode" not in said:
        return Preprocess.from_dict(_without_fit(source, said) | said)
    own = Preprocess.from_dict(said)
    if "mode" in said or (own.mean and own.std):
        return own
    raise UnknownPreprocess(
        f"How {network.name} wants its pictures is not known, and a wrong guess would change the "
        f"map. Say preprocess=... (on the command line: --preprocess): {', '.join(PRESETS)}, or a "
        "Preprocess with mean and std; or the transform or processor that the model came with. An "
        "array that is the network's input already: preprocess='ready'."
    )


def _without_fit(source: Facts, said: Facts) -> dict[str, object]:
    """Facts of a source beside a fit that the user says; the share of a crop is the source's."""
    if said.get("fit") is None and said.get("ratio") is None:
        return dict(source)
    kept = dict(source)
    fit = kept.pop("fit", None) or "crop"
    if said.get("fit") != fit or said.get("ratio") is not None:
        kept.pop("ratio", None)
    return kept


def fit_said(wanted: object) -> bool:
    """Whether the user's word says how much of a picture is seen."""
    if isinstance(wanted, Preprocess):
        return wanted.fit_said
    facts = wanted if isinstance(wanted, Mapping) else {}
    return facts.get("fit") is not None or facts.get("ratio") is not None


def _habit(own: Preprocess, network: Network, shape: tuple[int, ...]) -> str | None:
    """Default fit of pictures: for a detector the whole picture in its own aspect; else as is
    customary in the network's framework, unless the preset's name says more.
    """
    declared = network.declared
    boxes = declared.answers == "boxes" or (
        declared.answers is None and network.survey(shape).queries is not None
    )
    if boxes:
        return "letterbox"
    return None if own.mode == "imagenet" else declared.fit
