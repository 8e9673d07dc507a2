"""Methods beside each other at many layers, where one may refuse and the others go on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xai_heatmap.core.errors import BadOption, ModelError, XaiHeatmapError
from xai_heatmap.explaining.explanation import Explanation

Refusing = (BadOption, ModelError)
"""Errors of a method at a layer or a network that the method is not made for."""

Place = tuple[int, str, str]
"""One cell of all sheets: the number of the target, the method, the layer as it was asked for."""

Asking = Callable[[Sequence[int], Sequence[str], Sequence[str]], Mapping[Place, Explanation]]
"""From numbers of targets, methods and layers to the explanation of each, or an error for all."""


@dataclass(frozen=True)
class Refusal:
    """Refusal of a layer by a method, with the error that says why."""

    method: str
    layer: str
    error: XaiHeatmapError


Cell = Explanation | Refusal


@dataclass(frozen=True)
class GridRow:
    """Answers of all methods for one target at one layer.

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


def grid_rows(
    ask: Asking, methods: Sequence[str], layers: Sequence[str], *, targets: int = 1
) -> list[list[GridRow]]:
    """For each target a line for each layer. Everything is asked for at once; where that is
    refused, one method after the other, and of that halves, down to the layers that refuse.

    Raises
    ------
    XaiHeatmapError
        What the first method said, where every method refuses every layer of a target.
    """
    found = _attempted(ask, range(targets), methods, layers)
    return [_of_a_target(found, number, methods, layers) for number in range(targets)]


def _of_a_target(
    found: Mapping[Place, Cell], number: int, methods: Sequence[str], layers: Sequence[str]
) -> list[GridRow]:
    rows = {layer: tuple(found[number, method, layer] for method in methods) for layer in layers}
    every = [cell for cells in rows.values() for cell in cells]
    refused = [found[number, method, layer] for method in methods for layer in layers]
    if refused and all(isinstance(cell, Refusal) for cell in every):
        raise next(cell.error for cell in refused if isinstance(cell, Refusal))
    told: list[GridRow] = []
    for layer, cells in rows.items():
        twin = next((line for line in told if _alike(line.cells, cells)), None)
        if twin is None:
            told.append(GridRow(layer, cells))
        else:
            place = told.index(twin)
            told[place] = GridRow(twin.layer, twin.cells, (*twin.same, layer))
    return told


def _attempted(
    ask: Asking, targets: Sequence[int], methods: Sequence[str], layers: Sequence[str]
) -> dict[Place, Cell]:
    """Every cell; what is refused is asked for again in parts."""
    try:
        return dict(ask(targets, methods, layers))
    except Refusing as error:
        if len(methods) == len(layers) == len(targets) == 1:
            own = targets[0], methods[0], layers[0]
            return {own: Refusal(methods[0], layers[0], error)}
    if len(methods) > 1:
        parts = [(targets, [method], layers) for method in methods]
    elif len(layers) > 1:
        half = len(layers) // 2
        parts = [(targets, methods, layers[:half]), (targets, methods, layers[half:])]
    else:
        parts = [([number], methods, layers) for number in targets]
    return {place: cell for part in parts for place, cell in _attempted(ask, *part).items()}


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
