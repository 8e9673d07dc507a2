"""From a picture, a signal or a volume as a user gives it to the input of the network."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.core.geometry import stretched
from xai_heatmap.core.network import Network
from xai_heatmap.core.tensors import as_numpy
from xai_heatmap.explaining.banded import banded
from xai_heatmap.explaining.laying import laid_out, shown_kind
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.preparing import Preparation, Preparing, preparation
from xai_heatmap.explaining.ready import (
    BANDS,
    READY,
    as_picture,
    check_numbers,
    drawing,
    looks_ready,
    photograph,
    ready,
)
from xai_heatmap.networks.opening.inputs import check_input
from xai_heatmap.render.arrays import plain
from xai_heatmap.sources.array import KINDS, is_stored, kind_of, stored
from xai_heatmap.sources.bands import drawn, named, said
from xai_heatmap.sources.image import Photograph, read
from xai_heatmap.sources.pixels import remark
from xai_heatmap.sources.preprocess import Preprocess
from xai_heatmap.sources.scaling import scaled, stated
from xai_heatmap.sources.transforms import Transform


def prepare(
    image: Any,
    preprocess: Preparing,
    network: Network,
    *,
    over: Any = None,
    white: int | float | None = None,
) -> PreparedInput:
    """A picture prepared as the model wants it, an input that is ready as it is, or a signal or a
    volume.

    Parameters
    ----------
    image, preprocess, network
        What was given, how it is prepared, and for what.
    over
        The photograph that an input which is ready is drawn on.
    white
        Which value of a picture is white.
    """
    given = stored(image) if is_stored(image) else image
    name = Path(image).name if is_stored(image) else ""
    tensor = not isinstance(given, np.ndarray)
    check_numbers(given)
    numbers = as_numpy(given)
    given = given if numbers is None else numbers
    axes = network.declared.rank
    kind = shown_kind(given, network) if isinstance(given, np.ndarray) else None
    if (
        kind is None
        and axes not in KINDS
        and not _said_ready(preprocess)
        and (over is None or named(over) is not None or _whole(given))
        and (bands := banded(given, network)) is not None
    ):
        return _of_bands(bands, name or _name(image), preprocess, network, white, over=over)
    ready_made = kind is None and axes not in KINDS
    if ready_made and (found := _ready(given, preprocess, network, over=over, name=name)):
        if white is not None:
            raise BadOption("white belongs to pictures; an input that is ready is taken as it is.")
        return found
    if over is not None:
        raise BadOption(
            "image= is the photograph that an input is drawn on which is ready, an array (c, H, W) "
            f"or (1, c, H, W); received {_said(image)}. Give the photograph alone: "
            "xai_heatmap.explain(network, photograph, preprocess=...)."
        )
    if kind is None and isinstance(given, np.ndarray):
        kind = kind_of(given, axes=axes)
    if kind is not None:
        return _of_array(given, kind, name, preprocess, network, white)
    if axes in KINDS:
        raise BadArray(
            f"{network.name} takes a {KINDS[axes]}: a numpy array of numbers, already "
            f"preprocessed, or the path of a .npy file; received {_said(image)}. If it takes "
            "pictures after all, say so: xai_heatmap.network(model, image_shape=(c, H, W))."
        )
    held = numbers is not None and (tensor or (given.ndim == 4 and len(given) == 1))
    shown = _channels_last(given) if held else given
    return _of_picture(shown, name, preprocess, network, white)


def _of_picture(
    given: Any, name: str, preprocess: Preparing, network: Network, white: int | float | None
) -> PreparedInput:
    """A picture, prepared as the model wants it."""
    how = preparation(preprocess, network)
    frame = read(given, white=white)
    made = _prepared(how, frame, name or frame.name, network)
    return replace(made, notes=(*filter(None, [frame.remark]), *made.notes))


def check_unprepared(kind: int, preprocess: Preparing, white: int | float | None) -> None:
    """Check that nothing is said of an array that is no picture but that it is taken as it is.

    Raises
    ------
    BadOption
        For a preprocessing, and for a white.
    """
    if white is not None:
        raise BadOption(
            f"white belongs to pictures; a {KINDS.get(kind, 'array')} is taken as it is."
        )
    if preprocess not in (None, READY):
        raise BadOption(
            f"A {KINDS.get(kind, 'array')} is taken as it is, so preprocess={preprocess!r} has "
            "nothing to do. "
            "Leave it out, and give what the network was trained on."
        )


def _of_array(
    given: np.ndarray,
    kind: int,
    name: str,
    preprocess: Preparing,
    network: Network,
    white: int | float | None,
) -> PreparedInput:
    """Prepared input of an array that is no picture, taken as it is."""
    check_unprepared(kind, preprocess, white)
    if given.ndim == kind + 2 and len(given) == 1 and given.dtype.kind == "f":
        given = given[0]
    x = laid_out(given, kind, network)
    check_input(x[None])
    return PreparedInput(plain(x), name or KINDS.get(kind, "array"), x, array=x)


def _ready(
    given: Any, preprocess: Preparing, network: Network, *, over: Any, name: str
) -> PreparedInput | None:
    """An array that the network takes as it is; None for a picture."""
    outright = _said_ready(preprocess)
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
        return PreparedInput(image, found, x, geometry, {"mode": READY}, notes=notes)
    image, how = drawing(x, network)
    geometry = stretched((x.shape[1], x.shape[2]), (x.shape[1], x.shape[2]))
    return PreparedInput(
        image, name or "input", x, geometry, {"mode": READY}, notes=(f"{note}; drawn {how}.",)
    )


def _whole(given: Any) -> bool:
    """Whether the input is no array, or an array of whole numbers or booleans."""
    return not isinstance(given, np.ndarray) or given.dtype.kind in "iub"


def _of_bands(
    bands: np.ndarray,
    name: str,
    preprocess: Preparing,
    network: Network,
    white: int | float | None,
    *,
    over: Any = None,
) -> PreparedInput:
    """A picture of bands at its own size, scaled as is said, and drawn from some of them or over
    a picture of one's own.
    """
    wanted = network.declared.preprocess if preprocess is None else preprocess
    size = (bands.shape[1], bands.shape[2])
    if not isinstance(wanted, str | Mapping | Preprocess | None):
        raise BadOption(
            "A transform, a processor or a function prepares photographs. Prepare a picture of "
            "bands before: floats are taken as they are."
        )
    x = scaled(bands, wanted, white=white, model=network.name)
    check_input(x[None])
    which = named(over)
    own_picture = over is not None and which is None
    notes, facts = [] if own_picture else [said(bands.shape, which)], {}
    if wanted is not None:
        own = replace(stated(wanted), channels=None, fit="stretch", ratio=1.0, input_size=size)
        facts = own.to_dict()
        if bands.dtype == np.uint16 and own.mode != "raw":
            notes += filter(None, [remark(bands, white=white)])
    if own_picture:
        image, found, geometry, doubt = photograph(over, x)
        return PreparedInput(
            image, found, x, geometry, facts, notes=(*notes, *filter(None, [doubt]))
        )
    return PreparedInput(drawn(x, which), name, x, stretched(size, size), facts, notes=tuple(notes))


def _said_ready(preprocess: Preparing) -> bool:
    return isinstance(preprocess, str) and preprocess == READY


def _name(image: Any) -> str:
    return Path(image).name if isinstance(image, str | os.PathLike) else "image"


def _channels_last(given: np.ndarray) -> np.ndarray:
    """A picture that a tensor holds, channels moved to where pictures have them."""
    given = given[0] if given.ndim == 4 and len(given) == 1 else given
    first = given.ndim == 3 and given.shape[0] in BANDS and given.shape[-1] not in BANDS
    return np.moveaxis(given, 0, -1) if first else given


def _said(image: Any) -> str:
    """Input in a few words: its path, or the name of its type."""
    if isinstance(image, str | os.PathLike):
        return repr(os.fspath(image))
    return type(image).__name__


def _prepared(
    prepare: Preparation | Transform, frame: Photograph, name: str, network: Network
) -> PreparedInput:
    """A picture, and what becomes of it."""
    image = frame.image
    if isinstance(prepare, Preparation):
        deep = frame.values
        made = prepare(image, frame.pillow) if deep is None else prepare(deep)
        x, geometry, facts = made
        return PreparedInput(image, name, x, geometry, facts)
    x, own = prepare.given(image)
    if own is not None:
        return PreparedInput(image, name, x, own)
    check_input(x[None])
    found = prepare.measured((image.shape[0], image.shape[1]))
    said = prepare.to_dict()
    if found.geometry is not None:
        return PreparedInput(image, name, x, found.geometry, said)
    size = x.shape[1], x.shape[2]
    undone = found.seen(x)
    shown, how = drawing(x, network) if undone is None else (as_picture(undone), "unscaled")
    note = (
        f"What {prepare.name} makes of a picture is no cropping, resizing, padding, flipping or "
        f"turning of it, so the map lies on the network's input, drawn {how}, and not on the "
        "photograph."
    )
    return PreparedInput(shown, name, x, stretched(size, size), said, notes=(note,))
