"""A target at one place of networks that score many: segmentation, depth, detection heads."""

from numbers import Integral
from typing import Any

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import ROW, Answer
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.region import over
from xai_heatmap.core.targets.target import Choice, Target


def place(which: int | str | Choice, *at: int) -> Choice:
    """A class at one place: y = s_cp, of a network that answers a score for every class and place.

    ``target=(3, 10, 20)`` is the same as ``place(3, 10, 20)``.

    Parameters
    ----------
    which
        A class by number or name, or any choice, such as ``contrast(3, against=5)``.
    at
        The place on the grid of the network's output, one number for each of its axes: row and
        column of a picture's; from the end if negative.

    Raises
    ------
    UnknownTarget
        If the network answers no such grid, or the place lies outside of it.
    """
    choice = which if isinstance(which, Choice) else category(which)
    if choice.over:
        raise UnknownTarget(
            f"{choice.label} says itself which places it is about. Give the class, and one place."
        )
    where = tuple(_whole(one) for one in at)
    if not where:
        raise UnknownTarget("A place has a number for each axis: place(3, 10, 20).")

    def pick(answer: Answer) -> Target:
        grid = answer.form.grid
        if answer.form.boxes is not None or answer.form == ROW or len(grid) != len(where):
            raise UnknownTarget(
                f"The target ({', '.join(map(str, (which, *where)))}) is a class at one place of "
                f"{counted(len(where), 'axis', 'axes')}; the network answers "
                f"{_said(answer)}. Give the class alone"
                + (
                    f", or a place of {counted(len(grid), 'axis', 'axes')}: (class, "
                    f"{_example(grid)})."
                    if grid and answer.form.boxes is None
                    else "."
                )
            )
        if any(not -length <= one < length for one, length in zip(where, grid, strict=True)):
            raise UnknownTarget(
                f"The network answers {'x'.join(map(str, grid))} places; there is none at "
                f"{where}, counted from 0."
            )
        weights = np.zeros(grid, np.float32)
        weights[where] = 1
        number = int(weights.argmax())
        own = choice(answer.at(answer.per_place[:, number]))
        found = ", ".join(map(str, np.unravel_index(number, grid)))
        return over(own, weights.ravel(), answer, label=f"{own.label} at ({found})")

    return Choice(f"place({choice.label}, {', '.join(map(str, where))})", pick, over=True)


def of_tuple(given: tuple[Any, ...]) -> Choice:
    """The choice that a tuple says: a class, and a place where the network scores many.

    Raises
    ------
    UnknownTarget
        For one that is empty.
    """
    if not given:
        raise UnknownTarget("A target is empty. Give a class, or (class, row, column).")
    which, *at = given
    return place(which, *at) if at else category(which)


def _whole(one: Any) -> int:
    if isinstance(one, bool) or not isinstance(one, Integral):
        raise UnknownTarget(
            f"A place is given by whole numbers, counted from 0; received {one!r}. Write "
            "target=(class, row, column), such as (3, 10, 20)."
        )
    return int(one)


def _example(grid: tuple[int, ...]) -> str:
    return ", ".join(str(length // 2) for length in grid)


def _said(answer: Answer) -> str:
    if answer.form.boxes is not None:
        return "boxes"
    if answer.form == ROW:
        return "one score a class"
    return f"scores at {'x'.join(map(str, answer.form.grid))} places"
