"""Detections: boxes in the picture, and what speaks for each class in each box."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores
from xai_heatmap.core.boxes.overlap import Box, BoxRows, overlaps
from xai_heatmap.core.boxes.spec import BoxForm
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import ROW, Answer, Form, Meaning, Seen
from xai_heatmap.core.targets.classes import sigmoid, softmax

Said = Float32[np.ndarray, "m numbers"]
"""Numbers of a detector for each box: the scores, and the objectness where there is one."""

Evidence = Float32[np.ndarray, "m classes"]
"""One number a class for each box."""

CORNERS = {
    "xyxy": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
    "cxcywh": [[1, 0, -0.5, 0], [0, 1, 0, -0.5], [1, 0, 0.5, 0], [0, 1, 0, 0.5]],
    "xywh": [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]],
}
"""Left, top, right and bottom out of the four numbers of a box."""

EDGE = 1e-7
"""Smallest distance from 0 and from 1 that a probability is counted with."""

NOTHING = 2 * EDGE
"""Probability up to which a place for a detection is one that the model left empty."""

SAME = 0.5
"""Overlap from which on two boxes of one class are one detection."""


@dataclass(frozen=True)
class Detection:
    """A box that a detector answers.

    Parameters
    ----------
    box
        Left, top, right, bottom in pixels of the picture.
    index, label
        The class that it is explained for, or else its likeliest.
    probability
        Of that class.
    query
        Which of the detector's boxes it is.
    overlap
        With the box that was asked for; None where none was.
    number
        Its number among all that was found, from 1; None where it was not counted.
    dropped
        Why it is no detection, in words; empty for one that is.
    """

    box: tuple[float, float, float, float]
    index: int
    label: str
    probability: float
    query: int
    overlap: float | None = None
    number: int | None = None
    dropped: str = ""

    @property
    def where(self) -> str:
        """The box in whole pixels."""
        return f"[{' '.join(f'{edge:.0f}' for edge in self.box)}]"

    def __str__(self) -> str:
        return f"{self.label} {self.probability:.3f} in {self.where}"


def box_form(form: Form) -> BoxForm:
    """Layout of the boxes in a row of scores; a ValueError where the places are no boxes."""
    if form.boxes is None:
        raise ValueError("the places are no boxes")
    return form.boxes


def said(rows: Scores, form: Form) -> Float32[np.ndarray, "n numbers boxes"]:
    """Scores of the classes of every box, and its objectness where there is one, image by image."""
    numbers = rows.shape[1] // form.places - 4 - box_form(form).parts
    return rows[:, : numbers * form.places].reshape(len(rows), numbers, form.places)


def corners(rows: Scores, form: Form, seen: Seen | None) -> Float32[np.ndarray, "n boxes 4"]:
    """Left, top, right, bottom of every box in pixels of the picture."""
    numbers = rows[:, -4 * form.places :].reshape(len(rows), 4, form.places)
    turned, start = to_picture(box_form(form), seen)
    return (np.einsum("njd,ij->ndi", numbers, turned) + start).astype(np.float32)


def to_picture(
    form: BoxForm, seen: Seen | None
) -> tuple[Float32[np.ndarray, "4 4"], Float32[np.ndarray, "4"]]:
    """The matrix, and what is added, that make a box of the picture of four numbers."""
    (top, bottom), (left, right) = seen.spans if seen else ((0.0, 1.0), (0.0, 1.0))
    rows, columns = form.whole
    scale = np.tile([(right - left) / columns, (bottom - top) / rows], 2)
    turned = scale[:, None] * np.array(CORNERS[form.order])
    return turned.astype(np.float32), np.array([left, top, left, top], np.float32)


def evidence(numbers: Said, form: Form, meaning: Meaning) -> Evidence:
    """z of every class: the logit, s or s + o; of probabilities p = s · o log p where classes
    exclude each other and log p - log(1 - p) where they do not, or p as it stands.
    """
    scores, object_ = _apart(numbers, form)
    if meaning == "logits":
        return scores if object_ is None else scores + object_
    p = scores if object_ is None else scores * object_
    if meaning == "probabilities":
        return p
    p = np.clip(p, EDGE, None if meaning == "log-probabilities" else 1 - EDGE)
    return np.log(p) if meaning == "log-probabilities" else np.log(p) - np.log1p(-p)


def pulled(numbers: Said, slopes: Evidence, form: Form, meaning: Meaning) -> Said:
    """∂⟨slopes, z⟩ by the numbers."""
    scores, object_ = _apart(numbers, form)
    if meaning == "logits":
        parts = [slopes] if object_ is None else [slopes, slopes.sum(axis=1, keepdims=True)]
        return np.concatenate(parts, axis=1)
    if meaning != "probabilities":
        p = np.maximum(scores if object_ is None else scores * object_, EDGE)
        rest = np.maximum(1 - p, EDGE)
        slopes = slopes / (p if meaning == "log-probabilities" else p * rest)
    if object_ is None:
        return slopes
    return np.concatenate([slopes * object_, (slopes * scores).sum(axis=1, keepdims=True)], axis=1)


def _apart(numbers: Said, form: Form) -> tuple[Evidence, Float32[np.ndarray, "m 1"] | None]:
    return (numbers[:, :-1], numbers[:, -1:]) if box_form(form).objectness else (numbers, None)


def exclusive(answer: Answer) -> bool:
    """Whether the classes of a box exclude each other."""
    return answer.meaning == "log-probabilities" or box_form(answer.form).background is not None


def probabilities(evidence: Evidence, answer: Answer) -> Evidence:
    """Probability of every class in every box."""
    if answer.meaning == "probabilities":
        return evidence
    return softmax(evidence) if exclusive(answer) else sigmoid(evidence)


def evidence_of(answer: Answer) -> Evidence:
    """z of every box of an answer."""
    numbers, form = said(answer.scores[None], answer.form)[0].T, answer.form
    return answer.once("evidence", lambda: evidence(numbers, form, answer.meaning))


def corners_of(answer: Answer) -> BoxRows:
    """Every box of an answer, in pixels of the picture."""
    rows, form, seen = answer.scores[None], answer.form, answer.seen
    return answer.once("corners", lambda: corners(rows, form, seen)[0])


def at_box(answer: Answer, numbers: ScoreRow) -> Answer:
    """The answer of one box alone, which has this evidence."""
    named = tuple(answer.label(index) for index in range(answer.classes))
    stands = answer.meaning == "probabilities"
    return replace(
        answer,
        scores=numbers,
        labels=named,
        form=ROW,
        seen=None,
        kind="classes" if exclusive(answer) else "boxes",
        meaning="probabilities" if stands else "logits",
    )


def likeliest(answer: Answer) -> tuple[ScoreRow, Sequence[int]]:
    """Probability of the likeliest class of every box, and that class; "nothing here" is none."""

    def made() -> tuple[ScoreRow, Sequence[int]]:
        p = probabilities(evidence_of(answer), answer).copy()
        background = box_form(answer.form).background
        if background is not None and p.shape[1] > 1:
            p[:, background] = -1
        if box_form(answer.form).chosen:  # what no detection fills is none
            p[p <= NOTHING] = -1
        return p.max(axis=1), p.argmax(axis=1).tolist()

    return answer.once("likeliest", made)


def detections(answer: Answer, most: int) -> list[Detection]:
    """The likeliest boxes, most likely first; of a class those that overlap by half count once."""
    boxes, (p, own) = corners_of(answer), likeliest(answer)
    left, classes = p > -1 if box_form(answer.form).chosen else p > -np.inf, np.array(own)
    found: list[Detection] = []
    while len(found) < most and left.any():
        best = int(np.where(left, p, -np.inf).argmax())
        found.append(detection(answer, best, own[best], boxes[best], float(p[best])))
        left &= (classes != own[best]) | (overlaps(boxes[best], boxes) < SAME)
        left[best] = False
    return found


def detection(
    answer: Answer,
    query: int,
    index: int,
    box: Box,
    probability: float,
    overlap: float | None = None,
) -> Detection:
    """Detection of one box, with the facts about that box."""
    left, top, right, bottom = map(float, box)
    return Detection(
        (left, top, right, bottom), index, answer.label(index), probability, query, overlap
    )
