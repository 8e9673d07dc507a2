"""Options of methods: what a keyword-only parameter allows, and how its value is read."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import Parameter
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.filling import Filling, Regions, read_filling, read_regions

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Within:
    """Bounds of a number, both included: ``steps: Annotated[int, Within(1)] = 32``."""

    least: float | int
    most: float | int = math.inf

    def __str__(self) -> str:
        bounded = "" if math.isinf(self.most) else f", at most {self.most:g}"
        return f"at least {self.least:g}{bounded}"


class PerAxis:
    """Mark of a whole number that may also be several, one for each axis of the grid:
    ``window: Annotated[int | tuple[int, ...], Within(0), PerAxis()] = 0``.
    """


def per_axis(value: int | Sequence[int], axes: int, *, name: str) -> tuple[int, ...]:
    """One number for each axis of a grid, from one for all of them or one for each.

    Raises
    ------
    BadOption
        If there are as many as the grid has not.
    """
    own = (value,) * axes if isinstance(value, int) else tuple(value)
    if len(own) != axes:
        raise BadOption(
            f"{name} is one number, or one for each of the {counted(axes, 'axis', 'axes')} "
            "of the grid; received "
            f"{len(own)}: {own}."
        )
    return own


@dataclass(frozen=True)
class Option:
    """One option of a method.

    Parameters
    ----------
    name
        As users write it.
    default
        Its type is the option's type.
    choices
        All values that it may have; empty where there are others.
    within
        The bounds of a number.
    several
        Whether it may be one number for each axis of the grid.
    form
        Whether it may be an array: one that stands for "nothing there", or the user's own regions.
    """

    name: str
    default: object
    choices: tuple[object, ...] = ()
    within: Within | None = None
    several: bool = False
    form: Literal["filling", "regions"] | None = None

    def __str__(self) -> str:
        """``name=default``, with what else it may be."""
        if self.form == "regions":
            return f"{self.name} (a label image, or masks)"
        others = [str(choice) for choice in self.choices if choice != self.default]
        if self.form == "filling":
            others += ["a number", "an array", "activation_of(picture)"]
        each = ", or one for each axis" * self.several
        allowed = (
            f" (or {', '.join(others)})"
            if others
            else f" ({self.within}{each})" * bool(self.within)
        )
        return f"{self.name}={self.default}{allowed}"

    def read(self, value: object, owner: str) -> object:
        """`value` in the option's type; text is read as the command line gives it.

        Raises
        ------
        BadOption
            For a value of another type, out of bounds or not among the choices.
        """
        if self.form == "filling":
            return read_filling(value, self.choices, name=self.name, owner=owner)
        if self.form == "regions":
            return read_regions(value, name=self.name, owner=owner)
        if self.several and (parts := _parts(value)) is not None:
            one = replace(self, several=False)
            return tuple(one.read(part, owner) for part in parts)
        typed = self._typed(value)
        wanted = type(self.default)
        if not isinstance(typed, wanted) or (isinstance(typed, bool) and wanted is not bool):
            raise self._refused(value, owner, wanted.__name__)
        if self.choices and typed not in self.choices:
            raise self._refused(value, owner, " or ".join(map(repr, self.choices)))
        if self.within and not self.within.least <= _number(typed) <= self.within.most:
            raise self._refused(value, owner, f"{wanted.__name__}, {self.within}")
        if isinstance(typed, float) and not math.isfinite(typed):
            raise self._refused(value, owner, f"a finite {wanted.__name__}")
        return typed

    def _typed(self, value: object) -> object:
        wanted = type(self.default)
        if isinstance(value, np.generic):
            value = cast("object", value.item())
        if isinstance(value, str) and wanted is bool:
            return _WORDS.get(value.casefold(), value)
        if isinstance(value, bool) or wanted not in (int, float):
            return value
        if isinstance(value, str | int):
            with contextlib.suppress(ValueError):
                return int(value) if wanted is int else float(value)
        return value

    def _refused(self, value: object, owner: str, wanted: str) -> BadOption:
        return BadOption(
            f"{owner}'s option {self.name} takes {wanted} (default {self.default!r}); "
            f"received {value!r}."
        )


def declared(parameter: Parameter) -> Option:
    """The option that a keyword-only parameter declares by its default and annotation."""
    kind, notes = parameter.annotation, []
    if get_origin(kind) is Annotated:
        kind, *notes = get_args(kind)
    within = next((note for note in notes if isinstance(note, Within)), None)
    several = any(isinstance(note, PerAxis) for note in notes)
    forms = {Filling: "filling", Regions: "regions"}
    form: Any = next((forms[type(note)] for note in notes if type(note) in forms), None)
    words = [one for one in (kind, *get_args(kind)) if get_origin(one) is Literal]
    choices = get_args(words[0]) if words else ()
    return Option(parameter.name, parameter.default, choices, within, several, form)


def _parts(value: object) -> list[object] | None:
    """Entries for each axis, of a sequence or of text such as ``2x16x16``; None for one value."""
    if isinstance(value, str):
        parts = value.replace("x", ",").split(",")
        return [part.strip() for part in parts] if len(parts) > 1 else None
    if isinstance(value, Sequence) and value:
        return list(cast("Sequence[object]", value))
    return None


def _number(value: object) -> float:
    """A number as a float; NaN, which no bounds allow, for anything else."""
    return float(value) if isinstance(value, int | float) else math.nan
