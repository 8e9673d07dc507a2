"""Questions as a page asks them, in plain words."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from xai_heatmap.core.errors import BadOption, UnknownTarget, did_you_mean
from xai_heatmap.core.targets.category import top
from xai_heatmap.core.targets.contrast import contrast
from xai_heatmap.core.targets.target import Choice, Choices
from xai_heatmap.core.targets.wording import parsed

ALL, AUTO = "all", "auto"

FIELDS = ("model", "method", "target", "against", "layers", "options")
"""Words of a question about one picture."""


def only(said: Iterable[str], known: Sequence[str]) -> None:
    """Refuse a word that nobody reads, since what it was to say would be left out in silence.

    Raises
    ------
    BadOption
        For a name that is not among those known.
    """
    for name in said:
        if name not in known:
            raise BadOption(
                f"There is no {name[:60]!r} in this question.{did_you_mean(name[:60], known)} It "
                f"takes {', '.join(known)}."
            )


@dataclass(frozen=True)
class Asked:
    """One question about one picture.

    Parameters
    ----------
    method
        Its name; empty for the usual one.
    target, against
        As on the command line; empty is the predicted class, and against nothing. ``top:2`` is the
        second likeliest class.
    layers
        ``auto``, ``all``, or names.
    options
        Of the method, as JSON.
    """

    method: str = ""
    target: str = ""
    against: str = ""
    layers: tuple[str, ...] = (AUTO,)
    options: str = "{}"

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Asked":
        """The question in a page's words: of an address, or of JSON.

        Raises
        ------
        BadOption
            For what is none.
        """
        names = words(said, "layers") or (AUTO,)
        given: Any = said.get("options") or {}
        own = _object(given) if isinstance(given, str) else given
        if not isinstance(own, dict):
            raise BadOption('options is an object of names and values, such as {"steps": 16}.')
        texts = {name: _text(said, name) for name in ("method", "target", "against")}
        ordered = json.dumps(own, sort_keys=True)
        return cls(**texts, layers=names, options=ordered)

    @property
    def taken(self) -> dict[str, object]:
        """Options by name."""
        return json.loads(self.options)

    def choice(self, labels: Sequence[str]) -> Choice:
        """What is explained.

        Raises
        ------
        UnknownTarget
            For a word that is no class, and for one that means several.
        """
        one = _one(self.target, labels)
        if not self.against.strip():
            return one
        other = self.against.strip()
        return contrast(one, against=int(other) if other.isdecimal() else other)


def _one(word: str, labels: Sequence[str]) -> Choice:
    text = word.strip()
    if not text:
        return top(1)
    rank = text.casefold().removeprefix("top:").removeprefix("top")
    if rank.isdecimal() and text.casefold().startswith("top"):
        return top(int(rank))
    found = parsed(text, labels)
    if len(found) != 1 or isinstance(found[0], Choices):
        raise UnknownTarget(f"{text!r} means several targets; ask for them one by one.")
    return cast("Choice", found[0])


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadOption(f"options is a JSON object; {text[:60]!r} is none.") from error


def _text(said: Mapping[str, Any], name: str) -> str:
    own = said.get(name)
    if own is None:
        return ""
    if not isinstance(own, str | int):
        raise BadOption(f"{name} is text; received {type(own).__name__}.")
    return str(own)


def words(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """One word, or several.

    Raises
    ------
    BadOption
        For what is neither.
    """
    own: Any = said.get(name) or ()
    several = [own] if isinstance(own, str | int) else own
    if not isinstance(several, list | tuple) or not all(isinstance(x, str | int) for x in several):
        raise BadOption(f"{name} is a word, or a list of words.")
    return tuple(map(str, several))
