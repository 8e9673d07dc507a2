"""What is explained: one number a network gives for an image, and its derivative by the scores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores, Values
from xai_heatmap.core.classes import both, class_index, class_label, classes, ranking, softmax
from xai_heatmap.core.errors import UnknownTarget


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
    """

    label: str
    value: Callable[[Scores], Values]
    cotangent: Callable[[Scores], Scores]
    index: int | None = None
    bounded: bool = False


@dataclass(frozen=True)
class Choice:
    """Picks a target by looking at one image's scores once; after that the target is fixed.

    Parameters
    ----------
    label
        What is chosen, in words; it is what a job file holds.
    pick
        From one row of scores and the names of the classes (empty where unknown) to the target.
    """

    label: str
    pick: Callable[[ScoreRow, Sequence[str]], Target]

    def __call__(self, scores: ScoreRow, labels: Sequence[str] = ()) -> Target:
        """The target for an image with these scores."""
        return self.pick(scores, labels)


def linear(weights: ScoreRow, label: str, *, index: int | None = None) -> Target:
    """y = Σ_c w_c s_c."""
    weights = np.asarray(weights, np.float32)
    return Target(
        label,
        lambda scores: scores @ weights,
        lambda scores: np.broadcast_to(weights, scores.shape).astype(np.float32),
        index,
    )


def _at_rank(scores: ScoreRow, rank: int) -> int:
    """As `ranking`, without a sort where the prediction is asked for: it is so for every image."""
    if rank == 1 and len(scores) > 1:
        return int(scores.argmax())
    return ranking(scores)[rank - 1]


def category(which: int | str) -> Choice:
    """One class, y = s_c, by its index (negative counts from the end) or by its name.

    A network that ends in a single unit has two classes: 1 is for (y = s), 0 is against (y = -s).
    """

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        index = class_index(which, count=classes(scores), labels=labels)
        weights = np.zeros(len(scores), np.float32)
        if len(scores) == 1:
            weights[0] = 1 if index == 1 else -1
        else:
            weights[index] = 1
        return linear(weights, class_label(index, labels, single=len(scores) == 1), index=index)

    return Choice(f"category({which!r})", pick)


def top(rank: int = 1) -> Choice:
    """The class ranked `rank` in the scores of the image itself; 1 is the prediction."""

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        if not 1 <= rank <= classes(scores):
            raise UnknownTarget(
                f"top({rank}) needs a rank from 1 to {classes(scores)}: "
                f"the network tells {classes(scores)} classes apart."
            )
        return category(_at_rank(scores, rank))(scores, labels)

    return Choice(f"top({rank})", pick)


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
    if isinstance(which, int | str) and which == against:
        raise UnknownTarget(
            f"A contrast needs two different classes; {which!r} stands on both sides."
        )
    named = against.label if isinstance(against, Others) else repr(against)
    taken = "" if weight == 1 else f", weight={weight:g}"
    chosen = which.label if isinstance(which, Choice) else repr(which)

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        own = _one(which)(scores, labels)
        a = own.index
        if a is None:
            raise UnknownTarget(
                f"A contrast is about one class; {chosen} is about several. Give a class, or "
                "top(1)."
            )
        others = _others(against, a, scores, labels)
        if a in others:
            raise UnknownTarget(
                f"A contrast needs two different classes; {chosen} and {named} are both class {a}."
            )
        row = scores[None]
        rows = [category(b)(scores, labels).cotangent(row)[0] for b in others]
        weights = own.cotangent(row)[0] - np.float32(weight) * np.mean(rows, axis=0)
        other = class_label(others[0], labels, single=len(scores) == 1)
        label = f"{own.label} - {other if len(others) == 1 else named}"
        return linear(weights.astype(np.float32), label)

    return Choice(f"contrast({chosen}, against={named}{taken})", pick)


def margin(which: int | str | Choice | None = None) -> Choice:
    """Why not the next one: y = s_a - max over the others of s_b, the other fixed by the image.

    Without a class it is the prediction against the runner-up.
    """
    named = "" if which is None else which.label if isinstance(which, Choice) else repr(which)

    def runner_up(scores: ScoreRow, own: int) -> Sequence[int]:
        return [next(c for c in ranking(scores) if c != own)]

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        chosen = top(1) if which is None else which
        return contrast(chosen, against=Others("the runner-up", runner_up))(scores, labels)

    return Choice(f"margin({named})", pick)


def negative(choice: int | str | Choice) -> Choice:
    """What speaks against it: y = -y of the choice; "why not?"."""
    chosen = _one(choice)

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        own = chosen(scores, labels)
        return Target(
            f"not {own.label}",
            lambda rows: -own.value(rows),
            lambda rows: -own.cotangent(rows),
            own.index,
            own.bounded,
        )

    return Choice(f"negative({chosen.label})", pick)


def _one(choice: int | str | Choice) -> Choice:
    return choice if isinstance(choice, Choice) else category(choice)


def _others(
    against: int | str | Sequence[int | str] | Others,
    own: int,
    scores: ScoreRow,
    labels: Sequence[str],
) -> Sequence[int]:
    if isinstance(against, Others):
        return against.among(scores, own)
    several = [against] if isinstance(against, int | str) else list(against)
    if not several:
        raise UnknownTarget("A contrast needs at least one other class; none was given.")
    return [class_index(one, count=classes(scores), labels=labels) for one in several]


def probability(which: int | str) -> Choice:
    """The probability of one class, y = softmax(s)_c; its gradient fades as it nears 0 or 1."""

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        index = class_index(which, count=classes(scores), labels=labels)
        name = class_label(index, labels, single=len(scores) == 1)

        def cotangent(rows: Scores) -> Scores:
            p = softmax(both(rows))
            column = p[:, [index]]
            full = column * (np.eye(p.shape[1], dtype=np.float32)[index] - p)
            return full[:, 1:] if rows.shape[1] == 1 else full

        return Target(
            f"p({name})",
            lambda rows: softmax(both(rows))[:, index],
            cotangent,
            index,
            bounded=True,
        )

    return Choice(f"probability({which!r})", pick)
