"""Sampling at places that are computed: the entries around each place, and their weights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import and_, mul

import numpy as np

from xai_heatmap.networks.onnx.autodiff.registry import Node, rule
from xai_heatmap.networks.onnx.autodiff.scattering import added_along
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op, where


@rule("GridSample")
def grid_sample(node: Node, g: Tensor) -> tuple[Tensor, Tensor]:
    """∂x = Σ wᵢ g, added at the entries i around each place; ∂grid = Σ wᵢ′ g xᵢ · size / 2.

    The weights w and their slopes w′ are those of linear sampling; nearest sampling has one entry,
    and ∂grid = 0. On an entry the slope is that of the side behind. Refused: cubic sampling, and
    padding by reflection.
    """
    x, grid = node.inputs
    sampled = _corners(node)
    flat, values = op("Unsqueeze", g.reshape(0, 0, -1), (2,)), x.reshape(0, 0, -1)
    weights = _stacked([corner.weight for corner in sampled]).cast(g.dtype)
    spread = (flat * weights).reshape(0, 0, -1)
    places = _stacked([corner.place for corner in sampled]).reshape(0, 1, -1)
    places = op("Expand", places, op("Shape", spread))
    to_x = added_along(places, spread, like=values, axis=2).reshaped_like(x)
    if not sampled[0].slopes:
        return to_x, grid.zeros()
    read = op("GatherElements", values, places, axis=2).reshape(0, 0, len(sampled), -1)
    said = (read.cast(g.dtype) * flat).sum(1)
    to_grid = [
        (said * _stacked(list(along)).cast(g.dtype)).sum(2).reshape(0, -1, 1)
        for along in zip(*(corner.slopes for corner in sampled), strict=True)
    ]
    joined = op("Concat", *reversed(to_grid), axis=2)
    return to_x, joined.reshaped_like(grid).cast(grid.dtype)


@dataclass(frozen=True, eq=False)
class Entry:
    """Along one axis, an entry near each place: its index, its weight, and the slope of that."""

    index: Tensor
    weight: Tensor
    slope: Tensor | None
    within: Tensor


@dataclass(frozen=True, eq=False)
class Corner:
    """An entry near each place: its number in the flat picture; weight and slopes, 0 outside."""

    place: Tensor
    weight: Tensor
    slopes: tuple[Tensor, ...]


def _corners(node: Node) -> list[Corner]:
    """The entries that are read at each place, of shape (n, 1, places)."""
    x, grid = node.inputs
    mode, padding = (
        node.attribute("mode", "linear"),
        node.attribute("padding_mode", "zeros"),
    )
    if mode not in _ENTRIES:
        raise node.refused(f"sampling {mode!r} is not covered")
    if padding not in ("zeros", "border"):
        raise node.refused(f"padding {padding!r} is not covered")
    precise = grid.cast(np.dtype(np.float32)) if grid.dtype.itemsize < 4 else grid
    rank = len(node.shape(x)) - 2
    lengths = [x.lengths(axis + 2, axis + 3) for axis in range(rank)]
    along = []
    for axis, length in enumerate(lengths):
        said = op("Gather", precise, np.array(rank - 1 - axis), axis=-1).reshape(0, 1, -1)
        along.append(_ENTRIES[mode](node, said, length.cast(precise.dtype), padding == "border"))
    return [_corner(entries, lengths) for entries in product(*along)]


def _corner(entries: Sequence[Entry], lengths: Sequence[Tensor]) -> Corner:
    place = entries[0].index
    for entry, length in zip(entries[1:], lengths[1:], strict=True):
        place = place * length + entry.index
    within = reduce(and_, (entry.within for entry in entries))
    weights = [entry.weight for entry in entries]
    slopes = tuple(
        where(within, reduce(mul, [*weights[:axis], entry.slope, *weights[axis + 1 :]]), 0)
        for axis, entry in enumerate(entries)
        if entry.slope is not None
    )
    return Corner(place, where(within, reduce(mul, weights), 0), slopes)


def _linear(node: Node, said: Tensor, length: Tensor, border: bool) -> list[Entry]:
    position, slope = _position(node, said, length, border)
    before = op("Floor", position)
    share = position - before
    return [
        _entry(before, length, 1 - share, -slope),
        _entry(before + 1, length, share, slope),
    ]


def _nearest(node: Node, said: Tensor, length: Tensor, border: bool) -> list[Entry]:
    position, slope = _position(node, said, length, border)
    return [_entry(op("Round", position), length, slope.lifted(1), None)]


def _position(node: Node, said: Tensor, length: Tensor, border: bool) -> tuple[Tensor, Tensor]:
    """Position along an axis, counted in entries, and its slope by what the grid says: -1 to 1."""
    last = length - 1
    if node.attribute("align_corners", 0):
        position, slope = (said + 1) * 0.5 * last, last * 0.5
    else:
        position, slope = ((said + 1) * length - 1) * 0.5, length * 0.5
    if border:
        slope = where((position > 0) & (position < last), slope, 0)
        position = op("Min", op("Max", position, position.lifted(0)), last)
    return position, slope


def _entry(index: Tensor, length: Tensor, weight: Tensor, slope: Tensor | None) -> Entry:
    within = (index >= 0) & (index < length)
    return Entry(where(within, index, 0).cast(np.dtype(np.int64)), weight, slope, within)


def _stacked(parts: list[Tensor]) -> Tensor:
    """Of shape (n, 1, places) each, as (n, 1, parts, places)."""
    return op("Unsqueeze", op("Concat", *parts, axis=1), (1,))


_ENTRIES: dict[str, Callable[[Node, Tensor, Tensor, bool], list[Entry]]] = {
    "bilinear": _linear,
    "linear": _linear,
    "nearest": _nearest,
}
"""Each mode by its names: what is linear was bilinear before opset 20."""
