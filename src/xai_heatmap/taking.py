"""What a user hands in, as the network takes it: a picture, a signal, a volume."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.backends.inputs import check_input
from xai_heatmap.core.answer import Form
from xai_heatmap.core.arrays import Image, Input
from xai_heatmap.core.errors import BadArray, BadOption, UnknownPreprocess
from xai_heatmap.core.geometry import Geometry, stretched
from xai_heatmap.core.network import Network
from xai_heatmap.preprocess import PRESETS, Preprocess
from xai_heatmap.ready import BANDS, READY, as_picture, drawing, looks_ready, photograph, ready
from xai_heatmap.render.arrays import plain
from xai_heatmap.sources.array import KINDS, as_input, is_stored, kind_of, stored
from xai_heatmap.sources.image import read
from xai_heatmap.tensors import as_numpy
from xai_heatmap.transforms import Transform

Preparing = (
    str | Preprocess | Mapping[str, object] | Callable[[Image], tuple[Input, Geometry]] | Any | None
)
"""A preset's name, ``ready``, a preprocessing, its options, a transform or processor of another
library, a function of one's own, or None: what the model says of itself."""


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
    notes
        What a reader of the map should know of it, in sentences.
    """

    image: Image
    name: str
    x: Input
    geometry: Geometry | None = None
    prepared: Mapping[str, object] = field(default_factory=dict[str, object])
    array: Input | None = None
    notes: tuple[str, ...] = ()

    def laid(self, form: Form, network: Network) -> "Taken":
        """The same, or drawn on the input itself where the network answers places or boxes and the
        picture was flipped or turned: those are upright rectangles of the input alone.
        """
        upright = self.geometry is None or self.geometry.matrix is None
        if upright or (not form.grid and form.boxes is None):
            return self
        size = self.x.shape[1], self.x.shape[2]
        note = (
            "The preprocessing flips or turns the picture, so places and boxes are those of the "
            "network's input, which is drawn instead of the photograph."
        )
        shown = drawing(self.x, network)[0]
        notes = (*self.notes, note)
        return replace(self, image=shown, geometry=stretched(size, size), notes=notes)


def taken(image: Any, preprocess: Preparing, network: Network, *, over: Any = None) -> Taken:
    """A picture prepared as the model wants it, an input that is ready as it is, or a signal or a
    volume.

    Parameters
    ----------
    image, preprocess, network
        What was given, how it is prepared, and for what.
    over
        The photograph that an input which is ready is drawn on.
    """
    given = stored(image) if is_stored(image) else image
    name = Path(image).name if is_stored(image) else ""
    tensor = not isinstance(given, np.ndarray)
    numbers = as_numpy(given)
    given = given if numbers is None else numbers
    axes = network.declared.rank
    if axes not in KINDS and (found := _ready(given, preprocess, network, over=over, name=name)):
        return found
    if over is not None:
        raise BadOption(
            "image= is the photograph that an input is drawn on which is ready, an array (c, H, W) "
            f"or (1, c, H, W); received {_said(image)}. Give the photograph alone: "
            "xai_heatmap.explain(network, photograph, preprocess=...)."
        )
    kind = kind_of(given, axes=axes) if isinstance(given, np.ndarray) else None
    if kind is None:
        if axes in KINDS:
            raise BadArray(
                f"{network.name} takes a {KINDS[axes]}: a numpy array of numbers, already "
                f"preprocessed, or the path of a .npy file; received {_said(image)}. If it takes "
                "pictures after all, say so: xai_heatmap.network(model, image_shape=(c, H, W))."
            )
        prepare = _preparation(preprocess, network)
        frame = read(_channels_last(given) if tensor and numbers is not None else given)
        return _prepared(prepare, frame.image, name or frame.name, network)
    if preprocess not in (None, READY):
        raise BadOption(
            f"A {KINDS[kind]} is taken as it is, so preprocess={preprocess!r} has nothing to do. "
            "Leave it out, and give what the network was trained on."
        )
    if given.ndim == kind + 2 and len(given) == 1 and given.dtype.kind == "f":
        given = given[0]
    shape = network.declared.input_shape
    x = as_input(
        given,
        axes=kind,
        channels=shape[0] if shape else None,
        channels_last=network.channels_last,
    )
    check_input(x[None])
    return Taken(plain(x), name or KINDS[kind], x, array=x)


def _ready(
    given: Any, preprocess: Preparing, network: Network, *, over: Any, name: str
) -> Taken | None:
    """An array that the network takes as it is; None for a picture."""
    outright = isinstance(preprocess, str) and preprocess == READY
    if not isinstance(given, np.ndarray):
        if outright:
            raise BadArray(
                "preprocess='ready' says of an array or a tensor that the network takes it as it "
                f"is; received {_said(given)}. Leave it out, and say how pictures are prepared."
            )
        return None
    if not outright and (preprocess is not None or not looks_ready(given, network)):
        return None
    x = ready(given, network)
    check_input(x[None])
    layout = "x".join(map(str, given.shape))
    note = f"The array {layout} was taken as the network's input, ready as it is"
    if over is not None:
        image, found, geometry, doubt = photograph(over, x)
        notes = (f"{note}.", *([doubt] if doubt else []))
        return Taken(image, found, x, geometry, {"mode": READY}, notes=notes)
    image, how = drawing(x, network)
    geometry = stretched((x.shape[1], x.shape[2]), (x.shape[1], x.shape[2]))
    return Taken(
        image, name or "input", x, geometry, {"mode": READY}, notes=(f"{note}; drawn {how}.",)
    )


def _channels_last(given: np.ndarray) -> np.ndarray:
    """A picture that a tensor holds, channels moved to where pictures have them."""
    given = given[0] if given.ndim == 4 and len(given) == 1 else given
    first = given.ndim == 3 and given.shape[0] in BANDS and given.shape[-1] not in BANDS
    return np.moveaxis(given, 0, -1) if first else given


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


def _preparation(wanted: Preparing, network: Network) -> Preprocess | Transform:
    said = network.declared.preprocess if wanted is None else wanted
    if said is None:
        raise UnknownPreprocess(
            f"How {network.name} wants its pictures is not known, and a wrong guess would change "
            f"the map. "
            f"Say preprocess=... (on the command line: --preprocess): {', '.join(PRESETS)}, "
            "or a Preprocess with mean and std; or the transform or processor that the model came "
            "with. An array that is the network's input already: preprocess='ready'."
        )
    if isinstance(said, Preprocess | Transform):
        return said
    shape = network.declared.input_shape
    if callable(said) or _is_processor(said):
        return Transform(said, shape[0] if shape else None, network.channels_last)
    if not isinstance(said, str | Mapping):
        raise BadOption(
            f"preprocess is a preset's name ({', '.join(PRESETS)}), a Preprocess, its options, a "
            f"transform, a processor or a function; received {said!r}."
        )
    shape = shape or (3, 224, 224)
    size = {"input_size": list(shape[1:]), "channels": shape[0]}
    return Preprocess.from_dict(size | ({"mode": said} if isinstance(said, str) else dict(said)))


def _is_processor(said: Any) -> bool:
    return not isinstance(said, str | Mapping) and hasattr(said, "image_processor")


def _prepared(prepare: Preprocess | Transform, image: Image, name: str, network: Network) -> Taken:
    """A picture, and what becomes of it."""
    if isinstance(prepare, Preprocess):
        x, geometry = prepare(image)
        return Taken(image, name, x, geometry, prepare.to_dict())
    if (own := prepare.given(image)) is not None:
        return Taken(image, name, own[0], own[1])
    x = prepare(image)
    check_input(x[None])
    found = prepare.measured((image.shape[0], image.shape[1]))
    said = prepare.to_dict()
    if found.geometry is not None:
        return Taken(image, name, x, found.geometry, said)
    size = x.shape[1], x.shape[2]
    undone = found.seen(x)
    shown, how = drawing(x, network) if undone is None else (as_picture(undone), "unscaled")
    note = (
        f"What {prepare.name} makes of a picture is no cropping, resizing, padding, flipping or "
        f"turning of it, so the map lies on the network's input, drawn {how}, and not on the "
        "photograph."
    )
    return Taken(shown, name, x, stretched(size, size), said, notes=(note,))
