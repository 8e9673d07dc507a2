"""Targets at a place where a detector, shown something else, may answer another box or none."""

import math

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.boxes.detections import (
    EDGE,
    NOTHING,
    Detection,
    at_box,
    box_form,
    corners,
    detections,
    evidence,
    evidence_of,
    pulled,
    said,
    to_picture,
)
from xai_heatmap.core.boxes.overlap import Box, overlaps, slopes
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import Answer, Form
from xai_heatmap.core.targets.probability import probability
from xai_heatmap.core.targets.target import Target


def of_classes(
    rows: Float32[np.ndarray, "n numbers"], form: Form, classes: int
) -> Float32[np.ndarray, "n more"]:
    """Rows in which boxes that the model chose have a score for at least so many classes; it is 0
    for those of which none was chosen.
    """
    missing = classes - form.classes(rows.shape[1])
    if form.boxes is None or not form.boxes.chosen or missing <= 0:
        return rows
    none = np.zeros((len(rows), missing * form.places), rows.dtype)
    split = -form.boxes.beside * form.places
    return np.concatenate([rows[:, :split], none, rows[:, split:]], axis=1)


def moving(answer: Answer, found: Detection, where: Box | None, *, held: bool = False) -> Target:
    """y = max_q IoU(b, b_q) p_qc over all boxes q of whatever the network is shown, for the class c
    of the box found, and the derivative of y by the scores and by the box of that q.

    With `held` the logit of y, as of any box that is held, and its derivative by the scores alone.
    """
    form, meaning = answer.form, answer.meaning
    logit = held and meaning != "probabilities"
    wanted = np.array(found.box, np.float32) if where is None else where
    own = probability(found.index)(at_box(answer, evidence_of(answer)[found.query]))
    turned, _ = to_picture(box_form(form), answer.seen)

    def parts(row: Scores) -> tuple[Float32[np.ndarray, " d"], Float32[np.ndarray, " d"]]:
        numbers = said(row, form)[0].T
        boxes = corners(row, form, answer.seen)[0]
        known = found.index < numbers.shape[1] - box_form(form).objectness
        p = own.value(evidence(numbers, form, meaning)) if known else np.zeros(len(boxes), "f4")
        return overlaps(wanted, boxes), p

    def value(rows: Scores) -> Values:
        y = np.array([np.prod(parts(row[None]), axis=0).max() for row in rows], np.float32)
        if not logit:
            return y
        y = np.clip(y, EDGE, 1 - EDGE)
        return np.log(y) - np.log1p(-y)

    def cotangent(rows: Scores) -> Scores:
        full = np.zeros(rows.shape, np.float32)
        for row, pulls in zip(rows[:, None], full[:, None], strict=True):
            overlap, p = parts(row)
            q = int((overlap * p).argmax())
            y = float(overlap[q] * p[q])
            if not y:  # nothing is found there
                continue
            steep = 1 / max(y * (1 - y), EDGE) if logit else 1
            numbers = said(row, form)[:, :, q]
            slope = own.cotangent(evidence(numbers, form, meaning)) * overlap[q] * steep
            said(pulls, form)[:, :, q] = pulled(numbers, slope, form, meaning)
            if not held:
                by_corner = slopes(wanted, corners(row, form, answer.seen)[0, [q]])[0] * p[q]
                pulls[0, -4 * form.places :].reshape(4, -1)[:, q] = by_corner @ turned
        return full

    number = "" if found.number is None else f"#{found.number} "
    edges = found.where if where is None else f"[{' '.join(f'{edge:g}' for edge in where)}]"
    label = f"{number}{found.label} {'in' if held else 'found at'} {edges}"
    return Target(label, value, cotangent, found.index, bounded=not logit, detection=found)


def check_scored(answer: Answer, z: float, index: int | None = None) -> None:
    """Refuse a place for a detection that the model left empty."""
    stands = answer.meaning == "probabilities"
    empty = NOTHING if stands else math.log(NOTHING)
    if not box_form(answer.form).chosen or z > empty:
        return
    named = sorted({one.label for one in detections(answer, answer.form.places)})
    if not named:
        raise UnknownTarget(
            "The detector chose no box in this picture. Give one in which it finds something, or "
            "lower the score from which it keeps a box, such as model.roi_heads.score_thresh."
        )
    what = "it" if index is None else answer.label(index)
    raise UnknownTarget(
        f"The detector chose no box of {what} in this picture; it chose some of "
        f"{', '.join(named)}. Give one of these classes, or boxes() for all."
    )
