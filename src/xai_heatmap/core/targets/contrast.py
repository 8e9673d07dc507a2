"""Contrasts: one class against others, the rest, those most similar, or the runner-up."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from xai_heatmap.core.arrays import ScoreRow
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer, Seen
from xai_heatmap.core.targets.category import as_choice, category, class_or_choice, fixed, top
from xai_heatmap.core.targets.classes import class_named, classes, plain, ranking
from xai_heatmap.core.targets.target import Choice, Target, linear


def _check_against(against: object) -> None:
    if not isinstance(against, int | str | np.integer | Others | Sequence):
        kind = against.label if isinstance(against, Choice) else repr(against)
        raise UnknownTarget(
            "A contrast is against classes by their numbers or names, rest() or similar(); "
            f"received {kind}. Against the runner-up there is margin()."
        )


def _check_sides(which: int | str | Choice, against: object, weight: float) -> None:
    """Refuse the same class on both sides, places on one side alone, and a weight of no number."""
    if isinstance(which, int | str) and which == against:
        raise UnknownTarget(
            f"A contrast needs two different classes; {which!r} stands on both sides."
        )
    _check_weight(weight)
    if isinstance(which, Choice) and which.over:
        raise UnknownTarget(
            f"A contrast is over the same places on both sides; {which.label} has its own. Put the "
            "contrast inside: region(contrast(...), where=...)."
        )


def _check_weight(weight: float) -> None:
    given = cast("object", weight)
    if not isinstance(given, int | float | np.number) or not math.isfinite(weight):
        raise UnknownTarget(f"The weight of the other classes is a number; received {weight!r}.")


@dataclass(frozen=True)
class Others:
    """Classes that another one is held against, chosen by the scores of the image.

    Parameters
    ----------
    label
        Which, in words.
    among
        From one row of scores and a class to the other classes.
    """

    label: str
    among: Callable[[ScoreRow, int], Sequence[int]]


def rest() -> Others:
    """Others of a contrast: all classes but the one itself."""
    return Others("the rest", lambda scores, own: [c for c in range(classes(scores)) if c != own])


def similar(count: int = 3) -> Others:
    """Others of a contrast: the classes whose scores are nearest to the class's own score.

    Zhang et al. 2025, "Finer-CAM", explain a class against these, three of them.
    """

    def among(scores: ScoreRow, own: int) -> Sequence[int]:
        if not 1 <= count < classes(scores):
            raise UnknownTarget(
                f"similar({count}) needs a number from 1 to {classes(scores) - 1}: the network "
                f"tells {counted(classes(scores), 'class')} apart."
            )
        all_of_them = np.concatenate([-scores, scores]) if len(scores) == 1 else scores
        far = np.abs(all_of_them - all_of_them[own])
        far[own] = np.inf
        return np.argsort(far, kind="stable")[:count].tolist()

    return Others(f"{count} similar", among)


def contrast(
    which: int | str | Choice,
    *,
    against: int | str | Sequence[int | str] | Others | Choice,
    weight: float = 1.0,
) -> Choice:
    """Contrast of one class with others: y = s_a - weight · mean of s_b over the others.

    Zhang et al. 2025, "Finer-CAM", with ``similar()`` and a weight of 0.6; here for every method.

    Parameters
    ----------
    which
        By number or name, or a choice of one class such as ``top(1)``.
    against
        One class, several, `rest` or `similar`. Of a box another box: ``contrast(box(1),
        against=box(2))``, "why is this one surer than that one?"
    weight
        How much of the others is taken off; 0 leaves the class alone.

    Raises
    ------
    UnknownTarget
        For a class against itself, at once where that can be seen.
    """
    which = class_or_choice(which)
    if isinstance(against, Choice) and isinstance(which, Choice) and against.over and which.over:
        return _difference(which, against, weight)
    against = plain(against)
    _check_against(against)
    _check_sides(which, against, weight)
    named = against.label if isinstance(against, Others) else repr(against)
    taken = "" if weight == 1 else f", weight={weight:g}"
    chosen = which.label if isinstance(which, Choice) else repr(which)

    def pick(answer: Answer) -> Target:
        own = as_choice(which)(answer)
        a = own.index
        if a is None:
            raise UnknownTarget(
                f"A contrast is about one class; {chosen} is about several. Give a class, or "
                "top(1)."
            )
        others = _others(cast("Any", against), a, answer)
        if a in others:
            raise UnknownTarget(
                f"A contrast needs two different classes; {chosen} and {named} are both class {a}."
            )
        row = answer.scores[None]
        rows = [category(b)(answer).cotangent(row)[0] for b in others]
        weights = own.cotangent(row)[0] - np.float32(weight) * np.mean(rows, axis=0)
        label = f"{own.label} - {answer.label(others[0]) if len(others) == 1 else named}"
        return linear(weights.astype(np.float32), label, first=a)

    def settled(answer: Answer) -> Choice:
        return contrast(fixed(as_choice(which), answer), against=against, weight=weight)

    return Choice(f"contrast({chosen}, against={named}{taken})", pick, settled)


def _difference(one: Choice, other: Choice, weight: float) -> Choice:
    """y = y_a - weight · y_b of two choices, each of which says which places it is about."""
    _check_weight(weight)
    share = np.float32(weight)

    def pick(answer: Answer) -> Target:
        a, b = one(answer), other(answer)
        return Target(
            f"{a.label} - {b.label}",
            lambda rows: a.value(rows) - share * b.value(rows),
            lambda rows: a.cotangent(rows) - share * b.cotangent(rows),
            first=a.index,
            detection=a.detection,
        )

    def check(seen: Seen, labels: Sequence[str]) -> None:
        for choice in (one, other):
            if choice.check is not None:
                choice.check(seen, labels)

    taken = "" if weight == 1 else f", weight={weight:g}"
    named = f"contrast({one.label}, against={other.label}{taken})"
    return Choice(named, pick, over=True, check=check)


def margin(which: int | str | Choice | None = None) -> Choice:
    """Margin over the runner-up: y = s_a - max over the others of s_b, the other fixed by the
    image.

    Without a class it is the prediction against the runner-up.
    """
    which = None if which is None else class_or_choice(which)
    named = "" if which is None else which.label if isinstance(which, Choice) else repr(which)

    def runner_up(scores: ScoreRow, own: int) -> Sequence[int]:
        return [next(c for c in ranking(scores) if c != own)]

    chosen = contrast(
        top(1) if which is None else which, against=Others("the runner-up", runner_up)
    )
    return Choice(f"margin({named})", chosen.pick, chosen.settled)


def _others(
    against: int | str | Sequence[int | str] | Others, own: int, answer: Answer
) -> Sequence[int]:
    if isinstance(against, Others):
        return against.among(answer.scores, own)
    several = [against] if isinstance(against, int | str | np.integer) else list(against)
    if not several:
        raise UnknownTarget("A contrast needs at least one other class; none was given.")
    return [answer.index(class_named(one)) for one in several]
