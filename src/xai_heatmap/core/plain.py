"""Facts as every reader of JSON takes them."""

import json
import math
from collections.abc import Mapping
from typing import Protocol, cast, runtime_checkable


@runtime_checkable
class Numbers(Protocol):
    """Numbers of numpy, known by what they can do: the command line's help imports no numpy."""

    def tolist(self) -> object:
        """Plain Python numbers, of the same values."""
        ...


WORDS = (int, bool, float, type(None))
"""Types that JSON has words for, but for floats that are not finite."""


def plain(facts: Mapping[str, object]) -> dict[str, object]:
    """`facts` as JSON gives them back.

    Numbers that are not finite become None, since JSON has no word for them; half characters, as
    file names that are not UTF-8 hold them, become the replacement character.

    Raises
    ------
    TypeError, ValueError
        For what is neither number, text, list nor mapping.
    """
    said = json.dumps(facts_of(dict(facts)), default=_number, allow_nan=False)
    return cast("dict[str, object]", json.loads(said))


def facts_of(value: object) -> object:
    """Value made of numbers, names and texts that JSON can say."""
    if type(value) in WORDS:  # most facts, before a protocol looks at all that they can do
        return value if type(value) is not float or math.isfinite(value) else None
    if type(value) is str:
        return value if value.isascii() else whole_text(value)
    if type(value) in (list, tuple):  # before a protocol looks at all that they can do
        return [facts_of(item) for item in cast("list[object]", value)]
    if type(value) is dict:
        named = cast("dict[object, object]", value)
        return {facts_of(key): facts_of(item) for key, item in named.items()}
    if isinstance(value, Numbers):
        return facts_of(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list | tuple):
        return [facts_of(item) for item in cast("list[object]", value)]
    if isinstance(value, Mapping):
        own = cast("Mapping[object, object]", value)
        return {facts_of(key): facts_of(item) for key, item in own.items()}
    return value


def whole_text(text: str) -> str:
    """Text that UTF-8 can say: half characters become the replacement character."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def _number(value: object) -> object:
    raise TypeError(f"received a {type(value).__name__}")
