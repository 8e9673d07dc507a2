"""Layers that a pattern means, without those that can't be had."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from xai_heatmap.core.errors import LayerNotReached, ModelError, NoHead, NonFiniteScores, NoRule
from xai_heatmap.core.layers.selection import by_pattern
from xai_heatmap.core.network import Layers
from xai_heatmap.explaining.forward_pass import MethodRequest

Answer = TypeVar("Answer")


def of_those_reached(
    run: Callable[[Sequence[MethodRequest]], Answer], asked: Sequence[MethodRequest], wanted: Layers
) -> Answer:
    """Answer of `run` to all that is asked. Where `wanted` is ``all`` or a glob, layers that do not
    run for these pictures, hold no numbers, or have no head for a method that needs one are left
    out, of the methods that this is about, and a warning says which and why.

    Raises
    ------
    ModelError
        For a layer that was named, or where none is left.
    """
    while True:
        try:
            return run(asked)
        except ModelError as failed:
            if not by_pattern(wanted):
                raise
            rest, said = [_without(ask, failed) for ask in asked], [failed]
            if _many(rest) == _many(asked) and isinstance(failed, NoRule | NonFiniteScores):
                rest, said = _answering(run, asked)
            rest = [ask for ask in rest if ask.layers]
            if not rest or _many(rest) == _many(asked):
                raise
            for own in dict.fromkeys(map(str, said)):
                warnings.warn(f"left out: {own}", stacklevel=3)
            asked = rest


def _many(asked: Sequence[MethodRequest]) -> int:
    return sum(len(ask.layers) for ask in asked)


def _answering(
    run: Callable[[Sequence[MethodRequest]], object], asked: Sequence[MethodRequest]
) -> tuple[list[MethodRequest], list[ModelError]]:
    """What is asked, without layers at which a method fails alone; and those errors."""
    rest, said = list[MethodRequest](), list[ModelError]()
    for ask in asked:
        kept = list[str]()
        for name in ask.layers:
            try:
                run([replace(ask, layers=[name])])
            except (NoRule, NonFiniteScores) as failed:
                said.append(type(failed)(f"{ask.method.name} at layer {name!r}: {failed}"))
            else:
                kept.append(name)
        rest.append(replace(ask, layers=kept))
    return rest, said


def _without(ask: MethodRequest, failed: ModelError) -> MethodRequest:
    """The request without the layer that failed, if the failure is one of its method."""
    about = isinstance(failed, LayerNotReached) or failed.method == ask.method.name
    if not failed.layer or not (about or (isinstance(failed, NoHead) and _runs_again(ask))):
        return ask
    return replace(ask, layers=[name for name in ask.layers if name != failed.layer])


def _runs_again(ask: MethodRequest) -> bool:
    return "head" in ask.method.needs
