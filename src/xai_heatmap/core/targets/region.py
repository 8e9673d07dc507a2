"""A target over places of networks that score many: segmentation, detection."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.shapes import Float32, Shaped
from xai_heatmap.core.targets.answer import ROW, Answer, Seen
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.numbers import numbers
from xai_heatmap.core.targets.target import Choice, Target

Where = str | Sequence[int | float] | Shaped[np.ndarray, "*picture"] | None
"""Places: all, a box, a mask, or None for those that the class wins."""

Weights = Float32[np.ndarray, " places"]


def region(which: int | str | Choice, where: Where = None) -> Choice:
    """A class over a region: y = Σ_p w_p s_cp / Σ_p w_p, over the places p of a network's output.

    For networks that answer a score for every class and place, as in segmentation. On these every
    other choice is over the places where its class wins, so this is for the other regions.

    Parameters
    ----------
    which
        A class by number or name, or any choice; of one such as ``contrast(3, against=5)`` or
        ``probability(3)`` the number at every place is averaged.
    where
        None for the places where the class wins, all of them if it wins nowhere. ``"all"`` for the
        whole output. A box (left, top, right, bottom), or a mask, true or larger where it counts:
        in pixels of the picture for `explain`, of the network's input for `maps`. A mask may also
        have the shape of the output's own grid.

    Raises
    ------
    UnknownTarget
        For a region that is empty or of another shape.
    """
    choice = which if isinstance(which, Choice) else category(which)
    if choice.over:
        raise UnknownTarget(
            f"{choice.label} says itself which places it is about. Give the class, and one region."
        )
    if not (where is None or isinstance(where, str)):
        where = numbers(where, "A region is 'all', a box (left, top, right, bottom) or a mask")
    named = "" if where is None else f", {_named(where)}"

    def pick(answer: Answer) -> Target:
        if answer.form.boxes is not None:
            raise UnknownTarget(
                "A region needs a network that answers a score for every place; this one answers "
                "boxes. Say which with box(where, which), on the command line box:1,2,30,40:CLASS."
            )
        if answer.form == ROW:
            raise UnknownTarget(
                "A region needs a network that answers a score for every place, as in "
                "segmentation; this one answers one score a class. Give the class alone."
            )
        fixed = choice if choice.settled is None else choice.settled(answer)
        first = fixed(answer.at(answer.per_place.mean(axis=1)))
        weights, said = _places(where, answer, first.index if first.first is None else first.first)
        own = fixed(answer.at((answer.per_place * weights).sum(axis=1)))
        return over(own, weights, answer, label=f"{own.label} {said}".strip())

    return Choice(f"region({choice.label}{named})", pick, over=True)


def over(own: Target, weights: Weights, answer: Answer, *, label: str) -> Target:
    """y = Σ_p w_p y_p, with the target's own number y_p at every place p."""
    used = np.flatnonzero(weights)
    places, units = answer.form.places, answer.units

    def each(rows: Scores) -> Float32[np.ndarray, "at_places units"]:
        """One row for every image and place used."""
        at = rows[:, : units * places].reshape(len(rows), units, places)[:, :, used]
        return np.moveaxis(at, 1, 2).reshape(-1, units)

    def value(rows: Scores) -> Values:
        found = own.value(each(rows)).reshape(len(rows), len(used))
        return np.einsum("np,p->n", found, weights[used])

    def cotangent(rows: Scores) -> Scores:
        pulled = own.cotangent(each(rows)).reshape(len(rows), len(used), units)
        full = np.zeros(rows.shape, np.float32)
        at = full[:, : units * places].reshape(len(rows), units, places)
        at[:, :, used] = np.moveaxis(pulled * weights[used, None], 2, 1)
        full[:, : units * places] = at.reshape(len(rows), -1)
        return full

    return Target(label, value, cotangent, own.index, own.bounded, own.first)


