"""Methods beside each other at many layers, where one may refuse and the others go on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xai_heatmap.core.errors import BadOption, ModelError, XaiHeatmapError
from xai_heatmap.explanation import Comparison, Explanation

Refusing = (BadOption, ModelError)
"""What a method says of a layer or a network that it is not made for."""

Asking = Callable[[str, Sequence[str]], Comparison]
"""From one method and names of layers to its explanations there, in the order of execution."""


@dataclass(frozen=True)
class Refusal:
    """Why a method has no map at a layer."""

    method: str
    layer: str
    error: XaiHeatmapError


Cell = Explanation | Refusal


@dataclass(frozen=True)
class Line:
    """What every method says of one target at one layer.

    Parameters
    ----------
    layer
        As it was asked for; ``auto`` is each method's own.
    cells
        One a method.
    same
        Layers whose lines would look the same, because their outputs are the same values.
    """

    layer: str
    cells: tuple[Cell, ...]
    same: tuple[str, ...] = ()


def lines(ask: Asking, methods: Sequence[str], layers: Sequence[str]) -> Iterator[Line]:
    """A line for each layer; the methods are asked one after the other, each for all layers.

    Raises
    ------
    XaiHeatmapError
        What the first method said, where every method refuses every layer.
    """
    found = [_attempted(ask, method, layers) for method in methods]
    refused = [cell.error for column in found for cell in column if isinstance(cell, Refusal)]
    if refused and len(refused) == len(methods) * len(layers):
        raise refused[0]
    told: list[Line] = []
    for layer, cells in zip(layers, zip(*found, strict=True), strict=True):
        twin = next((line for line in told if _alike(line.cells, cells)), None)
        if twin is None:
            told.append(Line(layer, cells))
        else:
            place = told.index(twin)
            told[place] = Line(twin.layer, twin.cells, (*twin.same, layer))
    yield from told


def _attempted(ask: Asking, method: str, layers: Sequence[str]) -> list[Cell]:
    """All at once; where that is refused, each half for itself, down to the layers that refuse."""
    try:
        return list(ask(method, layers))
    except Refusing as error:
        if len(layers) == 1:
            return [Refusal(method, layers[0], error)]
    half = len(layers) // 2
    return _attempted(ask, method, layers[:half]) + _attempted(ask, method, layers[half:])


def _alike(some: Sequence[Cell], others: Sequence[Cell]) -> bool:
    """Whether two layers gave the same maps; empty maps and refusals prove nothing."""
    pairs = list(zip(some, others, strict=True))
    maps = [
        (one.map, other.map)
        for one, other in pairs
        if isinstance(one, Explanation) and isinstance(other, Explanation)
    ]
    refused = [isinstance(one, Refusal) and isinstance(other, Refusal) for one, other in pairs]
    return (
        len(maps) + sum(refused) == len(pairs)
        and any(one.any() for one, _ in maps)
        and all(one.shape == other.shape and (one == other).all() for one, other in maps)
    )
