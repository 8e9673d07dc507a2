"""Call conventions of Python models: the argument of the picture, and the held arguments."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

from xai_heatmap.core.errors import BadOption, did_you_mean
from xai_heatmap.networks.opening.held import Name, said

PICTURES = ("pixel_values",)
"""Names of arguments that are the picture at any position."""

MODES = ("training", "mask")
"""Arguments of Keras layers that do not count as inputs."""


@dataclass(frozen=True)
class Call:
    """Call convention of a model: the argument of the picture, and the places of the others.

    Parameters
    ----------
    picture
        The argument that is the picture: its place or name; in a model whose one argument holds
        all inputs, the key or index there.
    packed
        Whether one argument holds all of them, as a dict or a tuple.
    places
        Names of the arguments that may stand by their place, those of none that can't be named.
    others
        Names of the arguments that are left out.
    """

    picture: Name = 0
    packed: bool = False
    places: Sequence[str | None] = ()
    others: Sequence[str] = ()

    def arguments(self, picture: Any, held: Mapping[Name, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Arguments by place and by name."""
        given = {self.picture: picture, **held}
        if self.packed:
            if all(isinstance(name, int) for name in given):
                return [tuple(given[name] for name in range(len(given)))], {}
            return [given], {}
        unnamed = any(isinstance(name, int) and name >= len(self.places) for name in given)
        first, named = list[Any](), dict[str, Any]()
        placed = {self._place(name): (name, value) for name, value in given.items()}
        numbers_first = sorted(placed.items(), key=lambda item: (isinstance(item[0], str), item[0]))
        for place, (name, value) in numbers_first:
            own = (
                self.places[place] if isinstance(place, int) and place < len(self.places) else name
            )
            if isinstance(place, int) and place == len(first) and (unnamed or not place or not own):
                first.append(value)
            else:
                named[str(own)] = value
        return first, named

    def _place(self, name: Name) -> Name:
        """Position of the argument `name` where that argument is positional, else the name."""
        return self.places.index(name) if name in self.places else name


def call_of(
    function: Callable[..., Any], held: Sequence[Name], picture: Name | None, *, model: str
) -> Call:
    """Call convention of a model that takes the picture and the held inputs.

    Raises
    ------
    BadOption
        If the model needs more than that, or takes no such argument.
    """
    try:
        every = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return Call(0 if picture is None else picture)
    inputs = [p for p in every if p.name not in MODES or p.name in held]
    stands = [p for p in inputs if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p for p in inputs if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    takes = _Takes(
        stands=[p.name for p in stands],
        named=[p.name for p in named],
        needed=[p.name for p in (*stands, *named) if p.default is Parameter.empty],
        any_place=any(p.kind is p.VAR_POSITIONAL for p in inputs),
        any_name=any(p.kind is p.VAR_KEYWORD for p in inputs),
    )
    places = [None if p.kind is p.POSITIONAL_ONLY else p.name for p in stands]
    if takes.packs(held, picture):
        return Call(0 if picture is None else picture, packed=True)
    for name in (*held, *([] if picture is None else [picture])):
        takes.check(name, model)
    chosen = takes.picture(held, picture, model)
    others = [name for name in takes.named if name not in (*held, chosen)]
    return Call(chosen, places=places, others=others)


@dataclass(frozen=True)
class _Takes:
    """Arguments of a signature: positional ones, named ones, and those without a default."""

    stands: Sequence[str]
    named: Sequence[str]
    needed: Sequence[str]
    any_place: bool
    any_name: bool

    def accepts(self, name: Name) -> bool:
        if isinstance(name, int):
            return name >= 0 and (self.any_place or name < len(self.stands))
        return name in self.named or self.any_name

    def packs(self, held: Sequence[Name], picture: Name | None) -> bool:
        """Whether the one argument of the signature holds all inputs, as a dict or a tuple.

        So it is, too, where the others would go by any name and leave that argument without a
        value.
        """
        if len(set(self.needed) | set(self.stands[:1])) != 1:
            return False
        own = set(self.needed)
        left = isinstance(picture, str) and own and not own & {picture, *held}

        def accepts(name: Name) -> bool:
            anything = name not in self.named and isinstance(name, str)
            return self.accepts(name) and not (left and anything)

        if not held:
            known = [*self.stands, *self.named]
            named = isinstance(picture, str) and not accepts(picture)
            return named and not did_you_mean(str(picture), known)
        if any(accepts(name) for name in held):
            return False
        if all(isinstance(name, int) for name in held):
            return picture is None or isinstance(picture, int)
        return isinstance(picture, str) and not accepts(picture)

    def check(self, name: Name, model: str) -> None:
        if self.accepts(name):
            return
        known = list(dict.fromkeys((*self.stands, *self.named)))
        packed = ""
        if isinstance(name, str) and len(self.stands) == 1:
            packed = (
                f" If {known[0]!r} is a dict of all inputs, say also which of its keys is the "
                "picture: picture=KEY."
            )
        raise BadOption(
            f"{model} takes no input {said(name)}.{did_you_mean(str(name), known)} It takes: "
            f"{', '.join(map(repr, known)) or 'nothing by name'}.{packed}"
        )

    def picture(self, held: Sequence[Name], picture: Name | None, model: str) -> Name:
        """The argument that is the picture, where nothing else is missing."""
        taken = {self._name(name) for name in held}
        chosen = None if picture is None else self._name(picture)
        if chosen in taken:
            raise BadOption(
                f"{said(chosen)} is the picture, which is explained and can't be held. Say another "
                "with picture=NAME, or leave it out of what is held."
            )
        needed = [name for name in dict.fromkeys(self.needed) if name not in taken]
        if chosen is None:
            likely = [name for name in PICTURES if name in self.named and name not in taken]
            chosen = next(iter([*likely, *needed]), None)
            free = [name for name in self.stands if name not in taken]
            places = (place for place in range(len(taken) + 1) if place not in taken)
            chosen = chosen if chosen is not None else free[0] if free else next(places)
        missing = [name for name in needed if name != chosen]
        if missing:
            raise BadOption(
                f"{model} takes {', '.join(map(repr, missing))} beside the picture, "
                f"{said(chosen)}, and was given no value for "
                f"{'it' if len(missing) == 1 else 'them'}. Hold one fixed, with the pictures as "
                f"its first axis: held={{{missing[0]!r}: array}}, on the command line --hold "
                f"{missing[0]}=FILE.npy; if {missing[0]!r} is the picture, say "
                f"picture={missing[0]!r}."
            )
        return chosen

    def _name(self, name: Name) -> Name:
        return self.stands[name] if isinstance(name, int) and name < len(self.stands) else name
