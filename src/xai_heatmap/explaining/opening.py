"""Layers that a recording is opened at for what is asked, and the reason for these in words."""

from collections.abc import Sequence

from xai_heatmap.core.layers.selection import JOINING, joined
from xai_heatmap.core.network import Survey
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.levels import at_level

PIXELS = "the method explains the picture itself"
"""Reason that ``auto`` is the picture."""

FINEST = "the finest of the layers that the method joins, up to the one the network suggests"
"""Reason that ``auto`` is an early layer."""


def heads_of(asked: Sequence[MethodRequest], among: Sequence[str] = ()) -> list[str]:
    """Layers behind which methods run the network again; none where a level is chosen later."""
    if among:
        return []
    run = [ask for ask in asked if not ask.method.needs.isdisjoint(("head", "secant"))]
    return list(dict.fromkeys(name for ask in run for name in ask.layers))


def opened_at(
    asked: Sequence[MethodRequest], survey: Survey, among: Sequence[str] = ()
) -> list[str]:
    """Layers that are looked at, each once, with those that a method joins; at whichever of the
    levels `among`.
    """
    if among:
        every = [name for level in among for name in opened_at(at_level(asked, level), survey)]
        return list(dict.fromkeys(every))
    names = [name for ask in asked for name in ask.layers]
    with_them = [
        name
        for ask in asked
        if not JOINING.isdisjoint(ask.method.needs)
        for own in ask.layers
        for name in joined(survey, own, ask.method.needs)
    ]
    return list(dict.fromkeys([*names, *with_them]))


def layer_reason(asked: Sequence[MethodRequest], method: str, survey: Survey) -> str:
    """Reason for the layer that ``auto`` is, in words."""
    own = next(ask.method for ask in asked if ask.method.name == method)
    return {"input": PIXELS, "finest": FINEST}.get(own.auto, survey.reason)
