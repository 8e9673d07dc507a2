"""Declaration of a formula: needs and options by its signature, meaning by its docstring."""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from xai_heatmap.core.errors import BadOption, did_you_mean
from xai_heatmap.core.options import Option, declared


@dataclass(frozen=True)
class Declaration:
    """The parameters of a formula.

    Parameters
    ----------
    needs
        Its positional parameters: what it is given.
    options
        Its keyword-only parameters: what a user may set.
    """

    needs: frozenset[str]
    options: Mapping[str, Option]


def declaration(
    formula: Callable[..., object], *, kind: str, offered: Collection[str]
) -> Declaration:
    """Needs and options of a formula, read from its signature.

    Parameters
    ----------
    formula
        A function.
    kind
        What it is to become, for the message: "a method".
    offered
        Names that it may ask for.

    Raises
    ------
    TypeError
        For a name that is not offered, and for an option without a default: both when the module is
        imported.
    """
    name = getattr(formula, "__name__", repr(formula))
    parameters = inspect.signature(formula).parameters.values()
    options = {p.name: declared(p) for p in parameters if p.kind is p.KEYWORD_ONLY}
    needs = frozenset(p.name for p in parameters) - frozenset(options)
    if unknown := needs - frozenset(offered):
        raise TypeError(f"{name} asks for {sorted(unknown)}; {kind} may ask for {sorted(offered)}.")
    missing = [o for o, own in options.items() if own.default is inspect.Parameter.empty]
    if missing:
        raise TypeError(f"{name}: every option needs a default; {missing} have none.")
    return Declaration(needs, MappingProxyType(options))


def summary(formula: Callable[..., object]) -> str:
    """The formula in one line."""
    return (inspect.getdoc(formula) or "").partition("\n")[0]


def remarks(formula: Callable[..., object]) -> str:
    """Text of the docstring between the first line and the examples, as one line."""
    text = (inspect.getdoc(formula) or "").partition("\n")[2]
    said = text.partition("Examples\n--------")[0].partition(">>> ")[0]
    return " ".join(said.split())


class Described:
    """A registered formula as pages and the command line show it: a method or a metric."""

    formula: Any
    taken: Mapping[str, Option]

    @property
    def options(self) -> Mapping[str, object]:
        """Every option's default."""
        return {name: option.default for name, option in self.taken.items()}

    @property
    def summary(self) -> str:
        """The formula in one line."""
        return summary(self.formula)

    @property
    def remarks(self) -> str:
        """Text of the docstring between the first line and the examples, as one line."""
        return remarks(self.formula)


def checked(options: object, taken: Mapping[str, Option], owner: str) -> dict[str, object]:
    """Options in the types of their defaults; text is read as the command line gives it.

    Parameters
    ----------
    options
        As a user gives them.
    taken
        Those that there are.
    owner
        Whose they are, for the message.

    Raises
    ------
    BadOption
        For what is no mapping, for an option that does not exist, and for a value that it does not
        take.
    """
    if not isinstance(options, Mapping):
        raise BadOption(
            f"Options of {owner} come as a mapping, {{name: value}}; received "
            f"{type(options).__name__}."
        )
    given = cast("Mapping[str, object]", options)
    for name in given:
        if name not in taken:
            known = ", ".join(taken) or "none"
            raise BadOption(
                f"{owner} has no option {name!r}.{did_you_mean(name, taken)} Its options: {known}."
            )
    return {name: taken[name].read(value, owner) for name, value in given.items()}
