"""Options that are arrays: what stands for "nothing there", and the user's own regions."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.tensors import as_numpy

Array = Float32[np.ndarray, "..."]


class Filling:
    """Mark of an option that is a word, a number, an array or another picture's activation:
    ``fill: Annotated[Baseline, Filling()] = "zero"``.
    """


class Regions:
    """Mark of an option that is the user's own regions: ``regions: Annotated[..., Regions()] =
    None``. The formula gets them on its grid, float32 (regions, *grid): how much of each place each
    region covers, and None where none were given.
    """


@dataclass(frozen=True, eq=False)
class ActivationOf:
    """Activation of another picture, as a baseline or fill; made by `activation_of`.

    Parameters
    ----------
    picture
        That picture.
    """

    picture: Any

    def __repr__(self) -> str:
        """The call that made this value, such as ``activation_of(...)``."""
        return f"activation_of({_said(self.picture)})"


def activation_of(picture: Any) -> ActivationOf:
    """Activation of another picture at the layer, in place of "nothing there".

    ``options={"baseline": activation_of(other)}`` at a layer starts the path from what that layer
    says of `other`; at ``input`` from the other picture itself.

    Parameters
    ----------
    picture
        For `explain` and `compare` anything that they take, prepared as the explained picture is;
        for `maps` an array or tensor in the network's own layout, one for all pictures or (n, ...)
        with one for each.
    """
    return ActivationOf(picture)


def read_filling(value: object, words: Sequence[object], *, name: str, owner: str) -> object:
    """A word, a finite number, an array of finite numbers, or another picture's activation.

    Raises
    ------
    BadOption
        For anything else.
    """
    if isinstance(value, ActivationOf) or (isinstance(value, str) and value in words):
        return value
    number = _number(value)
    if number is not None and math.isfinite(number):
        return number
    array = _array(value)
    if array is not None and array.size and array.dtype.kind in "fiu" and _finite(array):
        return _kept(array.astype(np.float32))
    known = ", ".join(map(repr, words))
    raise BadOption(
        f"{owner}'s option {name} takes {known}, a finite number, an array of the layer's shape "
        f"(k, *grid) or of its channels (k,), or activation_of(picture); received {_said(value)}."
    )


def read_regions(value: object, *, name: str, owner: str) -> object:
    """A label image of whole numbers, or a stack of masks; None for none.

    Raises
    ------
    BadOption
        For anything else.
    """
    if value is None:
        return None
    array = _array(value)
    if array is None or array.dtype.kind not in "fiub" or array.ndim < 1 or not array.size:
        raise BadOption(_no_regions(value, name, owner))
    if array.dtype.kind == "f" and not (_finite(array) and array.min() >= 0 and array.max() <= 1):
        raise BadOption(_no_regions(value, name, owner))
    if array.dtype.kind in "iu":
        return _kept(array.astype(np.int64))
    return _kept(array.astype(np.float32) if array.dtype.kind == "f" else array.astype(bool))


def plain_options(options: Mapping[str, object]) -> dict[str, object]:
    """Options as plain values, ready for JSON; of an array its shape and a digest of it."""
    return {name: _plain(value) for name, value in options.items()}


def _plain(value: Any) -> object:
    if isinstance(value, ActivationOf):
        return {"activation_of": _plain(value.picture)}
    array = as_numpy(value)
    if array is None:
        as_it_is = isinstance(value, str | int | float | list | tuple | None)
        return cast("object", value) if as_it_is else str(value)
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return {"array": list(array.shape), "dtype": str(array.dtype), "sha256": digest}


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | np.number):
        return float(cast("float", value))
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    array = as_numpy(value)
    if array is None or array.ndim or array.dtype.kind not in "fiu":
        return None
    return float(array)


def _array(value: Any) -> np.ndarray | None:
    if isinstance(value, list | tuple):
        try:
            return np.asarray(cast("object", value))
        except ValueError:
            return None
    return as_numpy(value)


def _finite(array: np.ndarray) -> bool:
    return bool(np.isfinite(array).all())


def _kept(array: np.ndarray) -> np.ndarray:
    """The array, a copy that nobody changes."""
    own = np.array(array)
    own.flags.writeable = False
    return own


def _said(value: object) -> str:
    array = as_numpy(value)
    if array is not None and array.ndim:
        return f"an array of {array.dtype} of shape {array.shape}"
    return f"{type(value).__name__} {value!r}"[:200]


def _no_regions(value: object, name: str, owner: str) -> str:
    return (
        f"{owner}'s option {name} takes a label image (H, W) of whole numbers, one number for each "
        "region (negative: in none), or masks (regions, H, W), true or in [0, 1]; received "
        f"{_said(value)}. Labels that came as floats: {name}=labels.astype(int)."
    )
