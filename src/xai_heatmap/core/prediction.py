"""Predictions of a network: its likeliest classes, with their probabilities."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from xai_heatmap.core.arrays import ScoreRow
from xai_heatmap.core.boxes.detections import detections, evidence_of
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.targets.answer import ROW, Answer, Meaning
from xai_heatmap.core.targets.classes import class_label, highest, sigmoid, softmax

PREDICTIONS = 5
"""Number of the likeliest classes that stand beside a map."""

RARE = 0.01
"""Probability below which a class is not seen in a picture."""


@dataclass(frozen=True)
class Prediction:
    """Prediction of one of the likeliest classes.

    Parameters
    ----------
    index, label
        Which class.
    probability
        In [0, 1]. Of a network that scores many places: the share of places where the class wins;
        of a detector that of the class in one box, which the label names.
    score
        What the network ends in before its closing function; there, its mean over those places.
    """

    index: int
    label: str
    probability: float
    score: float


def predictions(
    answer: Answer, *, closing: Literal["softmax", "sigmoid"] | None
) -> tuple[Prediction, ...]:
    """The likeliest classes of one image, most likely first; a single unit has two, and values
    have none.
    """
    if answer.kind == "values":
        return ()
    if answer.form.boxes is not None:
        return _detected(answer)
    if answer.form != ROW:
        return _shares(answer)
    scores, single = answer.scores, len(answer.scores) == 1
    own = np.concatenate([-scores, scores]) if single else scores
    likely = probabilities(scores, meaning=answer.meaning, closing=closing)
    return tuple(
        Prediction(
            index,
            class_label(index, answer.labels, single=single),
            float(likely[index]),
            float(own[index]),
        )
        for index in highest(likely if single else own, PREDICTIONS)
    )


def unlikely(
    answer: Answer, index: int, *, closing: Literal["softmax", "sigmoid"] | None
) -> tuple[float, int] | None:
    """Probability and place, 1 being the likeliest, of a class that the network does not see in the
    picture: less than 1 in 100, and none of the likeliest; None of any other.
    """
    if answer.kind == "values" or answer.form != ROW or len(answer.scores) < 2:
        return None
    likely = probabilities(answer.scores, meaning=answer.meaning, closing=closing)
    place = 1 + int((likely > likely[index]).sum())
    return (float(likely[index]), place) if place > PREDICTIONS and likely[index] < RARE else None


def _detected(answer: Answer) -> tuple[Prediction, ...]:
    """The likeliest boxes, those on top of each other counted once."""
    z = evidence_of(answer)
    return tuple(
        Prediction(
            found.index, f"{found.label} in {found.where}", found.probability,
            float(z[found.query, found.index]),
        )
        for found in detections(answer, PREDICTIONS)
    )  # fmt: skip


def _shares(answer: Answer) -> tuple[Prediction, ...]:
    """Classes by how many places they win; those that win none are left out."""
    found: list[Prediction] = []
    for index in answer.ranking()[:PREDICTIONS]:
        won = answer.winners == index
        if won.any():
            own = answer.per_place[0 if answer.single else index, won]
            score = float(own.mean()) * (-1 if answer.single and index == 0 else 1)
            found.append(Prediction(index, answer.label(index), float(won.mean()), score))
    return tuple(found)


def probabilities(
    scores: ScoreRow, *, meaning: Meaning, closing: Literal["softmax", "sigmoid"] | None
) -> Float32[np.ndarray, " both"]:
    """One a class. Logits of a model without a closing function are taken for those of a softmax,
    or of a sigmoid where there is a single unit.
    """
    if len(scores) == 1:
        p = scores if meaning == "probabilities" else sigmoid(scores)
        return np.concatenate([1 - p, p])
    if meaning == "probabilities":
        return scores
    if meaning == "log-probabilities":
        return np.exp(scores)
    return sigmoid(scores) if closing == "sigmoid" else softmax(scores[None])[0]
