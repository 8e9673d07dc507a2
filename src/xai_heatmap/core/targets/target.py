"""What is explained: one number a network gives for an image, and its derivative by the scores."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores, Values
from xai_heatmap.core.boxes.detections import Detection
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import ROW, Answer, Seen
from xai_heatmap.core.targets.classes import class_named, classes, plain, ranking, sigmoid, softmax


@dataclass(frozen=True)
class Target:
    """The number being explained, y, as a function of the scores s.

    Parameters
    ----------
    label
        What it is, in words.
    value
        y of every row of scores.
    cotangent
        ∂y/∂s of every row of scores.
    index
        The class it is about, None where it is about several.
    bounded
        Whether y is a probability, whose gradient fades towards 0 and 1.
    first
        Of several classes the one that is held against the others.
    detection
        The box of a detector that it is about.
    """

    label: str
    value: Callable[[Scores], Values]
    cotangent: Callable[[Scores], Scores]
    index: int | None = None
    bounded: bool = False
    first: int | None = None
    detection: Detection | None = None

    def between(self, scores: Scores) -> ScoreRow:
        """Of two rows: c with Σ c (s₀ - s₁) = y₀ - y₁, as near as can be to the mean cotangent."""
        mean = self.cotangent(scores).mean(axis=0)
        rise = float(np.subtract(*self.value(scores)))
        far = scores[0] - scores[1]
        length = float(far @ far)
        return mean + far * np.float32((rise - float(mean @ far)) / length) if length else mean


@dataclass(frozen=True)
class Choice:
    """Picks a target by looking at one image's scores once; after that the target is fixed.

    Parameters
    ----------
    label
        What is chosen, in words; it is what a job file holds.
    pick
        From what the network answered to the target.
    settled
        The same choice with its class fixed by what the network answered; None where it has no
        class that depends on that.
    over
        Whether it says itself which places it is about, where a network scores many.
    rank
        Which it is of those ordered by the scores, where it is chosen so.
    check
        What can be found wrong before the network runs: with the picture, and the names of the
        classes where they are known.
    of_all
        The same of everything that a network answers for the steps of a sequence, at once.
    """

    label: str
    pick: Callable[[Answer], Target]
    settled: "Callable[[Answer], Choice] | None" = None
    over: bool = False
    rank: int | None = None
    check: Callable[[Seen, Sequence[str]], None] | None = None
    of_all: Callable[[Answer], Target] | None = None

    def __call__(self, scores: ScoreRow | Answer, labels: Sequence[str] = ()) -> Target:
        """The target for an image that the network answered with this."""
        answer = scores if isinstance(scores, Answer) else Answer(scores, labels)
        if answer.form == ROW or self.over:
            return self.pick(answer)
        if answer.form.boxes is not None:
            from xai_heatmap.core.boxes.box import box, ranked

            return ranked(self.rank)(answer) if self.rank is not None else box(None, self)(answer)
        if self.of_all is not None and len(answer.form.grid) == 1:
            return self.of_all(answer)
        if answer.form.steps:
            from xai_heatmap.core.targets.step import unsaid

            raise unsaid(answer)
        from xai_heatmap.core.targets.region import region

        return region(self)(answer)


def linear(
    weights: ScoreRow, label: str, *, index: int | None = None, first: int | None = None
) -> Target:
    """y = Σ_c w_c s_c."""
    weights = np.asarray(weights, np.float32)
    return Target(
        label,
        lambda scores: scores @ weights,
        lambda scores: np.broadcast_to(weights, scores.shape).astype(np.float32),
        index,
        first=first,
    )


def _at_rank(answer: Answer, rank: int) -> int:
    """As `ranking`, without a sort where the prediction is asked for: it is so for every image."""
    if answer.kind == "values" and answer.units > 1:
        raise UnknownTarget(
            f"The network answers {answer.units} values, and the largest is not the one meant. Say "
            f"which by its number: 0 to {answer.units - 1}."
        )
    if not 1 <= rank <= answer.classes:
        raise UnknownTarget(
            f"top({rank}) needs a rank from 1 to {answer.classes}: "
            f"the network tells {answer.classes} classes apart."
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


def _check_against(against: object) -> None:
    if not isinstance(against, int | str | np.integer | Others | Sequence):
        kind = against.label if isinstance(against, Choice) else repr(against)
        raise UnknownTarget(
            "A contrast is against classes by their numbers or names, rest() or similar(); "
            f"received {kind}. Against the runner-up there is margin()."
        )


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
    """All classes but the one itself."""
    return Others("the rest", lambda scores, own: [c for c in range(classes(scores)) if c != own])


def similar(count: int = 3) -> Others:
    """The classes whose scores are nearest to its own: those it is most easily taken for.

    Zhang et al. 2025, "Finer-CAM", explain a class against these, three of them.
    """

    def among(scores: ScoreRow, own: int) -> Sequence[int]:
        if not 1 <= count < classes(scores):
            raise UnknownTarget(
                f"similar({count}) needs a number from 1 to {classes(scores) - 1}: the network "
                f"tells {classes(scores)} classes apart."
            )
        all_of_them = np.concatenate([-scores, scores]) if len(scores) == 1 else scores
        far = np.abs(all_of_them - all_of_them[own])
        far[own] = np.inf
        return np.argsort(far, kind="stable")[:count].tolist()

    return Others(f"{count} similar", among)


def contrast(
    which: int | str | Choice,
    *,
    against: int | str | Sequence[int | str] | Others,
    weight: float = 1.0,
) -> Choice:
    """Why one class rather than others: y = s_a - weight · mean of s_b over the others.

    Zhang et al. 2025, "Finer-CAM", with ``similar()`` and a weight of 0.6; here for every method.

    Parameters
    ----------
    which
        By number or name, or a choice of one class such as ``top(1)``.
    against
        One class, several, `rest` or `similar`.
    weight
        How much of the others is taken off; 0 leaves the class alone.

    Raises
    ------
    UnknownTarget
        For a class against itself, at once where that can be seen.
    """
    which, against = _one_class(which), plain(against)
    _check_against(against)
    if isinstance(which, int | str) and which == against:
        raise UnknownTarget(
            f"A contrast needs two different classes; {which!r} stands on both sides."
        )
    given = cast("object", weight)
    if not isinstance(given, int | float | np.number) or not math.isfinite(weight):
        raise UnknownTarget(f"The weight of the other classes is a number; received {weight!r}.")
    if isinstance(which, Choice) and which.over:
        raise UnknownTarget(
            f"A contrast is over the same places on both sides; {which.label} has its own. Put the "
            "contrast inside: region(contrast(...), where=...)."
        )
    named = against.label if isinstance(against, Others) else repr(against)
    taken = "" if weight == 1 else f", weight={weight:g}"
    chosen = which.label if isinstance(which, Choice) else repr(which)

    def pick(answer: Answer) -> Target:
        own = _one(which)(answer)
        a = own.index
        if a is None:
            raise UnknownTarget(
                f"A contrast is about one class; {chosen} is about several. Give a class, or "
                "top(1)."
            )
        others = _others(against, a, answer)
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
        return contrast(_settled(_one(which), answer), against=against, weight=weight)

    return Choice(f"contrast({chosen}, against={named}{taken})", pick, settled)


def margin(which: int | str | Choice | None = None) -> Choice:
    """Why not the next one: y = s_a - max over the others of s_b, the other fixed by the image.

    Without a class it is the prediction against the runner-up.
    """
    which = None if which is None else _one_class(which)
    named = "" if which is None else which.label if isinstance(which, Choice) else repr(which)

    def runner_up(scores: ScoreRow, own: int) -> Sequence[int]:
        return [next(c for c in ranking(scores) if c != own)]

    chosen = contrast(
        top(1) if which is None else which, against=Others("the runner-up", runner_up)
    )
    return Choice(f"margin({named})", chosen.pick, chosen.settled)


def negative(choice: int | str | Choice) -> Choice:
    """What speaks against it: y = -y of the choice; "why not?"."""
    chosen = _one(choice)

    def pick(answer: Answer) -> Target:
        own = chosen(answer)

        def value(rows: Scores) -> Values:
            return -own.value(rows)

        def cotangent(rows: Scores) -> Scores:
            return -own.cotangent(rows)

        return replace(own, label=f"not {own.label}", value=value, cotangent=cotangent)

    def settled(answer: Answer) -> Choice:
        return negative(_settled(chosen, answer))

    return Choice(f"negative({chosen.label})", pick, settled, chosen.over, check=chosen.check)


def _settled(choice: Choice, answer: Answer) -> Choice:
    return choice if choice.settled is None else choice.settled(answer)


def _one_class(which: int | str | Choice) -> int | str | Choice:
    """A choice as it is, a class as it can be chosen."""
    return which if isinstance(which, Choice) else class_named(which)


def _one(choice: int | str | Choice) -> Choice:
    return choice if isinstance(choice, Choice) else category(choice)


def _others(
    against: int | str | Sequence[int | str] | Others, own: int, answer: Answer
) -> Sequence[int]:
    if isinstance(against, Others):
        return against.among(answer.scores, own)
    several = [against] if isinstance(against, int | str | np.integer) else list(against)
    if not several:
        raise UnknownTarget("A contrast needs at least one other class; none was given.")
    return [answer.index(class_named(one)) for one in several]


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
    """Of a single unit, class 0 has what is left of 1."""
    own = category(index)(answer)
    rest_of = np.float32(answer.single and index == 0)
    return lambda rows: own.value(rows) + rest_of, own.cotangent
