"""Layouts of the layers of a network for signals: from shapes, and from changes where two fit."""

import math
from collections.abc import Collection, Mapping

import numpy as np

from xai_heatmap.core.layers.layout import Layout
from xai_heatmap.core.layers.signal import ATTENDS, RECURS, Inner, convolves, signal_layout
from xai_heatmap.networks.opening.changes import Changes, Moves
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall
from xai_heatmap.networks.opening.layout_probe import on_grid, standing
from xai_heatmap.networks.opening.layout_reading import Read

EITHER = (
    "either of its axes could be the steps of the signal, and what changes in the signal shows in "
    "neither of them as in steps (one layer before has moved the axes, or mixes all steps)"
)


class SignalReader:
    """Reader of layouts of signals, layer by layer in order of execution.

    Parameters
    ----------
    length
        Of the signal.
    channels_last
        Of the network's input.
    moves
        What two signals with other spots changed, by the layer's path and call; None where nobody
        looked: every guess is then taken for right.
    """

    def __init__(
        self,
        length: int,
        *,
        channels_last: bool,
        moves: Mapping[tuple[str, int], Moves] | None,
    ) -> None:
        self._length, self._channels_last, self._moves = length, channels_last, moves
        self._known: dict[Inner, Layout] = {}
        self._changes: dict[tuple[int, ...], Changes] = {}
        self.guessed = False
        """Whether the layout of any layer could be another."""

    def read(self, call: LayerCall, lengths: Collection[int]) -> Read:
        """The layout of the next layer, or None and why; `lengths` are those of grids before."""
        if len(call.shape) != 3 or call.shape[0] != IMAGES_IN_A_SURVEY or min(call.shape) < 1:
            return None, ""
        inner = call.shape[1], call.shape[2]
        own = signal_layout(
            inner,
            kind=call.kind,
            channels_last=self._channels_last,
            read=self._known,
            lengths=lengths,
        )
        found, why = self._checked(call, own, _other(inner, own, lengths))
        if found:
            self._known[inner] = found
            self._remember(call, found)
        return found, why

    def _checked(self, call: LayerCall, own: Layout, other: Layout | None) -> Read:
        if other is None or _says(call.kind):
            return own, ""
        self.guessed = True
        seen = self._seen(call)
        if seen is None or seen.silent:
            return own, ""
        for one in (own, other):
            known = self._changes.get(one.grid)
            if standing(one, seen, (self._length,), known) == "shown":
                return one, ""
        return None, EITHER

    def _seen(self, call: LayerCall) -> Moves | None:
        return None if self._moves is None else self._moves.get((call.path, call.call))

    def _remember(self, call: LayerCall, found: Layout) -> None:
        seen = self._seen(call)
        changes = None if seen is None or seen.silent else on_grid(found, seen)
        if changes is not None and np.ptp(changes) > 0:
            self._changes[found.grid] = changes


def _says(kind: str) -> bool:
    """Whether a part of that name has one axis only on which steps can lie."""
    said = kind.casefold()
    return convolves(kind) or any(word in said for word in (*RECURS, *ATTENDS))


def _other(inner: Inner, own: Layout, lengths: Collection[int]) -> Layout | None:
    """The layout with steps along the other axis, where a grid before has as many places."""
    first = own.kind == "channels_first"
    if inner[0 if first else 1] not in lengths or math.prod(own.grid) == 1:
        return None
    return Layout("channels_last", inner[:1]) if first else Layout("channels_first", inner[1:])
