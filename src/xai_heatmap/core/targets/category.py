"""Targets of one class: by number or name, by rank, its negative."""

from dataclasses import replace

import numpy as np

from xai_heatmap.core.arrays import Scores, Values
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import ROW, Answer
from xai_heatmap.core.targets.classes import class_named
from xai_heatmap.core.targets.target import Choice, Target, linear


def _at_rank(answer: Answer, rank: int) -> int:
    """Class of a rank, as by `ranking`, without a sort where the prediction is asked for: every
    image asks for that.
    """
    if answer.kind == "values" and answer.units > 1:
        raise UnknownTarget(
            f"The network answers {counted(answer.units, 'value')}, and the largest is not "
            "the one meant. Say "
            f"which by its number, 0 to {answer.units - 1}"
            f"{f', or its name, such as {answer.labels[0]!r}' if answer.labels else ''}."
        )
    if not 1 <= rank <= answer.classes:
        raise UnknownTarget(
            f"top({rank}) needs a rank from 1 to {answer.classes}: "
            f"the network tells {counted(answer.classes, 'class')} apart."
        )
    if rank == 1 and answer.form == ROW and answer.units > 1:
        return int(answer.scores.argmax())
    return 0 if answer.units == 1 and not answer.single else answer.ranking()[rank - 1]


def category(which: int | str) -> Choice:
    """One class, y = s_c, by its index (negative counts from the end) or by its name.

    A network that ends in a single unit has two classes: 1 is for (y = s), 0 is against (y = -s).
    Where it answers values, 0 is the first of them.

    Raises
    ------
    UnknownTarget
        For what is neither a number nor a name, at once.
    """
    which = class_named(which)

    def pick(answer: Answer) -> Target:
        index = answer.index(which)
        weights = np.zeros(answer.units, np.float32)
        if answer.single:
            weights[0] = 1 if index == 1 else -1
        else:
            weights[index] = 1
        return linear(weights, answer.label(index), index=index)

    return Choice(f"category({which!r})", pick)


def top(rank: int = 1) -> Choice:
    """The class ranked `rank` in the scores of the image itself; 1 is the prediction.

    Where a network scores many places, classes are ranked by how many places they win. Of a
    detector it is the detection of that rank.
    """
    _check_rank(rank)

    def settled(answer: Answer) -> Choice:
        return category(_at_rank(answer, rank))

    return Choice(f"top({rank})", lambda answer: settled(answer)(answer), settled, rank=rank)


def _check_rank(rank: object) -> None:
    if isinstance(rank, bool) or not isinstance(rank, int | np.integer) or rank < 1:
        raise UnknownTarget(f"A rank is a whole number, 1 for the prediction; received {rank!r}.")


def negative(choice: int | str | Choice) -> Choice:
    """Evidence against a choice: y = -y of the choice; "why not?"."""
    chosen = as_choice(choice)

    def pick(answer: Answer) -> Target:
        own = chosen(answer)

        def value(rows: Scores) -> Values:
            return -own.value(rows)

        def cotangent(rows: Scores) -> Scores:
            return -own.cotangent(rows)

        weights = None if own.weights is None else -own.weights
        label = f"not {own.label}"
        return replace(own, label=label, value=value, cotangent=cotangent, weights=weights)

    def settled(answer: Answer) -> Choice:
        return negative(fixed(chosen, answer))

    return Choice(f"negative({chosen.label})", pick, settled, chosen.over, check=chosen.check)


def fixed(choice: Choice, answer: Answer) -> Choice:
    """The choice with its class fixed by the answer, where the class depends on the answer."""
    return choice if choice.settled is None else choice.settled(answer)


def class_or_choice(which: int | str | Choice) -> int | str | Choice:
    """A choice as it is, a class as it can be chosen."""
    return which if isinstance(which, Choice) else class_named(which)


def as_choice(choice: int | str | Choice) -> Choice:
    """A choice as it is, a class as the choice of that class."""
    return choice if isinstance(choice, Choice) else category(choice)
