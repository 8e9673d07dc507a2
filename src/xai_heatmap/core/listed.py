"""What is given as a list: methods, targets, names of classes."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from xai_heatmap.core.errors import BadOption

One = TypeVar("One")


def listed(given: Collection[One], *, name: str) -> list[One]:
    """All that was given, in its order.

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


def _in_a_list(given: object) -> bool:
    return isinstance(given, Collection) and not isinstance(given, str | Mapping)
