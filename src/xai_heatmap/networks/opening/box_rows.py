"""Recognition of a tensor whose rows are boxes, by its shape and by its numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xai_heatmap.core.boxes.spec import Boxes

STRIDES = (2, 4, 8, 16, 32, 64, 128)
"""Pixels between the places of a level, from the finest level to the coarsest."""

MOST_A_PLACE = 9
"""Boxes at each place, at most: three sizes of three shapes."""

NO_PIXELS = 2.0
"""Limit of coordinates: boxes in pixels exceed it."""

BOX = 4
"""Numbers of a box."""

CHOSEN = 6
"""Numbers of a box that a model chose: the box, the score and the class."""

Numbers = Callable[[Any], np.ndarray | None]
"""Function from a tensor to its numbers; None where there are none yet."""


def covers_levels(count: int, image: Sequence[int]) -> bool:
    """Whether so many boxes are the same number at every place of several levels, each with half
    the places of the one before along every axis.

    >>> covers_levels(16 * 16 + 8 * 8 + 4 * 4, (128, 128)), covers_levels(16 * 16, (128, 128))
    (True, False)
    """
    if len(image) != 2 or None in image:
        return False
    places = [math.prod(math.ceil(side / stride) for side in image) for stride in STRIDES]
    every = (
        sum(places[first:last])
        for first in range(len(places))
        for last in range(first + 2, len(places) + 1)
    )
    return any(count % whole == 0 and 1 <= count // whole <= MOST_A_PLACE for whole in every)


def reads_as_boxes(numbers: np.ndarray) -> bool:
    """Whether (n, numbers, boxes) can be boxes in pixels, then probabilities. Sides may be negative
    where a box is nothing: a head that regresses distances freely does not keep them from it.
    """
    if numbers.shape[1] <= BOX or not np.isfinite(numbers).all():
        return False
    first = numbers[:, BOX]
    pixels = float(np.abs(numbers[:, :BOX]).max(initial=0)) > NO_PIXELS
    return pixels and bool((first >= 0).all() and (first <= 1).all())


def reads_as_chosen(numbers: np.ndarray) -> bool:
    """Whether (n, numbers, boxes) can be boxes in pixels, each with one score and the whole number
    of a class. On noise a box may be infinite: its sides are exponentials.
    """
    if numbers.shape[1] < CHOSEN or not np.isfinite(numbers[:, BOX:]).all():
        return False
    score, label = numbers[:, BOX], numbers[:, BOX + 1]
    pixels = float(np.abs(numbers[:, :BOX]).max(initial=0)) > NO_PIXELS
    scored = bool((score >= 0).all() and (score <= 1).all() and (score > 0).any())
    return pixels and scored and bool((label >= 0).all() and (label == np.round(label)).all())


def order_of_chosen(numbers: np.ndarray) -> Boxes:
    """Corners, where those of every box are in order, else centre and sides; in pixels."""
    box = numbers[:, :BOX]
    by_corners = not (box[:, 2:] < box[:, :2]).any()
    return Boxes(order="xyxy" if by_corners else "cxcywh", unit="pixels", chosen=True)


def by_number(numbers: np.ndarray, *, boxes_last: bool) -> np.ndarray:
    """Array (n, numbers, boxes) of a tensor with either axis last."""
    return numbers if boxes_last else np.moveaxis(numbers, 1, 2)


def in_one_tensor(tensor: Any, image: Sequence[int], numbers: Numbers) -> Boxes | None:
    """How a tensor is read whose rows can only be boxes, else None."""
    shape: tuple[Any, ...] = tuple(getattr(tensor, "shape", ()))
    if len(shape) != 3 or any(not isinstance(side, int) for side in shape[1:]):
        return None
    if not (shape[2] >= CHOSEN or shape[1] > BOX) or shape[1] == shape[2]:
        return None
    count = max(shape[1:])
    if not (covers_levels(count, image) or shape[2] < shape[1]):
        return None
    found = numbers(tensor)
    if found is None:
        return None
    if shape[2] < shape[1] and reads_as_chosen(rows := by_number(found, boxes_last=False)):
        return order_of_chosen(rows)
    if not covers_levels(count, image):
        return None
    rows = by_number(found, boxes_last=shape[2] > shape[1])
    return Boxes() if reads_as_boxes(rows) else None


def with_extras(how: Boxes, tensor: Any, numbers: Numbers, *, names: int = 0) -> Boxes:
    """Boxes with the count of the numbers behind the scores, and whether the model chose, where
    nobody said it.

    Numbers behind the scores begin after as many scores as there are names, or else with the first
    that is no probability while those before are.
    """
    shape: tuple[Any, ...] = tuple(getattr(tensor, "shape", ()))
    known = len(shape) == 3 and all(isinstance(side, int) for side in shape[1:])
    if not known or (how.masks is not None and how.chosen is not None):
        return how
    found = None if shape[1] == shape[2] else numbers(tensor)
    if found is None:
        return how
    boxes_last = shape[2] > shape[1]
    rows = by_number(found, boxes_last=boxes_last)
    if how.chosen is None and how.objectness is None and not boxes_last and reads_as_chosen(rows):
        own = order_of_chosen(rows)
        how = replace(own, order=how.order or own.order, unit=how.unit or own.unit, boxes=how.boxes)
    if how.chosen or how.masks is not None:
        points = _points(rows[:, CHOSEN:]) if how.chosen and how.points is None else how.points
        return replace(how, chosen=bool(how.chosen), masks=how.masks or 0, points=points)
    first = BOX + (not boxes_last if how.objectness is None else how.objectness)
    scores = rows[:, first:]
    inside = [bool(((one >= 0) & (one <= 1)).all()) for one in np.moveaxis(scores, 1, 0)]
    classes = len(inside) if all(inside) else inside.index(False)
    nothing = 0 if boxes_last else 1  # where a class may mean that there is nothing
    if names and len(inside) > names + (nothing if all(inside) else 0):
        classes = names
    extras = len(inside) - classes if classes else 0
    points = _points(scores[:, classes:]) if extras and how.points is None else how.points
    return replace(how, masks=extras, chosen=False, points=points)


def _points(extras: np.ndarray) -> int | None:
    """How many key points numbers (n, numbers, boxes) are: two coordinates, of which some are no
    probability, and then a probability.
    """
    if not extras.shape[1] or extras.shape[1] % 3 or not extras.size:
        return None
    likely, others = extras[:, 2::3], np.delete(extras, np.s_[2::3], axis=1)
    inside = bool(((likely >= 0) & (likely <= 1)).all()) and float(np.abs(others).max()) > NO_PIXELS
    return extras.shape[1] // 3 if inside else None
