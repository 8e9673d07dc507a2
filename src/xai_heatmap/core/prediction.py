"""What a network thinks it sees: its likeliest classes, with their probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

from xai_heatmap.core.arrays import ScoreRow
from xai_heatmap.core.classes import class_label, ranking, softmax
from xai_heatmap.core.network import Meaning

PREDICTIONS = 5
"""How many of the likeliest classes stand beside a map."""


@dataclass(frozen=True)
class Prediction:
    """One of the classes that the network thinks likeliest.

    Parameters
    ----------
    index, label
        Which class.
    probability
        In [0, 1].
    score
        What the network ends in before its closing function.
    """

    index: int
    label: str
    probability: float
    score: float


def predictions(
    scores: ScoreRow,
    *,
    meaning: Meaning,
    closing: Literal["softmax", "sigmoid"] | None,
    labels: Sequence[str] = (),
) -> tuple[Prediction, ...]:
    """The likeliest classes of one image, most likely first; a single unit has two."""
    single = len(scores) == 1
    own = np.concatenate([-scores, scores]) if single else scores
    likely = probabilities(scores, meaning=meaning, closing=closing)
    return tuple(
        Prediction(
            index,
            class_label(index, labels, single=single),
            float(likely[index]),
            float(own[index]),
        )
        for index in ranking(likely if single else own)[:PREDICTIONS]
    )


def probabilities(
    scores: ScoreRow, *, meaning: Meaning, closing: Literal["softmax", "sigmoid"] | None
) -> Float32[np.ndarray, " both"]:
    """One a class. Logits of a model without a closing function are taken for those of a softmax,
    or of a sigmoid where there is a single unit.
    """
    if len(scores) == 1:
        p = scores if meaning == "probabilities" else _sigmoid(scores)
        return np.concatenate([1 - p, p])
    if meaning == "probabilities":
        return scores
    if meaning == "log-probabilities":
        return np.exp(scores)
    return _sigmoid(scores) if closing == "sigmoid" else softmax(scores[None])[0]


def _sigmoid(scores: ScoreRow) -> ScoreRow:
    return np.exp(-np.logaddexp(np.float32(0), -scores))
