"""Arguments that a function does not have, answered with where they belong."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from xai_heatmap.core.errors import BadOption, did_you_mean

P = ParamSpec("P")
R = TypeVar("R")

OF_THE_NETWORK = ("image_shape", "output", "keep_closing", "answers")
"""Arguments that are said where a model becomes a network."""

OF_THE_PICTURE = (
    "colormap",
    "alpha",
    "contour",
    "legend",
    "caption",
    "scale",
    "mute",
    "smooth",
)
"""Arguments that are said where an explanation is drawn."""

ELSEWHERE = {
    **{
        name: f"network = xai_heatmap.network(model, {name}=...); {{function}}(network, ...)"
        for name in OF_THE_NETWORK
    },
    **{name: f"explanation.overlay({name}=...)" for name in OF_THE_PICTURE},
}
"""Right place of an argument that is often given to another function."""


def spoken(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which says of an argument that it does not have where that one belongs."""
    known = list(inspect.signature(function).parameters)

    @wraps(function)
    def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in known:
                raise BadOption(_unknown(function.__name__, name, known))
        return function(*args, **kwargs)

    return speaking


def _unknown(function: str, name: str, known: list[str]) -> str:
    if name in ELSEWHERE:
        there = ELSEWHERE[name].format(function=f"xai_heatmap.{function}")
        return f"{function}() takes no {name}=. It belongs elsewhere: {there}."
    twins = {"layer": "layers", "target": "targets", "method": "methods"}
    twins |= {many: one for one, many in twins.items()}
    twin = twins.get(name)
    hint = f" Did you mean {twin!r}?" if twin in known else did_you_mean(name, known)
    return f"{function}() takes no {name}=.{hint} It takes: {', '.join(known)}."
