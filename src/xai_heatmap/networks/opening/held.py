"""Held inputs: inputs of a model beside the picture, never differentiated, never masked.

A method runs one picture in batches of its own (masks, steps, noise), and what is held has to come
along: one row for all pictures is repeated, and of one row for each picture that picture's is.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray

Name = str | int
"""Name of an input, or position among a function's arguments."""

Given = Mapping[Name, Any]
"""Held inputs by name, as written by a user."""


@dataclass(frozen=True)
class Whole:
    """A value of which no axis counts pictures."""

    value: Any


def whole(value: Any) -> Whole:
    """Mark a held value none of whose axes counts pictures, to be passed on unchanged.

    Captions that a picture is compared with are such a value: their first axis counts classes.

    >>> import numpy as np
    >>> whole(np.zeros((5, 77))).value.shape
    (5, 77)
    """
    return Whole(value)


@dataclass(frozen=True)
class Held:
    """Held inputs: the inputs of a model beside the picture.

    Parameters
    ----------
    rows
        Arrays whose first axis counts pictures: one row for all of them, or one for each.
    whole
        What is handed over as it is.
    """

    rows: Given = field(default_factory=dict)
    whole: Given = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.rows or self.whole)

    def __str__(self) -> str:
        """Names, shapes and types."""
        every = {**self.rows, **self.whole}
        return ", ".join(f"{said(name)} {_described(value)}" for name, value in every.items())

    @property
    def names(self) -> tuple[Name, ...]:
        """Names of all held inputs."""
        return (*self.rows, *self.whole)

    @property
    def images(self) -> int:
        """Number of rows of the held arrays: 1 where all pictures share one row."""
        return max((len(value) for value in self.rows.values()), default=1)

    def __or__(self, other: "Held") -> "Held":
        """Union of two sets of held inputs; where both hold a name, the value of `other` counts."""
        kept = {name for name in self.names if name not in other.names}
        rows = {name: value for name, value in self.rows.items() if name in kept}
        whole = {name: value for name, value in self.whole.items() if name in kept}
        return Held(rows | dict(other.rows), whole | dict(other.whole))

    def of(self, rows: Sequence[int]) -> "Held":
        """Held inputs of the pictures `rows`."""
        chosen = {k: v if len(v) == 1 else v[list(rows)] for k, v in self.rows.items()}
        return replace(self, rows=chosen)

    def spread(self, repeat: Callable[[Any], Any]) -> dict[Name, Any]:
        """Every held value by name; `repeat` turns one shared row into a row for each picture."""
        return {
            name: repeat(value) if value.shape[0] == 1 else value
            for name, value in self.rows.items()
        } | dict(self.whole)

    @property
    def arrays(self) -> list[np.ndarray]:
        """Every held array in a fixed order, as an engine hands the arrays to a program."""
        return [*self.rows.values(), *(v for v in self.whole.values() if _has_axes(v))]

    def with_arrays(self, given: Iterable[Any]) -> "Held":
        """Held inputs with the values `given` in place of the arrays, in the order of `arrays`."""
        values = iter(given)
        rows = {name: next(values) for name in self.rows}
        whole = {k: next(values) if _has_axes(v) else v for k, v in self.whole.items()}
        return Held(rows, whole)

    def check(self, images: int) -> None:
        """Whether there is a row for each of so many pictures.

        Raises
        ------
        BadArray
            If there is not.
        """
        for name, value in self.rows.items():
            if len(value) not in (1, images):
                raise BadArray(
                    f"{name!r} is held with {counted(len(value), 'row')} for "
                    f"{_pictures(images)}: its first "
                    "axis counts pictures, one row for all of them or one for each. Put such an "
                    "axis in front with value[None], or say that no axis counts pictures with "
                    "xai_heatmap.whole(value)."
                )

    @cached_property
    def key(self) -> Hashable:
        """Cache key of a program: names, shapes and types of the held inputs, not the numbers."""
        rows = tuple((k, len(v) == 1, v.shape[1:], str(v.dtype)) for k, v in self.rows.items())
        return rows, tuple((name, _kind(value)) for name, value in self.whole.items())


def in_rows(given: Given) -> Held:
    """Held inputs from plain values: the first axis of an array counts pictures; numbers, texts,
    None and values marked by `whole` are the same for all pictures.
    """
    rows, others = dict[Name, Any](), dict[Name, Any]()
    for name, value in given.items():
        if isinstance(value, Whole):
            others[name] = array(value.value, name)
            continue
        own = array(value, name)
        if isinstance(own, np.ndarray) and own.ndim > 0:
            rows[name] = own
        else:
            others[name] = own
    return Held(rows, others)


def array(value: Any, name: Name) -> Any:
    """Convert a held value with axes to numpy, real numbers to float32; keep any other value.

    Raises
    ------
    BadArray
        For lists that are no array.
    """
    if value is None or isinstance(value, str | bytes | bool | int | float | complex):
        return value
    own = value.detach().cpu() if hasattr(value, "detach") else value
    own = own.float() if str(getattr(own, "dtype", "")) == "torch.bfloat16" else own
    try:
        found = np.asarray(own)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise BadArray(
            f"{name!r} is to be held as an array; numpy can't read this {type(value).__name__}: "
            f"{problem}. Give numbers, with the pictures as their first axis."
        ) from problem
    if found.dtype == object:
        return value
    if np.issubdtype(found.dtype, np.floating):
        return found.astype(np.float32)
    return found


def said(name: Name, shape: Sequence[Any] | None = None) -> str:
    """Name of an input in an error message."""
    shown = f"number {name}" if isinstance(name, int) else repr(name)
    if shape is None:
        return shown
    return f"{shown} ({', '.join('any' if n is None else str(n) for n in shape)})"


def _described(value: Any) -> str:
    if hasattr(value, "shape"):
        return f"of shape {tuple(value.shape)}, {value.dtype}"
    return f"= {value!r}"


def _has_axes(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _kind(value: Any) -> Hashable:
    if isinstance(value, np.ndarray):
        return value.shape, str(value.dtype)
    return repr(value)


def _pictures(images: int) -> str:
    return "one picture" if images == 1 else f"{images} pictures"