def _places(where: Where, answer: Answer, index: int | None) -> tuple[Weights, str]:
    """Weight of each place, 1 in all, and the region in words."""
    grid = answer.form.grid
    if where is None and index is not None:
        won = (answer.winners == index).astype(np.float32)
        if won.any():
            return won / won.sum(), ""
        return np.full(answer.form.places, 1 / won.size, np.float32), "everywhere (it wins nowhere)"
    if where is None or isinstance(where, str):
        if where not in (None, "all"):
            raise UnknownTarget(
                f"A region is 'all', a box (left, top, right, bottom) or a mask; received "
                f"{where!r}."
            )
        places = answer.form.places
        return np.full(places, 1 / places, np.float32), "everywhere"
    array = np.asarray(where, np.float32)  # `region` has read it already
    if array.shape == grid:
        weights = np.maximum(array, 0)
    elif answer.seen is not None and array.shape == answer.seen.size:
        weights = masked(np.maximum(array, 0), grid, answer.seen)
    elif answer.seen is not None and array.shape == (2 * len(grid),):
        weights = boxed(array.tolist(), grid, answer.seen)
    else:
        raise UnknownTarget(_misshapen(array, answer))
    if not weights.sum() > 0:
        raise UnknownTarget(
            f"The region {_named(where)} covers no place of what the network saw. "
            + (f"It saw {_spans(answer.seen)}." if answer.seen else "The mask is empty.")
        )
    return (weights / weights.sum()).astype(np.float32).ravel(), f"in {_named(where)}"


def masked(
    mask: Float32[np.ndarray, "*picture"], grid: Sequence[int], seen: Seen
) -> Float32[np.ndarray, "*grid"]:
    """Share of each place of the grid that a mask of the picture covers."""
    for axis, (places, pixels, span) in enumerate(zip(grid, seen.size, seen.spans, strict=True)):
        edges = np.arange(pixels + 1.0)
        shares = _shares(places, span, edges[:-1], edges[1:])
        mask = np.moveaxis(np.tensordot(mask, shares, axes=(axis, 1)), -1, axis)
    return mask.astype(np.float32)


def boxed(
    box: Sequence[int | float], grid: Sequence[int], seen: Seen
) -> Float32[np.ndarray, "*grid"]:
    """Share of each place of the grid that a box of the picture covers; columns are named first."""
    starts, stops = box[: len(grid)][::-1], box[len(grid) :][::-1]
    weights = np.ones((), np.float32)
    for places, span, start, stop in zip(grid, seen.spans, starts, stops, strict=True):
        shares = _shares(places, span, np.array([start]), np.array([stop]))[:, 0]
        weights = np.multiply.outer(weights, shares)
    return weights.astype(np.float32)


def _shares(
    places: int,
    span: tuple[float, float],
    starts: Shaped[np.ndarray, " pixels"],
    stops: Shaped[np.ndarray, " pixels"],
) -> Shaped[np.ndarray, "places pixels"]:
    """Share of each place, side by side in the span, that lies between each start and stop."""
    edges = np.linspace(*span, places + 1)
    left = np.maximum(edges[:-1, None], starts)
    right = np.minimum(edges[1:, None], stops)
    return np.maximum(right - left, 0) * (places / (span[1] - span[0]))


def _named(where: Where) -> str:
    if where is None or isinstance(where, str):
        return str(where)
    array = np.asarray(where)
    if array.ndim == 1 and array.size <= 6:
        return f"({', '.join(f'{edge:g}' for edge in array)})"
    return f"a mask of {'x'.join(map(str, array.shape))}"


def _misshapen(array: Shaped[np.ndarray, "..."], answer: Answer) -> str:
    grid = "x".join(map(str, answer.form.grid))
    picture = (
        f", or one of {'x'.join(map(str, answer.seen.size))} as the picture, or a box (left, top, "
        "right, bottom)"
        if answer.seen
        else ""
    )
    return (
        f"A mask of {grid} is needed, which is the grid of the network's output{picture}; received "
        f"an array of shape {array.shape}."
    )


def _spans(seen: Seen) -> str:
    return " x ".join(f"{start:g} to {stop:g}" for start, stop in seen.spans) + " (rows x columns)"
