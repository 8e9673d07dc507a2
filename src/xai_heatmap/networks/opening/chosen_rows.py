"""Conversion of detections that a model chose to one row per image, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Native, Scores
from xai_heatmap.core.boxes.spec import BoxForm
from xai_heatmap.core.errors import NoScores
from xai_heatmap.core.targets.answer import Form
from xai_heatmap.networks.opening.box_rows import BOX, CHOSEN

DETECTIONS = 300
"""Detections of a picture that are kept of a list of any length, at most; the likeliest are."""

MOST_CLASSES = 4096
"""Highest number of a class that is counted on."""


@dataclass(frozen=True)
class ChosenReading:
    """Layout of detections (n, boxes, 6): the box, the score, the number of the class.

    In a row each box has a score for every class: its own, and 0 for all others.

    Parameters
    ----------
    answered
        The model's own answer, whose classes a cotangent is read by.
    form
        How the rows are read.
    classes
        How many classes there are.
    parts
        Which numbers of a detection are the scores of its parts.
    """

    answered: Native
    form: Form
    classes: int
    parts: tuple[int, ...] = ()

    def rows(self, native: Native) -> Scores:
        """Rows of detections: class by class, box by box, then the coordinates."""
        own = self._own(native) * native[:, None, :, BOX]
        box = np.moveaxis(native[:, :, :BOX], 1, 2)
        parts = np.moveaxis(native[:, :, list(self.parts)], 1, 2)
        return np.concatenate([own, parts, box], axis=1).reshape(len(native), -1).astype(np.float32)

    def native(self, rows: Scores) -> Native:
        """Cotangent of the model's answer, from that of its rows."""
        by_number = rows.reshape(len(rows), -1, self.form.places)
        found = np.zeros((len(rows), *self.answered.shape[1:]), rows.dtype)
        found[:, :, BOX] = (by_number[:, : self.classes] * self._own(self.answered)).sum(axis=1)
        found[:, :, list(self.parts)] = np.moveaxis(by_number[:, self.classes : -BOX], 1, 2)
        found[:, :, :BOX] = np.moveaxis(by_number[:, -BOX:], 1, 2)
        return found

    def _own(self, native: Native) -> np.ndarray:
        """1 at the class of each box, else 0: (n, classes, boxes)."""
        labels = native[:, None, :, BOX + 1]
        return (np.arange(self.classes)[None, :, None] == np.round(labels)).astype(np.float32)


def chosen_reading(
    answered: Native, box: BoxForm, *, names: int = 0, parts: tuple[int, ...] = ()
) -> ChosenReading:
    """Layout of the detections that a model answered.

    Raises
    ------
    NoScores
        If there are no six numbers for each box, or the sixth is no number of a class.
    """
    if answered.ndim != 3 or answered.shape[2] < CHOSEN:
        shape: Sequence[int] = answered.shape[1:]
        raise NoScores(
            "Detections are (images, boxes, 6): the box, its score and the number of its class; "
            f"the model answers {'x'.join(map(str, shape))}. Say what the numbers are: "
            "answers=xai_heatmap.Boxes(chosen=False, ...)."
        )
    labels = answered[:, :, BOX + 1]
    highest = int(labels.max(initial=0)) if np.isfinite(labels).all() else MOST_CLASSES
    if labels.min(initial=0) < 0 or highest >= MOST_CLASSES or (labels != np.round(labels)).any():
        raise NoScores(
            "The sixth number of a detection is read as its class, a whole number; the model "
            f"answers others, up to {labels.max(initial=0):g}. Say what they are: "
            "answers=xai_heatmap.Boxes(chosen=False, ...)."
        )
    form = Form((answered.shape[1],), box)
    return ChosenReading(answered, form, max(names, highest + 1), parts)
