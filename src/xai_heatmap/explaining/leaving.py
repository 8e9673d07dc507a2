"""Layers that a pattern means, without those that can't be had."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from xai_heatmap.core.errors import LayerNotReached
from xai_heatmap.core.layers.selection import by_pattern
from xai_heatmap.core.network import Layers
from xai_heatmap.explaining.forward_pass import MethodRequest

Answer = TypeVar("Answer")


def of_those_reached(
    run: Callable[[Sequence[MethodRequest]], Answer], asked: Sequence[MethodRequest], wanted: Layers
) -> Answer:
    """Answer of `run` to all that is asked. Where `wanted` is ``all`` or a glob, layers that do not
    run for these pictures are left out, and a warning says which and why.

    Raises
    ------
    LayerNotReached
        For a layer that was named, or where none is left.
    """
    while True:
        try:
            return run(asked)
        except LayerNotReached as failed:
            rest = [name for ask in asked for name in ask.layers if name != failed.layer]
            if not (by_pattern(wanted) and failed.layer and rest):
                raise
            warnings.warn(f"left out: {failed}", stacklevel=3)
            asked = [
                replace(ask, layers=[name for name in ask.layers if name != failed.layer])
                for ask in asked
            ]
