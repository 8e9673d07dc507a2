"""What a user hands in, as the network takes it: a picture, a signal, a volume."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.backends.inputs import check_input
from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadArray, BadOption, UnknownPreprocess
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import Network
from xai_heatmap.preprocess import PRESETS, Preprocess
from xai_heatmap.render.arrays import plain
from xai_heatmap.sources.array import KINDS, as_input, is_stored, kind_of, stored
from xai_heatmap.sources.image import read

Preparing = (
    str | Preprocess | Mapping[str, object] | Callable[[Image], tuple[Input, Geometry]] | None
)
"""A preset's name, a preprocessing, its options, a function of one's own, or None: what the model
says of itself."""


@dataclass(frozen=True)
class Taken:
    """What is explained, as a person sees it and as the network takes it.

    Parameters
    ----------
    image, name
        The picture, or a drawing of what is none, and what it is called.
    x
        What the network takes, channels first.
    geometry
        Which part of the picture that is; None for what is no picture.
    prepared
        How the picture was prepared.
    array
        The signal or the volume; None for a picture.
    """

    image: Image
    name: str
    x: Input
    geometry: Geometry | None = None
    prepared: Mapping[str, object] = field(default_factory=dict[str, object])
    array: Input | None = None


def taken(image: Any, preprocess: Preparing, network: Network) -> Taken:
    """A picture prepared as the model wants it, or a signal or a volume as it is."""
    given = stored(image) if is_stored(image) else image
    name = Path(image).name if is_stored(image) else ""
    axes = network.declared.rank
    kind = kind_of(given, axes=axes) if isinstance(given, np.ndarray) else None
    if kind is None:
        if axes in KINDS:
            raise BadArray(
                f"{network.name} takes a {KINDS[axes]}: a numpy array of numbers, already "
                f"preprocessed, or the path of a .npy file; received {_said(image)}. If it takes "
                "pictures after all, say so: xai_heatmap.network(model, image_shape=(c, H, W))."
            )
        prepare = _preparation(preprocess, network)
        frame = read(given)
        x, geometry = prepare(frame.image)
        prepared = prepare.to_dict() if isinstance(prepare, Preprocess) else {}
        return Taken(frame.image, name or frame.name, x, geometry, prepared)
    if preprocess is not None:
        raise BadOption(
            f"A {KINDS[kind]} is taken as it is, so preprocess={preprocess!r} has nothing to do. "
            "Leave it out, and give what the network was trained on."
        )
    shape = network.declared.input_shape
    x = as_input(
        given,
        axes=kind,
        channels=shape[0] if shape else None,
        channels_last=network.channels_last,
    )
    check_input(x[None])
    return Taken(plain(x), name or KINDS[kind], x, array=x)


def _said(image: Any) -> str:
    """What was given, in a few words."""
    if isinstance(image, str | os.PathLike):
        return repr(os.fspath(image))
    return type(image).__name__


def array(x: Any) -> np.ndarray:
    """As numpy reads it."""
    try:
        return np.asarray(x)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise BadArray(
            f"maps() takes what numpy can read; this {type(x).__name__} it can't: {problem}. "
            "A torch tensor becomes an array by `x.detach().cpu().numpy()`."
        ) from problem


def _preparation(wanted: Preparing, network: Network) -> Callable[[Image], tuple[Input, Geometry]]:
    said = network.declared.preprocess if wanted is None else wanted
    if said is None:
        raise UnknownPreprocess(
            f"How {network.name} wants its pictures is not known, and a wrong guess would change "
            f"the map. "
            f"Say preprocess=... (on the command line: --preprocess): {', '.join(PRESETS)}, "
            "or a Preprocess with mean and std."
        )
    if isinstance(said, Preprocess):
        return said
    if callable(said):
        return partial(_prepared, said)
    if not isinstance(said, str | Mapping):
        raise BadOption(
            f"preprocess is a preset's name ({', '.join(PRESETS)}), a Preprocess, its options, or "
            f"a function; received {said!r}."
        )
    shape = network.declared.input_shape or (3, 224, 224)
    size = {"input_size": list(shape[1:]), "channels": shape[0]}
    return Preprocess.from_dict(size | ({"mode": said} if isinstance(said, str) else dict(said)))


def _prepared(
    own: Callable[[Image], tuple[Input, Geometry]], image: Image
) -> tuple[Input, Geometry]:
    """What a function of the user's own makes of a picture."""
    answer = own(image)
    if (
        not isinstance(answer, tuple)
        or len(answer) != 2
        or not isinstance(answer[0], np.ndarray)
        or not isinstance(answer[1], Geometry)
    ):
        raise BadOption(
            "A preprocessing function answers two things, the input as an array (c, H, W) and the "
            f"xai_heatmap.Geometry that leads back; this one answered a {type(answer).__name__}."
        )
    return answer
