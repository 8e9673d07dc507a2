"""Placing of a layer's cells over the input: start and step, followed through windows.

A stride leaves open which part of its window a trained kernel looks at. Cells are placed around the
middle of the input as far as the windows allow: docs/decisions/336-cells-lie-by-their-strides.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Extent = tuple[tuple[float, float], ...]
"""Start and stop on each axis of the input, in places of the input."""

NEAR = 1e-6
"""Part of an axis up to which two placings are the same."""


@dataclass(frozen=True)
class Along:
    """One axis of an operation: which places of its input the places of its output stand for.

    Parameters
    ----------
    middle
        Where the first output place starts, in places of the input, were the window's middle read.
    reach
        How far from there the place may lie, either way, inside of the window.
    scale
        Input places from one output place to the next.
    """

    middle: float
    reach: float
    scale: float


@dataclass(frozen=True)
class Window:
    """One operation, by the axes of the arrays before and after; None where an axis is unknown.

    Parameters
    ----------
    before, after
        Shapes, images first.
    along
        Every axis that is changed.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    along: Mapping[int, Along | None]


UNREAD = Window((), (), {})
"""Window of an operation that may read places anywhere."""

Windows = Mapping[int, Sequence[Window]]
"""For every node that reads places through windows, these in order."""


def window(size: int, stride: int, before: int, *, dilation: int = 1, spread: int = 1) -> Along:
    """An axis of a convolution or of pooling.

    Parameters
    ----------
    size, stride, before, dilation
        Length of the window, its stride, padding in front, and distance between its entries.
    spread
        Distance of the input's places in what the window moves over: the stride of a transposed
        convolution.

    >>> window(3, 1, 0), window(2, 2, 0)
    (Along(middle=1.0, reach=0.0, scale=1.0), Along(middle=0.0, reach=0.0, scale=2.0))
    """
    whole = dilation * (size - 1) + 1
    step = max(stride, spread)
    middle = ((whole - 1) / 2 - before) / spread + 0.5 - stride / spread / 2
    reach = 0.0 if step == 1 else abs(whole - step) / 2 / spread
    return Along(middle, reach, stride / spread)


def evenly_padded(long: int, short: int, size: int, stride: int, dilation: int = 1) -> int:
    """Places in front and behind together that an axis of length `long` is padded by, where a
    convolution finds its padding by itself ("same") and answers `short` places.
    """
    return max((short - 1) * stride + dilation * (size - 1) + 1 - long, 0)


def transposed(size: int, stride: int, cut: int, *, dilation: int = 1) -> Along:
    """An axis of a transposed convolution of which `cut` places are left out in front."""
    whole = dilation * (size - 1)
    return window(size, 1, whole - cut, dilation=dilation, spread=stride)


def padded(before: int) -> Along:
    """An axis with so many places more in front; fewer where negative."""
    return Along(-float(before), 0.0, 1.0)


def sliced(start: int, step: int) -> Along:
    """An axis of which every `step`-th place is kept, from `start` on."""
    return Along(start + (1 - step) / 2, (step - 1) / 2, float(step))


def resized(before: int, after: int, *, corners: bool = False) -> Along:
    """An axis of another length over the same span; with `corners`, from the middle of the first
    place to the middle of the last.
    """
    if corners and after > 1:
        scale = (before - 1) / (after - 1)
        return Along(0.5 - scale / 2, 0.0, scale)
    return Along(0.0, 0.0, before / after)


def read_by(read: Callable[[Any], list[Window]], node: object) -> list[Window]:
    """Windows of a node; what frameworks tell of their nodes is theirs to change, and a map that
    can't be placed is drawn all the same, with a note.
    """
    try:
        return read(node)
    except Exception:  # noqa: BLE001 - of any kind
        return [UNREAD]


def changed(before: Sequence[int], after: Sequence[int]) -> list[Window]:
    """The window of an operation that nothing is known of but its shapes: an axis that became
    shorter or longer by a whole factor spans the same, any other is lost.
    """
    if len(before) != len(after) or len(after) < 3:
        return []
    along = {
        axis: resized(own, new) if own % new == 0 or new % own == 0 else None
        for axis, (own, new) in enumerate(zip(before, after, strict=True))
        if axis and own != new and own and new
    }
    return [Window(tuple(before), tuple(after), along)] if along else []


@dataclass(frozen=True)
class Placed:
    """Places of a node over the input: along each axis the first start, the step and the number."""

    start: tuple[float, ...]
    step: tuple[float, ...]
    count: tuple[int, ...]

    @property
    def extent(self) -> Extent:
        """Start and stop along each axis."""
        return tuple(
            (start, start + step * count)
            for start, step, count in zip(self.start, self.step, self.count, strict=True)
        )


