"""Targets that are a part of a detection: the mask of an instance, a key point of a pose."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.boxes.box import check_class, check_detector, check_seen, meant, place_of
from xai_heatmap.core.boxes.detections import (
    Detection,
    box_form,
    corners,
    evidence,
    said,
)
from xai_heatmap.core.boxes.overlap import overlaps
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import ROW, Answer, Form, Seen
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.target import Choice, Target

Place = Sequence[int | float] | int | None
"""A box in pixels, the number of a detection, or None for the likeliest."""


def instance_mask(where: Place = None, which: int | str | None = None) -> Choice:
    """Mean logit of one detection's mask, y = Σ_p m_p z_p / Σ_p m_p, where m_p is 1 at the places p
    with z_p > 0 and else 0.

    Parameters
    ----------
    where
        As for `box`: left, top, right, bottom in pixels of the picture; the number of a detection;
        None for the likeliest.
    which
        The class of that detection by number or name; None for its likeliest.

    Raises
    ------
    UnknownTarget
        If the network answers no masks beside its boxes, and as for `box`.
    """

    def column(form: Form) -> int:
        if not box_form(form).mask:
            raise UnknownTarget(
                "A mask needs a detector that answers masks beside its boxes, as Mask R-CNN does "
                "in PyTorch and YOLO-seg there and in ONNX (of opset 12 or newer); this one "
                "answers none that is known. "
                "xai_heatmap.box(...) explains the box alone."
            )
        return box_form(form).points

    return _part(where, which, column, "mask", "instance_mask")


def keypoint(point: int, where: Place = None, which: int | str | None = None) -> Choice:
    """Score of a key point at its place.

    Of a detector it is the score that a detection has for the key point; of a network that answers
    a map of scores for each key point, (points, rows, columns), the score at the place where that
    map is highest for the picture, which is then held.

    Parameters
    ----------
    point
        Number of the key point, from 0.
    where, which
        As for `instance_mask`; of a detector alone.

    Raises
    ------
    UnknownTarget
        If the network has no such key point, and as for `box`.
    """
    number = cast("object", point)
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or number < 0:
        raise UnknownTarget(f"A key point is a whole number from 0 up; received {point!r}.")

    def column(form: Form) -> int:
        _check_point(point, box_form(form).points)
        return point

    in_box = _part(where, which, column, f"key point {point}", f"keypoint({point}) of ")

    def pick(answer: Answer) -> Target:
        if answer.form.boxes is not None or answer.form == ROW:
            return in_box.pick(answer)
        _check_point(point, answer.units)
        return _highest(answer, point)

    return Choice(in_box.label, pick, over=True, check=in_box.check)


def _check_point(point: int, count: int) -> None:
    if point >= count:
        known = f"has {count}, 0 to {count - 1}" if count else "answers none that is known"
        raise UnknownTarget(
            f"There is no key point {point}: this network {known}. They are read where scores of "
            "key points stand behind those of the classes (YOLO-pose), as keypoints_scores of a "
            "list of detections, or as one map of scores for each."
        )


def _highest(answer: Answer, point: int) -> Target:
    """Score at the place where a key point's map is highest."""
    places = answer.form.places
    best = int(answer.per_place[point].argmax())
    at = point * places + best

    def cotangent(rows: Scores) -> Scores:
        full = np.zeros(rows.shape, np.float32)
        full[:, at] = 1
        return full

    where = ", ".join(map(str, np.unravel_index(best, answer.form.grid)))
    return Target(f"key point {point} at place ({where})", lambda rows: rows[:, at], cotangent)


def _part(
    where: Place,
    which: int | str | None,
    column: Callable[[Form], int],
    name: str,
    written: str,
) -> Choice:
    """Choice of the score of one part of a detection, in the column that its form tells."""
    number, edges = place_of(where)
    choice = None if which is None else category(which)

    def pick(answer: Answer) -> Target:
        check_detector(answer)
        part = column(answer.form)
        found, _ = meant(answer, number if edges is None else edges, choice)
        return _score(answer, found, part, name)

    def check(seen: Seen, labels: Sequence[str]) -> None:
        if edges is not None:
            check_seen(edges, seen)
        if labels and which is not None:
            check_class(which, labels)

    place = where if number is None else number
    return Choice(f"{written}({place!r}, {which!r})", pick, over=True, check=check)


def _score(answer: Answer, found: Detection, part: int, name: str) -> Target:
    """Score of a part of a detection; of boxes that the model chose, of the one most like it."""
    form, meaning = answer.form, answer.meaning
    chosen = box_form(form).chosen

    def parts(rows: Scores) -> Float32[np.ndarray, "n boxes"]:
        """View of the part's score for every box."""
        by_number = rows.reshape(len(rows), -1, form.places)
        return by_number[:, by_number.shape[1] - 4 - box_form(form).parts + part]

    def query(row: Scores) -> int | None:
        if not chosen:
            return found.query
        z = evidence(said(row, form)[0].T, form, meaning)
        if found.index >= z.shape[1]:
            return None
        alike = overlaps(np.array(found.box, np.float32), corners(row, form, answer.seen)[0])
        own = alike * (z[:, found.index] > z.min())
        return int(own.argmax()) if own.any() else None

    def value(rows: Scores) -> Values:
        own = [query(row[None]) for row in rows]
        every = zip(parts(rows), own, strict=True)
        return np.array([0 if q is None else row[q] for row, q in every], np.float32)

    def cotangent(rows: Scores) -> Scores:
        full = np.zeros(rows.shape, np.float32)
        for row, pulls in zip(rows[:, None], full[:, None], strict=True):
            if (q := query(row)) is not None:
                parts(pulls)[0, q] = 1
        return full

    number = "" if found.number is None else f"#{found.number} "
    label = f"{name} of {number}{found.label} in {found.where}"
    return Target(label, value, cotangent, found.index, detection=found)
