"""Targets of a detector that depend on its choice among boxes: all that it found, and the one that
it dropped.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from xai_heatmap.core.boxes.box import (
    LEAST,
    check_class,
    check_detector,
    check_seen,
    edges_of,
    held_in,
)
from xai_heatmap.core.boxes.chosen import check_scored
from xai_heatmap.core.boxes.detections import (
    SAME,
    Detection,
    at_box,
    corners_of,
    detection,
    detections,
    evidence_of,
    likeliest,
    probabilities,
)
from xai_heatmap.core.boxes.overlap import Box, overlaps
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer, Seen
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.target import Choice, Choices, Target

MOST = 100
"""Detections that are explained at once, at most, where nobody says how many."""


def boxes(
    min_score: int | float = 0.25, which: int | str | None = None, *, most: int = MOST
) -> Choices:
    """Every detection of a picture: boxes whose likeliest class is at least that probable.

    Boxes of one class that overlap by half or more count once. Each is a target as `box` makes one,
    and all are explained from one forward pass. They are numbered from 1, the likeliest first: the
    number stands in its label and in its picture, and ``box(number)`` is that detection alone.

    Parameters
    ----------
    min_score
        Lowest probability of a detection, in [0, 1].
    which
        A class by number or name: its detections alone. They keep their numbers.
    most
        Number of detections at most; the likeliest are kept.

    Raises
    ------
    UnknownTarget
        At once for a score that is no probability; else where nothing is found: with the likeliest
        box there is.
    """
    _check_probability(min_score)
    if not isinstance(cast("object", most), int) or most < 1:
        raise UnknownTarget(f"most is a number of detections from 1 up; received {most!r}.")

    def pick(answer: Answer) -> Sequence[Target]:
        check_detector(answer)
        index = None if which is None else answer.index(which)
        every = found_in(answer, min_score, most=most if index is None else None)
        found = [one for one in every if index in (None, one.index)][:most]
        if not found:
            raise UnknownTarget(_nothing_found(answer, index, min_score))
        z = evidence_of(answer)
        return [
            held_in(answer, one, category(one.index)(at_box(answer, z[one.query]))) for one in found
        ]

    def check(_: Seen, labels: Sequence[str]) -> None:
        if labels and which is not None:
            check_class(which, labels)

    parts = [f"min_score={min_score:g}"] + ([] if which is None else [f"which={which!r}"])
    return Choices(f"boxes({', '.join(parts)})", pick, check)


def found_in(answer: Answer, min_score: int | float, *, most: int | None = None) -> list[Detection]:
    """Detections of at least that probability, numbered from 1, the likeliest first."""
    sure = int((likeliest(answer)[0] >= min_score).sum())
    every = detections(answer, sure if most is None else min(sure, most))
    likely = [one for one in every if one.probability >= min_score]
    return [replace(one, number=number) for number, one in enumerate(likely, 1)]


def suppressed(
    where: Sequence[int | float], which: int | str | None = None, *, min_score: int | float = 0.25
) -> Choice:
    """Score of the best box near a place that is no detection: "why is nothing found here?".

    The target is what speaks for that box's class: a method that keeps its sign shows what speaks
    against it. The explanation's `detection` says why it was dropped: its probability is too low,
    or a likelier box of its class covers it.

    Parameters
    ----------
    where
        Left, top, right, bottom in pixels of the picture.
    which
        A class by number or name; None for the likeliest of each box.
    min_score
        Probability from which on a box is a detection, in [0, 1].

    Raises
    ------
    UnknownTarget
        Where the best box at this place is a detection, or no box lies near.
    """
    edges = edges_of(where)
    _check_probability(min_score)

    def pick(answer: Answer) -> Target:
        check_detector(answer)
        found = _dropped(answer, edges, which, min_score)
        own = category(found.index)(at_box(answer, evidence_of(answer)[found.query]))
        return held_in(answer, found, own)

    def check(seen: Seen, labels: Sequence[str]) -> None:
        check_seen(edges, seen)
        if labels and which is not None:
            check_class(which, labels)

    named = f"({', '.join(f'{edge:g}' for edge in edges)})"
    more = "" if which is None else f", which={which!r}"
    return Choice(f"suppressed({named}{more})", pick, over=True, check=check)


def _dropped(
    answer: Answer, where: Box, which: int | str | None, min_score: int | float
) -> Detection:
    """The likeliest box among those that overlap the place most, with why it is no detection."""
    all_boxes = corners_of(answer)
    index = None if which is None else answer.index(which)
    p, own = likeliest(answer)
    if index is not None:
        p, own = probabilities(evidence_of(answer), answer)[:, index], [index] * len(p)
    overlap = overlaps(where, all_boxes)
    highest = float(overlap.max())
    if highest < LEAST:
        raise UnknownTarget(
            f"None of the detector's {counted(answer.form.places, 'box')} lies at this "
            "place: the nearest "
            f"overlaps it by {math.floor(100 * highest)} %. Choose a place nearer to a box."
        )
    best = int(np.where(overlap >= min(SAME, highest), p, -np.inf).argmax())
    found = found_in(answer, min_score)
    same = [one for one in found if one.query == best and one.index == own[best]]
    if same:
        raise UnknownTarget(
            f"Something is found at this place: {same[0]}. xai_heatmap.box({same[0].number}) "
            "explains it."
        )
    over = [
        (float(overlaps(all_boxes[best], np.array([one.box], np.float32))[0]), one)
        for one in found
        if one.index == own[best] and p[best] >= min_score
    ]
    share, above = max(over, key=lambda pair: pair[0], default=(0.0, None))
    why = (
        f"its probability {p[best]:.3g} is below {min_score:g}"
        if above is None
        else f"number {above.number}, {above}, overlaps it by {share:.0%}"
    )
    made = detection(answer, best, own[best], all_boxes[best], float(p[best]), float(overlap[best]))
    return replace(made, dropped=why)


def _check_probability(min_score: int | float) -> None:
    given = cast("object", min_score)
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not (number and 0 <= min_score <= 1):
        raise UnknownTarget(
            f"min_score is a probability in [0, 1], such as 0.25; received {min_score!r}."
        )


def _nothing_found(answer: Answer, index: int | None, min_score: int | float) -> str:
    check_scored(answer, -np.inf if likeliest(answer)[0].max() < 0 else 0.0)
    p, _ = likeliest(answer)
    every = detections(answer, MOST)
    own = [one for one in every if index in (None, one.index)]
    what = "a box" if index is None else f"a box of {answer.label(index)}"
    if not own:
        return f"Nothing is found: {what} is the likeliest class nowhere. Leave the class out."
    rounded = math.floor(100 * own[0].probability) / 100
    return (
        f"Nothing is found with a probability of {min_score:g} or more; the likeliest of "
        f"{counted(len(p), 'box')} is {own[0]}. Write xai_heatmap.boxes(min_score={rounded:g})."
    )
