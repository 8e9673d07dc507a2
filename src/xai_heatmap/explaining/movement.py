"""How far the explained number moved: in units of what, and whether that can be said at all."""

import numpy as np

from xai_heatmap.core.arrays import Scores
from xai_heatmap.core.shapes import Float64
from xai_heatmap.core.targets.answer import ROW
from xai_heatmap.explaining.disturbed import BESIDE, Moved
from xai_heatmap.explaining.question import Question

OFTEN = 1e-3
"""Part of its scale by which the same input may be answered differently."""

OF_A_PROBABILITY = 0.2
"""Scale of a probability."""

NO_NUMBERS = (
    "The network answers NaN or infinity where parts of the input are taken away, so that nothing "
    "can be said of what moves the explained number."
)


def scale_of(question: Question) -> float:
    """Scale of the explained number: the standard deviation of the scores over classes where they
    are logits of three or more classes; of a probability a fifth; else the size of the number's
    terms.
    """
    if question.target.bounded:
        return OF_A_PROBABILITY
    answer, scores = question.answer, question.scores
    spoken = answer.form == ROW and answer.kind in ("classes", "labels") and len(scores) > 2
    if spoken and question.recording.meaning != "probabilities":
        return float(scores.astype(np.float64).std())
    return question.terms.size


def problem(question: Question, moved: Moved) -> str:
    """Why these answers can't be used, if they can't."""
    if not moved.finite:
        return NO_NUMBERS
    allowed = OFTEN * max(scale_of(question), question.terms.size)
    if abs(moved.again - moved.whole) > allowed:
        return (
            f"The network answers the same input with {moved.whole:.4g} and then with "
            f"{moved.again:.4g}: what moves the number can't be told from its own chance. Switch "
            "off dropout and noise, as model.eval() does, and ask again."
        )
    return ""


def of_classes(question: Question, scores: Scores | None) -> Float64[np.ndarray, "_ _"] | None:
    """How the score of each class moved, pair by pair; None where no class's own is explained."""
    index = question.target.index
    if index is None or scores is None or not 1 < scores.shape[1] > index:
        return None
    if not np.array_equal(question.target.value(scores[:1]), scores[:1, index]):
        return None
    rows = scores[BESIDE:].astype(np.float64)
    moved = ((rows[1::2] - rows[0::2]) / 2).T
    sizes = np.sqrt((moved**2).sum(axis=1, keepdims=True))
    return moved / np.where(sizes > 0, sizes, 1)
