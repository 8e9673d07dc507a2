"""Arguments that are lists: methods, targets, names of classes."""

from collections.abc import Collection, Iterable, Mapping
from numbers import Integral
from typing import TypeVar, cast

from xai_heatmap.core.errors import BadOption

One = TypeVar("One")


def listed(given: Collection[One], *, name: str) -> list[One]:
    """List of the things given, in the order in which these are given.

    Raises
    ------
    BadOption
        For one thing instead of a list of them, a text above all, which would be read letter by
        letter; and for a list of nothing.
    """
    if not _in_a_list(given):
        raise BadOption(f"{name} is a list; received {given!r}. Write {name}=[...].")
    if not len(given):
        raise BadOption(f"{name} is an empty list. Name at least one, or leave it out.")
    return list(given)


def class_names(given: object) -> tuple[str, ...] | None:
    """Names of classes as they are kept, whatever list, array, column or table of them was given.

    Whole numbers are names too, such as the digits that a network reads; a table goes from the
    number of each class to its name.

    Raises
    ------
    BadOption
        For what is no list of names.

    >>> class_names({1: "dog", 0: "cat"})
    ('cat', 'dog')
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = _in_order(cast("Mapping[object, object]", given))
    check_order(given, name="labels")
    plain = getattr(given, "tolist", None)  # of an array, a tensor, a column of a table
    names: object = plain() if callable(plain) else given
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise BadOption(
            f"labels is a list of names; received {given!r}. Write labels=['cat', 'dog', ...], "
            "one for each class in the order of the outputs."
        )
    each = list(cast("Iterable[object]", names))
    for place, name in enumerate(each):
        if isinstance(name, bool) or not isinstance(name, str | Integral):
            raise BadOption(
                f"labels is a list of names; number {place} is {name!r}, a {type(name).__name__}. "
                "Write labels=['cat', 'dog', ...], one for each class, or leave labels out."
            )
    return tuple(str(name) for name in each)


def check_order(given: object, *, name: str) -> None:
    """Refuse a set of names where the order of the names says what each name belongs to.

    Raises
    ------
    BadOption
        For a set.
    """
    if isinstance(given, set | frozenset):
        raise BadOption(
            f"{name} is a list, in order; received a set, which has none, so that each name could "
            f"stand at any place. Write {name}=[...] in the order of what is named."
        )


def _in_order(names: Mapping[object, object]) -> list[object]:
    """The names of a table from the number of each class."""
    if set(names) != set(range(len(names))):
        raise BadOption(
            "labels is a list of names, or a table from the numbers 0, 1, 2 ... to them; received "
            f"the keys {list(names)[:5]}. Write labels=[...] in the order of the outputs."
        )
    return [names[number] for number in range(len(names))]


def _in_a_list(given: object) -> bool:
    return isinstance(given, Collection) and not isinstance(given, str | Mapping)
