"""A target that is one box of a detector: why this box, and why this class in it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any, cast

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.boxes.chosen import check_scored, moving
from xai_heatmap.core.boxes.detections import (
    Detection,
    at_box,
    box_form,
    corners_of,
    detection,
    detections,
    evidence,
    evidence_of,
    likeliest,
    probabilities,
    pulled,
    said,
)
from xai_heatmap.core.boxes.overlap import Box, overlaps
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer, Seen
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.classes import class_index
from xai_heatmap.core.targets.numbers import numbers
from xai_heatmap.core.targets.target import Choice, Target

AS_GOOD = 0.1
"""Boxes whose overlap is that near to the best are taken for the same; the score decides."""

LEAST = 0.1
"""A box that overlaps less is not the one that is meant."""

NAMED = 5
"""Number of detections that are named where the wanted one is missing."""


def box(
    where: Sequence[int | float] | int | None = None,
    which: int | str | Choice | None = None,
    *,
    held: bool = True,
) -> Choice:
    """Score of one detected box: y = z_qc, what speaks for class c in the detector's box q.

    The box q is chosen once, by what the network answers to the picture itself, and then held: it
    is the one that overlaps `where` most, and of those within a tenth of that the one with the
    highest score. z is the logit: the network's own score, or the logit of a score that comes out
    as a probability. Every method then explains one and the same number, and it has a gradient.

    Parameters
    ----------
    where
        Left, top, right, bottom in pixels of the picture for `explain`, of the network's input for
        `maps`. A whole number for the detection of that number, as `boxes` counts them, 1 for the
        likeliest. None for the box where the class scores highest.
    which
        A class by number or name, or any choice, such as ``contrast(3, against=5)``: its number in
        that box. None for the likeliest class of the box; without `where` the best detection.
    held
        False: y = max_q IoU(where, b_q) · p_qc instead, over all boxes of whatever picture the
        network is shown, as D-RISE measures (Petsiuk et al. 2021). A detection that passes from
        one box to its neighbour when something is hidden then counts as kept; and the gradient is
        also that of the box's place. Of one class only.

    Raises
    ------
    UnknownTarget
        At once for a box without area, or a number below 1; before the network runs for one that
        lies outside of the picture or of what the network sees of it; else where no box of the
        detector is near it.
    """
    number, edges = place_of(where)
    choice = which if which is None or isinstance(which, Choice) else category(which)
    if choice is not None and choice.over:
        raise UnknownTarget(
            f"{choice.label} says itself what it is over. Give the class, and one box."
        )

    def pick(answer: Answer) -> Target:
        check_detector(answer)
        found, own = meant(answer, number if edges is None else edges, choice)
        return held_in(answer, found, own) if held else moving(answer, found, edges)

    def check(seen: Seen, labels: Sequence[str]) -> None:
        if edges is not None:
            check_seen(edges, seen)
        if labels and isinstance(which, int | str):
            check_class(which, labels)

    parts = [f"({_listed(edges)})"] if edges is not None else []
    parts += [] if number is None else [str(number)]
    parts += [f"which={choice.label}"] if choice is not None else []
    parts += [] if held else ["held=False"]
    return Choice(f"box({', '.join(parts)})", pick, over=True, check=check)


def meant(
    answer: Answer, where: Box | int | None, choice: Choice | None
) -> tuple[Detection, Target]:
    """Detection that is meant by a place, by a number or by neither, and the target in its box."""
    if isinstance(where, int):
        return _numbered(answer, where, choice)
    return _found(answer, where, choice)


def ranked(rank: int) -> Choice:
    """The detection ranked `rank`, overlapping ones of a class counted once, by its class."""

    def pick(answer: Answer) -> Target:
        found, own = _numbered(answer, rank, None, said="top")
        return held_in(answer, found, own)

    return Choice(f"top({rank})", pick, over=True)


def _numbered(
    answer: Answer, number: int, choice: Choice | None, *, said: str = "box"
) -> tuple[Detection, Target]:
    """Detection of that number, counted from the likeliest, and the target in its box."""
    every = detections(answer, number) if number >= 1 else []
    if len(every) < number or number < 1:
        check_scored(answer, -np.inf if number == 1 else 0.0)
        most = len(detections(answer, answer.form.places))
        raise UnknownTarget(
            f"{said}({number}) needs a rank from 1 to {most}: so many boxes of the detector are "
            "apart from each other."
        )
    found = replace(every[-1], number=number if said == "box" else None)
    z = evidence_of(answer)[found.query]
    own = (choice or category(found.index))(at_box(answer, z))
    if choice is not None:
        index = found.index if own.index is None else own.index
        index = index if own.first is None else own.first
        share = float(probabilities(z[None], answer)[0, index])
        found = replace(found, index=index, label=answer.label(index), probability=share)
    return found, own


def _found(answer: Answer, where: Box | None, choice: Choice | None) -> tuple[Detection, Target]:
    """Detection of the box that is meant, and the target in that box."""
    z, boxes = evidence_of(answer), corners_of(answer)
    p, own_class = likeliest(answer)
    overlap = None if where is None else overlaps(where, boxes)
    first = int(p.argmax() if overlap is None else overlap.argmax())
    own = None if choice is None else choice(at_box(answer, z[first]))
    index = None if own is None else own.index if own.first is None else own.first
    by = p if index is None else z[:, index]
    if overlap is not None:
        _check_near(answer, where, float(overlap[first]))
        by = np.where(overlap >= overlap[first] - AS_GOOD, by, -np.inf)
    query = int(by.argmax()) if own is None or index is not None else first
    shown = own_class[query] if index is None else index
    check_scored(answer, float(z[query, shown]), None if own is None else shown)
    target = (choice or category(shown))(at_box(answer, z[query]))
    share = float(probabilities(z[query : query + 1], answer)[0, shown])
    near = None if overlap is None else float(overlap[query])
    return detection(answer, query, shown, boxes[query], share, near), target


def held_in(answer: Answer, found: Detection, own: Target) -> Target:
    """y of the target's own number in the one box; of boxes that the model chose, of which every
    picture has others, p of the class in the box that is most like it.
    """
    form, meaning = answer.form, answer.meaning
    if box_form(form).chosen:
        if own.index is None or own.first is not None:
            raise UnknownTarget(
                "The model answers the score of one class alone for each box that it chose, so "
                f"there is no {own.label}. Give a class: box(NUMBER, CLASS)."
            )
        return moving(answer, found, None, held=True)

    def value(rows: Scores) -> Values:
        return own.value(evidence(said(rows, form)[:, :, found.query], form, meaning))

    def cotangent(rows: Scores) -> Scores:
        numbers = said(rows, form)[:, :, found.query]
        slope = own.cotangent(evidence(numbers, form, meaning))
        full = np.zeros(rows.shape, np.float32)
        said(full, form)[:, :, found.query] = pulled(numbers, slope, form, meaning)
        return full

    number = "" if found.number is None else f"#{found.number} "
    label = f"{number}{own.label} in {found.where}"
    return replace(
        own, label=label, value=value, cotangent=cotangent, detection=found, weights=None
    )


def check_detector(answer: Answer) -> None:
    """Refuse a network that answers no boxes."""
    if answer.form.boxes is None:
        raise UnknownTarget(
            "A box needs a network that answers boxes with scores, as detectors do; this one does "
            "not, or nobody said so: xai_heatmap.network(model, answers='boxes'). Of a network "
            "that scores every place it is region(..., where=box)."
        )


def place_of(where: object) -> tuple[int | None, Box | None]:
    """The number of a detection, or left, top, right and bottom; neither for the likeliest.

    Raises
    ------
    UnknownTarget
        For a number below 1, and for what is no box.
    """
    if where is None:
        return None, None
    if isinstance(where, bool | np.bool_) or not isinstance(where, Integral):
        return None, edges_of(cast("Any", where))
    if where < 1:
        raise UnknownTarget(
            f"Detections are counted from 1, the likeliest; received {where}. Without a number the "
            "likeliest is meant."
        )
    return int(where), None


def edges_of(where: Sequence[int | float]) -> Box:
    """Left, top, right and bottom as they were given, of a box with an area."""
    edges = numbers(where, "A box is (left, top, right, bottom) in pixels")
    whole = edges.shape == (4,) and bool(np.isfinite(edges).all())
    if not (whole and edges[0] < edges[2] and edges[1] < edges[3]):
        raise UnknownTarget(
            "A box is (left, top, right, bottom) in pixels, with left < right and top < bottom; "
            f"received {where!r}."
        )
    return edges


def check_seen(edges: Box, seen: Seen) -> None:
    """The box has to reach into the picture, and into what the network sees of it."""
    rows, columns = seen.size
    (top, bottom), (left, right) = seen.spans
    inside = (max(left, 0), max(top, 0), min(right, columns), min(bottom, rows))
    whole = (0, 0, columns, rows)
    for area, what, more in (
        (whole, f"the picture, which is {columns} x {rows}", ""),
        (inside, "what the network sees of it", " fit='letterbox' or 'stretch' shows it all."),
    ):
        if not (
            max(edges[0], area[0]) < min(edges[2], area[2])
            and max(edges[1], area[1]) < min(edges[3], area[3])
        ):
            raise UnknownTarget(
                f"A box inside of the picture is needed; ({_listed(edges)}) lies outside of {what}:"
                f" ({', '.join(f'{edge:g}' for edge in area)}) as left, top, right, bottom.{more}"
            )


def check_class(which: int | str, labels: Sequence[str]) -> None:
    """A class has to be among those with a name, or the one after them for "nothing here"."""
    if isinstance(which, str) or not -len(labels) - 1 <= which <= len(labels):
        class_index(which, count=len(labels), labels=labels)


def _check_near(answer: Answer, where: Box | None, overlap: float) -> None:
    if overlap < LEAST and where is not None:
        there = "; ".join(map(str, detections(answer, NAMED)))
        raise UnknownTarget(
            f"None of the detector's {answer.form.places} boxes lies at ({_listed(where)}): the "
            f"nearest overlaps it by {math.floor(100 * overlap)} %. The likeliest are: {there}."
        )


def _listed(edges: Box) -> str:
    return ", ".join(f"{edge:g}" for edge in edges)
