"""Flow of values through a network, and the nodes that every path to the output has to cross."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from xai_heatmap.core.arrays import Values
from xai_heatmap.core.network import INPUT, Layer, Survey


@dataclass(frozen=True)
class Flow:
    """A network's values as a graph; nodes are numbers, arrows lead from a value to what it was
    made of.

    Parameters
    ----------
    sources
        For every node, the nodes that it was computed from.
    image, output
        The nodes of the picture and of the scores.
    sites
        For every layer name, the node that holds its output.
    sums
        Nodes that add values to each other.
    passing
        Nodes that move, resize, join or bend values one by one, and mix none of different features.
    """

    sources: Mapping[int, Sequence[int]]
    image: int
    output: int
    sites: Mapping[str, int]
    sums: Collection[int]
    passing: Collection[int] = frozenset()

    @cached_property
    def answers(self) -> frozenset[int]:
        """Nodes of the output, and of all that the output only moves, resizes, joins or bends."""
        found, todo = set[int](), [self.output]
        while todo:
            node = todo.pop()
            if node not in found:
                found.add(node)
                todo.extend(self.sources.get(node, ()) if node in self.passing else ())
        return frozenset(found)

    def crosses(self, node: int) -> bool:
        """Whether every path from the image to the output runs through `node`."""
        return node in self._upstream(self.output, without=-1) and self.image not in self._upstream(
            self.output, without=node
        )

    def joins_a_crossed_sum(self, node: int) -> bool:
        """Whether `node` flows into one addition only, and every path runs through that addition.

        Such a layer is the last named part of a residual stage whose sum has no name of its own.
        """
        readers = [n for n, made_of in self.sources.items() if node in made_of]
        return len(readers) == 1 and readers[0] in self.sums and self.crosses(readers[0])

    def parts(self, node: int, *, other: int) -> bool:
        """Whether every path from the image to `other` runs through `node`."""
        return self.image not in self._upstream(other, without=node)

    def ends(self, nodes: Collection[int]) -> frozenset[int]:
        """Nodes, among those given, that reach the output past no other node among them."""
        found, seen, todo = set[int](), set[int](), [self.output]
        while todo:
            node = todo.pop()
            if node in nodes:
                found.add(node)
            elif node not in seen:
                seen.add(node)
                todo.extend(self.sources.get(node, ()))
        return frozenset(found)

    def _upstream(self, start: int, *, without: int) -> set[int]:
        """Nodes that `start` depends on, if `without` were cut out of the graph."""
        seen: set[int] = set()
        todo = [start]
        while todo:
            node = todo.pop()
            if node in seen or node == without:
                continue
            seen.add(node)
            todo.extend(self.sources.get(node, ()))
        return seen


Among = Callable[[Sequence[str]], Collection[str]]
"""Function from names of layers to those of which something holds."""

ALIKE = 0.99
"""Cosine from which on two places pull on the same features."""

FEW = 12
"""Layers that are looked at closely, at most."""


def surveyed(
    layers: Mapping[str, Layer],
    flow: Flow,
    alive: Among,
    *,
    apart: Among | None = None,
    boxes: bool = False,
) -> Survey:
    """The survey of a network, with the layer to look at first and the reason for it.

    Parameters
    ----------
    layers, flow
        What the network is made of.
    alive
        Those whose places carry gradient. Asked only where tokens stand beside the places: a class
        token that alone is read leaves the places of the last layers without gradient, though
        every path runs through them.
    apart
        Those where scores of two places hang on different features. Asked only of a network that
        scores every place; None of any other.
    boxes
        Whether the network answers boxes.
    """
    grids = [x for x in layers.values() if x.places > 1 and x.name != INPUT]
    if not grids:
        return Survey(layers, None, "no layer has a grid larger than one place")
    dense = boxes or apart is not None
    inner = [x for x in grids if flow.sites[x.name] not in flow.answers] if dense else grids
    found = _first(inner, flow, alive, apart)
    if found is None:
        last = (inner or grids)[-1].name
        reason = "the last grid larger than one place; no layer is crossed by every path"
        found = layers[last], f"{reason} to the output"
    auto, reason = found
    levels = (*_finer(grids, auto, flow), auto.name)
    heads = dict(_heads(inner, grids, flow)) if boxes else {}
    return Survey(layers, auto.name, reason, levels, heads=heads)


def _first(
    grids: Sequence[Layer], flow: Flow, alive: Among, apart: Among | None
) -> tuple[Layer, str] | None:
    """The last layer that every path crosses and that has something to show, with the reason."""
    crossed = _crossed(grids, flow)
    if apart is not None:
        return _among(list(islice(crossed, FEW)), apart, "where places tell features apart, ")
    if any(_has_prefix(layer) for layer in grids):
        return _among(list(crossed), alive, "among those whose places carry gradient, ")
    return next(crossed, None)


def _among(
    found: Sequence[tuple[Layer, str]], asked: Among, words: str
) -> tuple[Layer, str] | None:
    """The first of which that holds, else the first."""
    kept = asked([layer.name for layer, _ in found]) if found else ()
    named = ((layer, words + why) for layer, why in found if layer.name in kept)
    return next(named, found[0] if found else None)


def _heads(
    inner: Sequence[Layer], grids: Sequence[Layer], flow: Flow
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Inputs of a detector's head, one layer a grid, the finest first: the last that parts all ends
    of the network on that grid, scores and boxes, from the picture; with those ends.

    In which order the levels run is the framework's own affair: Keras runs the coarsest first.
    Where the answer only moves, joins and bends what some ends hold, these are the levels: an end
    that is mixed with others first, such as prototypes of masks, has no boxes of its own.
    """
    nodes = flow.ends({flow.sites[layer.name] for layer in grids})
    last = [layer for layer in grids if flow.sites[layer.name] in nodes]
    places = {layer.grid: layer.places for layer in last}
    answering = {layer.grid for layer in last if flow.sites[layer.name] in flow.answers}
    places = {grid: places[grid] for grid in answering} or places
    for grid in sorted(places, key=lambda grid: -places[grid]):
        own = [layer.name for layer in last if layer.grid == grid]
        for layer in reversed(inner):
            node = flow.sites[layer.name]
            if layer.grid == grid and all(flow.parts(node, other=flow.sites[end]) for end in own):
                yield layer.name, tuple(own)
                break


