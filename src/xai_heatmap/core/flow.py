"""Which values of a network flow into which, and what every path to the output has to cross."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    """

    sources: Mapping[int, Sequence[int]]
    image: int
    output: int
    sites: Mapping[str, int]
    sums: Collection[int]

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

    def _upstream(self, start: int, *, without: int) -> set[int]:
        """All that `start` depends on, if `without` were cut out of the graph."""
        seen: set[int] = set()
        todo = [start]
        while todo:
            node = todo.pop()
            if node in seen or node == without:
                continue
            seen.add(node)
            todo.extend(self.sources.get(node, ()))
        return seen


Alive = Callable[[Sequence[str]], Collection[str]]
"""Of the layers named, those whose places carry gradient."""


def surveyed(layers: Mapping[str, Layer], flow: Flow, alive: Alive) -> Survey:
    """The survey of a network, with the layer to look at first and the reason for it.

    Parameters
    ----------
    layers, flow
        What the network is made of.
    alive
        Asked only where tokens stand beside the places: a class token that alone is read leaves
        the places of the last layers without gradient, though every path runs through them.
    """
    grids = [x for x in layers.values() if x.places > 1 and x.name != INPUT]
    if not grids:
        return Survey(layers, None, "no layer has a grid larger than one place")
    found = next(_crossed(grids, flow), None)
    if found is None:
        reason = "the last grid larger than one place; no layer is crossed by every path"
        return Survey(layers, grids[-1].name, f"{reason} to the output", (grids[-1].name,))
    if _has_prefix(found[0]):
        candidates = list(_crossed(grids, flow))
        living = alive([layer.name for layer, _ in candidates if _has_prefix(layer)])
        carrying = "among those whose places carry gradient, "
        found = next(
            ((layer, carrying + why) for layer, why in candidates if layer.name in living), found
        )
    auto, reason = found
    return Survey(layers, auto.name, reason, (*_finer(grids, auto, flow), auto.name))


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
