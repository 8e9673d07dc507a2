"""Declared inputs (of functional Keras models, ONNX graphs): picture and held inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xai_heatmap.core.errors import BadArray, BadOption, did_you_mean
from xai_heatmap.networks.opening.held import Given, Held, Name, Whole, array, said

PICTURE_AXES = 4
"""Least number of axes of a picture input: (images, channels, rows, columns)."""


@dataclass(frozen=True)
class Declaration:
    """Declaration of an input by a model: shape and type.

    Parameters
    ----------
    shape
        Images first, None for a length left open; None where even the number of axes is.
    dtype
        Of numpy.
    whole
        Whether no axis of it counts pictures.
    """

    shape: tuple[int | None, ...] | None
    dtype: Any
    whole: bool = False


Declarations = Mapping[str, Declaration]


def picture_among(
    inputs: Declarations, held: Given, picture: Name | None, *, model: str
) -> str | None:
    """The name of the input that is the picture; None for a model with no inputs at all.

    Raises
    ------
    BadOption
        If an input is neither the picture nor held, or a name is none of the model's.
    """
    names = list(inputs)
    for name in (*held, *([] if picture is None else [picture])):
        _known(name, names, model)
    taken = {_named(name, names) for name in held}
    rest = [name for name in names if name not in taken]
    chosen = None if picture is None else _named(picture, names)
    if chosen in taken:
        raise BadOption(
            f"{chosen!r} is the picture, which is explained and can't be held. Hold the others: "
            f"{', '.join(repr(name) for name in names if name != chosen)}."
        )
    if chosen is None and rest:
        shaped = [name for name in rest if _like_a_picture(inputs[name])]
        if len(rest) > 1 and len(shaped) > 1:
            raise BadOption(
                f"{model} takes {_listed(shaped, inputs)}, and each could be the picture. Say "
                f"which is explained and hold the others: picture={shaped[0]!r}, "
                f"held={{{shaped[1]!r}: array}}."
            )
        chosen = (shaped or rest)[0]
    if missing := [name for name in rest if name != chosen]:
        first = missing[0]
        raise BadOption(
            f"{model} takes {_listed(missing, inputs)} beside the picture, {chosen!r}, and was "
            f"given no value for {'it' if len(missing) == 1 else 'them'}. Hold one fixed: "
            f"held={{{first!r}: array}}, on the command line --hold {first}=FILE.npy."
        )
    if names and chosen is None:
        raise BadOption(
            f"Every input of {model} is held: {', '.join(map(repr, names))}. Leave out the one "
            "that is the picture."
        )
    return chosen


def as_declared(inputs: Declarations, given: Given) -> Held:
    """Held inputs in the shapes and types that the model declares.

    A row may come without the axis that counts pictures, and one number fills a shape that the
    model knows.

    Raises
    ------
    BadArray
        If a shape is another.
    """
    rows, others, names = dict[Name, Any](), dict[Name, Any](), list(inputs)
    for known_as, value in given.items():
        name = _named(known_as, names)
        own = inputs[name]
        plain = np.asarray(array(value.value if isinstance(value, Whole) else value, name))
        plain = plain.astype(own.dtype)
        if isinstance(value, Whole):
            others[name] = plain
        elif own.whole:
            others[name] = _completed(name, plain, own.shape or ())
        else:
            shape = None if own.shape is None else (None, *own.shape[1:])
            rows[name] = _completed(name, plain, shape)
    return Held(rows, others)


def _completed(name: str, value: np.ndarray, wanted: Sequence[int | None] | None) -> np.ndarray:
    """Complete a value to the declared shape: fill with a number, or add the axis of images."""
    if wanted is None:
        return value
    first, inner = wanted[:1], [length for length in wanted[1:] if length is not None]
    if value.ndim == 0 and wanted and len(inner) == len(wanted) - 1:
        return np.full([first[0] or 1, *inner], value)
    if 0 < value.ndim == len(wanted) - 1 and wanted[0] in (None, 1):
        value = value[None]
    return _checked(name, value, wanted)


def _checked(name: str, value: np.ndarray, wanted: Sequence[int | None] | None) -> np.ndarray:
    fits = wanted is None or (
        value.ndim == len(wanted)
        and all(n in (None, length) for n, length in zip(wanted, value.shape, strict=True))
    )
    if not fits:
        raise BadArray(
            f"The model takes {said(name, wanted)}; what is held has the shape {value.shape}. The "
            "first axis counts pictures: one row for all of them, or one for each."
        )
    return value


def _like_a_picture(own: Declaration) -> bool:
    return own.shape is None or len(own.shape) >= PICTURE_AXES


def _named(name: Name, names: Sequence[str]) -> str:
    """Name of an input; a number is a position, unless some input has that number as its name."""
    return names[name] if isinstance(name, int) and str(name) not in names else str(name)


def _known(name: Name, names: Sequence[str], model: str) -> None:
    if str(name) in names or (isinstance(name, int) and -len(names) <= name < len(names)):
        return
    if name not in names:
        raise BadOption(
            f"{model} has no input {said(name)}.{did_you_mean(str(name), names)} It takes: "
            f"{', '.join(map(repr, names))}."
        )


def _listed(names: Sequence[str], inputs: Declarations) -> str:
    return ", ".join(said(name, inputs[name].shape) for name in names)