def _finer(grids: Sequence[Layer], auto: Layer, flow: Flow) -> Iterator[str]:
    """The last crossed layer of every grid that is finer than the next, before `auto`."""
    before = grids[: grids.index(auto)]
    found, places = list[str](), auto.places
    for layer in reversed(before):
        if layer.places > places and next(_crossed([layer], flow), None):
            found.append(layer.name)
            places = layer.places
    yield from reversed(found)


def _crossed(grids: Sequence[Layer], flow: Flow) -> Iterator[tuple[Layer, str]]:
    """Layers that every path crosses, the last first, each with the reason in words."""
    for layer in reversed(grids):
        node = flow.sites[layer.name]
        size = "x".join(map(str, layer.grid or ()))
        if flow.crosses(node):
            reason = "the last grid larger than one place that every path to the output crosses"
            yield layer, f"{reason} ({size})"
        elif flow.joins_a_crossed_sum(node):
            reason = "the last layer that flows straight into the sum which every path to the"
            yield layer, f"{reason} output crosses ({size})"


def _has_prefix(layer: Layer) -> bool:
    return layer.layout is not None and layer.layout.prefix + layer.layout.suffix > 0


def unlike(one: Values, other: Values) -> bool:
    """Whether two gradients on the features of a layer are both there and differ in direction."""
    sizes = float(np.linalg.norm(one) * np.linalg.norm(other))
    return sizes > 0 and float(one @ other) < ALIKE * sizes