class Placing:
    """Placing of the nodes of a flow."""

    def __init__(
        self,
        sources: Mapping[int, Sequence[int]],
        image: int,
        lengths: Sequence[int],
        windows: Windows,
    ) -> None:
        self._sources, self._windows, self._lengths = sources, windows, tuple(lengths)
        rank = len(self._lengths)
        whole = Placed((0.0,) * rank, (1.0,) * rank, self._lengths)
        self._found: dict[int, Placed | str | None] = {image: whole}

    def extent(self, node: int, grid: Sequence[int]) -> tuple[Extent | None, bool]:
        """Extent of a layer's grid, None where it is all of the input; and whether it is known.

        Cells that an unknown operation joined or parted by whole numbers span what those before
        did. What is unknown is taken for all of the input.
        """
        found = self._of(node)
        if len(grid) != len(self._lengths) or found is None:
            return None, True  # a grid of its own axes, or nothing of the picture
        if isinstance(found, str):
            return None, False
        parts = zip(grid, found.count, strict=True)
        if not all(max(own, of) % min(own, of) == 0 for own, of in parts):
            return None, False
        whole = all(
            abs(start) <= NEAR * length and abs(stop - length) <= NEAR * length
            for (start, stop), length in zip(found.extent, self._lengths, strict=True)
        )
        return (None if whole else found.extent), True

    def _of(self, node: int) -> Placed | str | None:
        """Where a node's places lie; None of what does not depend on the picture, a word of what
        was lost.
        """
        todo = [node]
        while todo:
            one = todo[-1]
            missing = [n for n in self._sources.get(one, ()) if n not in self._found]
            if one in self._found:
                todo.pop()
            elif missing and len(todo) <= len(self._sources) + 1:
                todo.extend(missing)
            else:
                todo.pop()
                made_of = [self._found.get(n) for n in self._sources.get(one, ())]
                found = _together(made_of)
                for own in self._windows.get(one, ()) if isinstance(found, Placed) else ():
                    found = self._through(found, own) if isinstance(found, Placed) else found
                self._found[one] = found
        return self._found[node]

    def _through(self, before: Placed, own: Window) -> Placed | str:
        """Places behind a window: around the middle of the input, as far as it reaches."""
        rank = len(before.count)
        if own is UNREAD:
            return LOST
        if rank + 2 != len(own.before):
            return before
        first = _first(before.count, own)
        if first is None:
            fits = [(n, _regridded(before, own.before[n : n + rank])) for n in (2, 1)]
            first, before = next(((n, to) for n, to in fits if to), (0, before))
            if not first:
                return LOST
        start, step, count = list(before.start), list(before.step), list(before.count)
        for axis in range(rank):
            count[axis] = own.after[first + axis]
            if first + axis not in own.along:
                if own.after[first + axis] != own.before[first + axis]:
                    return LOST
                continue
            along = own.along[first + axis]
            if along is None:
                return LOST
            middle = start[axis] + step[axis] * along.middle
            reach = step[axis] * along.reach
            step[axis] *= along.scale
            central = (self._lengths[axis] - step[axis] * count[axis]) / 2
            start[axis] = min(max(central, middle - reach), middle + reach)
        return Placed(tuple(start), tuple(step), tuple(count))


LOST = "lost"
"""What lies nowhere that is known."""


def _first(count: Sequence[int], own: Window) -> int | None:
    """The first of a window's axes that are places, behind the channels or in front of them."""
    rank = len(count)
    if len(own.before) != rank + 2:
        return None
    fits = [
        first
        for first, channels in ((2, 1), (1, rank + 1))
        if own.before[first : first + rank] == tuple(count)
        and (channels not in own.along or all(first + n not in own.along for n in range(rank)))
    ]
    return fits[0] if fits else None


def _regridded(before: Placed, count: Sequence[int]) -> Placed | None:
    """The same span in cells that are so many times finer or coarser along every axis, as rows
    that were repeated, or patches that became channels; None where no whole number does it.
    """
    parts = {new / own for new, own in zip(count, before.count, strict=True)}
    if len(parts) != 1:
        return None
    by = parts.pop()
    if round(by) != by and round(1 / by) != 1 / by:
        return None
    return Placed(before.start, tuple(step / by for step in before.step), tuple(count))


def _together(made_of: Sequence[Placed | str | None]) -> Placed | str | None:
    """Places of what was computed from several nodes: those of the finest grid among them."""
    known = [one for one in made_of if isinstance(one, Placed)]
    if not known:
        return next((one for one in made_of if one is not None), None)
    most = max(known, key=lambda one: _product(one.count))
    alike = [one for one in known if one.count == most.count]
    if any(
        abs(own - of) > NEAR * of
        for one in alike
        for own, of in zip(one.step, most.step, strict=True)
    ):
        return LOST
    starts = zip(*(one.start for one in alike), strict=True)
    return Placed(tuple(sum(own) / len(own) for own in starts), most.step, most.count)


def _product(count: Sequence[int]) -> int:
    places = 1
    for length in count:
        places *= length
    return places
