"""The probability of one class as a target, and its derivative by the scores."""

from collections.abc import Callable

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.classes import class_named, sigmoid, softmax
from xai_heatmap.core.targets.target import Choice, Target


def probability(which: int | str) -> Choice:
    """The probability of one class, y = softmax(s)_c; its gradient fades as it nears 0 or 1.

    Where several labels may hold of a picture, as the model says by closing in a sigmoid, each has
    its own: y = sigmoid(s_c). Scores that are probabilities already are taken as they are.
    """
    which = class_named(which)

    def pick(answer: Answer) -> Target:
        index = answer.index(which)
        if answer.kind == "values":
            raise UnknownTarget(
                f"A value has no probability. Explain the value itself: target={index}."
            )
        own = (
            _as_it_is(answer, index)
            if answer.meaning == "probabilities"
            else _of_sigmoid(answer, index)
            if answer.single or answer.kind in ("labels", "boxes")
            else _of_softmax(index)
        )
        return Target(f"p({answer.label(index)})", *own, index, bounded=True)

    return Choice(f"probability({which!r})", pick)


Number = tuple[Callable[[Scores], Values], Callable[[Scores], Scores]]
"""A number and its derivative by the scores."""


def _of_softmax(index: int) -> Number:
    def cotangent(rows: Scores) -> Scores:
        p = softmax(rows)
        return p[:, [index]] * (np.eye(p.shape[1], dtype=np.float32)[index] - p)

    return lambda rows: softmax(rows)[:, index], cotangent


def _of_sigmoid(answer: Answer, index: int) -> Number:
    unit, sign = (0, 1 if index == 1 else -1) if answer.single else (index, 1)

    def value(rows: Scores) -> Values:
        return sigmoid(sign * rows[:, [unit]])[:, 0]

    def cotangent(rows: Scores) -> Scores:
        p = value(rows)[:, None]
        return sign * p * (1 - p) * np.eye(rows.shape[1], dtype=np.float32)[unit]

    return value, cotangent


def _as_it_is(answer: Answer, index: int) -> Number:
    """Probability of a class as the network answers it; of a single unit, class 0 has what is left
    of 1.
    """
    own = category(index)(answer)
    rest_of = np.float32(answer.single and index == 0)
    return lambda rows: own.value(rows) + rest_of, own.cotangent
