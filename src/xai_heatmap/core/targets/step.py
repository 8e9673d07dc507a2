"""A target at one step of networks that answer a sequence: text, speech, a time series."""

from operator import index
from typing import SupportsIndex

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NoScores, UnknownTarget
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.category import category, top
from xai_heatmap.core.targets.region import over
from xai_heatmap.core.targets.target import Choice, Target


def step(which: int | str | Choice | None, at: SupportsIndex) -> Choice:
    """A class at one step: y = s_tc, of a network that answers (images, steps, classes).

    Parameters
    ----------
    which
        A class by number or name, or any choice, such as ``contrast(3, against=5)``; None for what
        the network predicts at that step.
    at
        The step, counted from 0; from the last one backwards if negative.

    Raises
    ------
    UnknownTarget
        If the network answers no sequence, or one with fewer steps.
    """
    choice = top(1) if which is None else which if isinstance(which, Choice) else category(which)
    if choice.over:
        raise UnknownTarget(
            f"{choice.label} says itself which places it is about. Give the class, and one step."
        )
    at = _step(at)

    def pick(answer: Answer) -> Target:
        grid = answer.form.grid
        if len(grid) != 1 or answer.form.boxes is not None:
            raise UnknownTarget(
                "A step needs a network that answers a sequence, (images, steps, classes); this "
                f"one answers {_said(answer)}. Give the class alone, or region(...) for places."
            )
        if not -grid[0] <= at < grid[0]:
            raise UnknownTarget(
                f"The network answers {counted(grid[0], 'step')}, 0 to {grid[0] - 1}; "
                f"received step {at}."
            )
        weights = np.zeros(grid[0], np.float32)
        weights[at] = 1
        own = choice(answer.at(answer.per_place[:, at]))
        return over(own, weights, answer, label=f"{own.label} at step {int(at) % grid[0]}")

    named = choice.label if which is not None else "top(1)"
    return Choice(f"step({named}, {at})", pick, over=True)


def unsaid(answer: Answer) -> NoScores:
    """Error for a network that answers a sequence, where nobody says which step is meant."""
    steps, units = answer.form.grid[0], answer.units
    return NoScores(
        f"The model answers {steps}x{units} for each picture, which are no scores of classes, "
        "(images, classes). If they are steps of a sequence, say which: "
        f"target=xai_heatmap.step(CLASS, STEP) with CLASS below {units} and STEP below {steps}, or "
        "target=xai_heatmap.function(...) of all of them. If they are boxes of a detector, say "
        'xai_heatmap.network(model, answers="boxes"). Else wrap the model so that it answers the '
        "numbers to be explained, or name another output, such as 'pooler_output' of a transformer "
        "without classes: xai_heatmap.network(model, output=KEY)."
    )


def _step(at: SupportsIndex) -> int:
    """A step as a plain whole number; a tensor or an array of one whole number is one too."""
    try:
        if isinstance(at, bool):
            raise TypeError
        return index(at)
    except TypeError:
        raise UnknownTarget(f"A step is a whole number, counted from 0; received {at!r}.") from None


def _said(answer: Answer) -> str:
    if answer.form.boxes is not None:
        return "boxes"
    if answer.form.grid:
        return f"scores at {'x'.join(map(str, answer.form.grid))} places"
    return "one score a class"
