"""Layouts of the layers of a network for pictures or volumes, from shapes and from changes.

A convolution has its channels where the network has them. All else is a guess from a shape, and
counts only if two pictures that differ in a few spots move the layer's places under the spots.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np

from xai_heatmap.core.layers.layout import Layout, layout, plausible, readings
from xai_heatmap.core.layers.signal import convolves
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.networks.opening.changes import Changes, Moves
from xai_heatmap.networks.opening.interfaces import IMAGES_IN_A_SURVEY, LayerCall
from xai_heatmap.networks.opening.layout_probe import (
    ALIKE,
    displaced,
    likeness,
    on_grid,
    spread_out,
    standing,
)
from xai_heatmap.networks.opening.token_axes import HEADS, PAIRS, TokenAxes
from xai_heatmap.networks.opening.tokens_among import among

Read = tuple[Layout | None, str]
"""Layout of a layer, or the reason why the layer has no grid."""

MANY = 36
"""Least places to tell a grid from one number per pair of tokens."""

ELSEWHERE = (
    "what changes in the picture does not show at the places where it would lie (tokens in "
    "another order, such as window by window, or with a token of no place among them)"
)
CHANNELS = (
    "it has as many rows as the layer before has channels, and what changes in the picture does "
    "not show in them as in places"
)
FLAT = "its places stand along its last axis, behind the channels, and not in rows of tokens"
UNSHOWN = "no layer before it has such a grid, and what changes in the picture does not show one"


DISPLACED = (
    "it does not lie over the picture as it came in: what changes in the picture shows at other "
    "places (the network crops, pads, shifts, turns or mirrors its picture; do that before it, as "
    "a part of preprocess, or explain layer 'input')"
)


class LayoutReader:
    """Reader of layouts, layer by layer in order of execution, with the results so far.

    Parameters
    ----------
    image
        Length of the picture's own axes.
    channels_last
        Of the network's input.
    queries
        How many boxes a detector answers; None of any other network.
    moves
        What two pictures with other spots changed, by the layer's path and call; None where
        nobody looked: every guess is then taken for right.
    sources
        Which values a value is made of, by node: what is made of a layer that lies elsewhere does
        so too, unless it shows where it lies.
    """

    def __init__(
        self,
        image: Sequence[int],
        *,
        channels_last: bool,
        queries: int | None,
        moves: Mapping[tuple[str, int], Moves] | None,
        sources: Mapping[int, Sequence[int]] = MappingProxyType({}),
    ) -> None:
        self._image, self._queries, self._token_axes = tuple(image), queries, TokenAxes(queries)
        self._sources, self._displaced = sources, set[int]()
        self._own_order: Literal["channels_first", "channels_last"] = (
            "channels_last" if channels_last else "channels_first"
        )
        self._moves = moves
        self._grids: list[tuple[int, ...]] = []
        self._tokens: dict[int, Read] = {}
        self._width = 0
        self._known: dict[tuple[int, ...], Changes] = {}
        self._moved: dict[tuple[int, ...], Changes] = {}
        self.guessed = False
        """Whether the layout of any layer was guessed."""

    def knows(self, grid: tuple[int, ...]) -> None:
        """Count `grid` among those that an earlier layer had."""
        if grid not in self._grids and math.prod(grid) > 1:
            self._grids.append(grid)

    def read(self, call: LayerCall) -> Read:
        """The layout of the next layer, or None and why."""
        own = layout(
            call.shape,
            images=IMAGES_IN_A_SURVEY,
            image=self._image,
            channels_last=self._own_order == "channels_last",
            grids=tuple(self._grids),
            queries=self._queries,
        )
        convolved = self._in_own_order(call) if convolves(call.kind) else None
        found, why = self._checked(call, own) if own else (None, "")
        placed = found or convolved  # its steps are too uneven for a grid behind a crop
        if placed and self._lies_elsewhere(call, placed):
            self._displaced.add(call.node)
            return None, DISPLACED
        if own and own.kind == "tokens" and (found or why == ELSEWHERE):
            self._tokens[call.shape[1]] = found, why
            self._token_axes.add(call.shape[1])
        if found:
            self._remember(call, found)
        return found, why

    def _in_own_order(self, call: LayerCall) -> Layout | None:
        """Layout of a layer with channels in the network's own order; None for another rank."""
        if len(call.shape) != len(self._image) + 2:
            return None
        first = self._own_order == "channels_first"
        return Layout(self._own_order, call.shape[2:] if first else call.shape[1:-1])

    def _lies_elsewhere(self, call: LayerCall, own: Layout) -> bool:
        """Whether the places of a layer show other parts of the picture than the layout says."""
        if math.prod(own.grid) == 1:
            return False
        seen = None if self._moves is None else self._moves.get((call.path, call.call))
        before = self._moved.get(own.grid)
        if seen is not None and displaced(own, seen, self._image, before):
            return True
        if not self._displaced & made_of(call.node, self._sources, stop=self._displaced):
            return False
        return seen is None or standing(own, seen, self._image) != "shown"

    def _checked(self, call: LayerCall, own: Layout) -> Read:
        pairs = not convolves(call.kind) and self._token_axes.pairs(call.shape, self._grids)
        heads = self._by_heads(call, own) and not pairs
        guess = own.kind != self._own_order or pairs or heads
        before = self._tokens.get(call.shape[1]) if own.kind == "tokens" else None
        every = readings(call.shape, own, image=self._image, ends=before is None)
        every += [before[0]] if before and before[0] and before[0] not in every else []
        self.guessed |= guess
        seen = None if self._moves is None else self._moves.get((call.path, call.call))
        mixed = not guess and self._mixes_pairs(call, own, seen)
        if mixed or (not guess and len(every) == 1):
            return (None, PAIRS) if mixed else (own, "")
        if lost := self._out_of_order(own, before, seen):
            return lost
        if seen is None:
            return (None, PAIRS if pairs else HEADS) if pairs or heads else (own, "")
        if own.kind == "tokens" and self._flattened(call.shape[-1], own, seen):
            return None, FLAT
        stands = {one: standing(one, seen, self._image, self._known.get(one.grid)) for one in every}
        shown = [one for one in every if stands[one] == "shown"]
        of_tokens = self._token_axes.pairs(call.shape) or heads
        if (pairs and (math.prod(own.grid) < MANY or of_tokens)) or heads:
            shown = [one for one in shown if self._likeness(one, seen) >= ALIKE]
        if shown:
            again = before is not None and before[0] in shown
            return (before[0] if again and before else self._best(shown, seen)), ""
        if heads or (pairs and (of_tokens or own.grid not in self._grids)):
            return None, HEADS if heads else PAIRS
        if not guess:
            return own, ""
        usual = self._in_own_order(call)
        if (
            usual
            and plausible(usual.grid, self._image)
            and (convolves(call.kind) or usual.grid in self._grids)
            and standing(usual, seen, self._image) != "still"
        ):
            return usual, ""
        return self._unshown(call, own, stands[own] == "still")

    def _out_of_order(self, own: Layout, before: Read | None, seen: Moves | None) -> Read | None:
        """Why tokens lie in another order than patches do: as many did before, or among the
        patches stand tokens of no place.
        """
        if before is not None:
            return before if own.prefix and before[0] is None else None
        if seen is not None and among(own, seen, self._known.get(own.grid)):
            return None, ELSEWHERE
        return None

    def _mixes_pairs(self, call: LayerCall, own: Layout, seen: Moves | None) -> bool:
        """Whether a convolution or a batch norm of a grid that no layer had runs over the pairs of
        tokens: as many along both axes, and not alike to the grid that the tokens have.
        """
        if seen is None or own.grid in self._grids or not self._token_axes.pairs(call.shape):
            return False
        return self._likeness(own, seen) < ALIKE / 2 and not self._shows(own, seen)

    def _flattened(self, last: int, own: Layout, seen: Moves) -> bool:
        """Whether the last axis, of length `last`, shows the places of a grid, and more clearly
        than the tokens of `own` do: feature maps with their places in a row.
        """
        turned = Moves(None, seen.first, seen.silent)
        for grid in self._grids:
            other = Layout("tokens", grid)
            if math.prod(grid) == last and self._shows(other, turned):
                clearer = self._likeness(other, turned) > self._likeness(own, seen)
                return clearer or not self._shows(own, seen)
        return False

    def _shows(self, own: Layout, seen: Moves) -> bool:
        return standing(own, seen, self._image, self._known.get(own.grid)) == "shown"

    def _unshown(self, call: LayerCall, own: Layout, still: bool) -> Read:
        """Layout of a layer whose changes show nothing, judged by the other layers."""
        if own.kind != "tokens":
            known = self._supported(own) and not still
            return (own, "") if known else (None, ELSEWHERE if still else UNSHOWN)
        if still:
            return None, ELSEWHERE
        if call.shape[1] == self._width:
            return None, CHANNELS
        if call.shape[1] in self._tokens:
            return self._tokens[call.shape[1]]
        beside = own.prefix + own.suffix > 0 and bool(self._known)
        return (own, "") if self._supported(own) and not beside else (None, UNSHOWN)

    def _best(self, shown: Sequence[Layout], seen: Moves) -> Layout:
        """Layout, among several that fit, with the changes most similar to those known."""
        return max(shown, key=lambda one: round(self._likeness(one, seen), 3))

    def _likeness(self, own: Layout, seen: Moves) -> float:
        """Similarity of the changes of a layer to those known of the grid, else 0."""
        known, changes = self._known.get(own.grid), on_grid(own, seen)
        coarser = [grid for grid in self._known if _within(grid, own.grid)]
        if known is None and coarser:
            known = spread_out(self._known[max(coarser, key=math.prod)], own.grid)
        return 0.0 if known is None or changes is None else likeness(changes, known)

    def _supported(self, own: Layout) -> bool:
        """Whether an earlier layer has the same grid, or one with twice the places along each axis
        while all tokens so far are in order.
        """
        ordered = all(why != ELSEWHERE for _, why in self._tokens.values())
        finer = [tuple(-(-places // 2) for places in grid) for grid in self._grids if ordered]
        return own.grid in self._grids or own.grid in finer

    def _by_heads(self, call: LayerCall, own: Layout) -> bool:
        """Whether a layer that is no convolution, on a grid that none had and that is not as wide
        and high as the picture is, holds features of tokens head by head.
        """
        if own.kind == "tokens" or own.grid in self._grids or convolves(call.kind):
            return False
        (rows, columns), (height, width) = own.grid[-2:], self._image[-2:]
        return rows * width != columns * height and self._token_axes.by_heads(call.shape, own.grid)

    def _remember(self, call: LayerCall, found: Layout) -> None:
        self.knows(found.grid)
        self._width = call.shape[1 if found.kind == "channels_first" else -1]
        seen = None if self._moves is None else self._moves.get((call.path, call.call))
        if seen is not None and not seen.silent:
            changes = on_grid(found, seen)
            if changes is not None and np.ptp(changes) > 0:
                self._known[found.grid] = changes
            moved = on_grid(found, seen, whole=True)
            if moved is not None and moved.any():
                self._moved[found.grid] = moved


def _within(grid: Sequence[int], finer: Sequence[int]) -> bool:
    return len(grid) == len(finer) and all(a <= b for a, b in zip(grid, finer, strict=True))


def ends_of_grids(layers: Mapping[str, Layer]) -> list[str]:
    """The first and the last layer of every grid of places, the input left out."""
    ends = dict[tuple[int, ...], tuple[str, str]]()
    for name, own in layers.items():
        if own.grid and own.places > 1 and name != INPUT:
            ends[own.grid] = ends.get(own.grid, (name, name))[0], name
    named = {name for both in ends.values() for name in both}
    return [name for name in layers if name in named]


def made_of(node: int, sources: Mapping[int, Sequence[int]], *, stop: Collection[int]) -> set[int]:
    """Nodes on which `node` depends, and `node`; the search ends at nodes in `stop`."""
    found, todo = {node}, [node] if stop else []
    while todo:
        for source in sources.get(todo.pop(), ()):
            if source not in found:
                found.add(source)
                todo += [] if source in stop else [source]
    return found
