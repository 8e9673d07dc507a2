"""What is explained: one number a network gives for an image, and its derivative by the scores."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from xai_heatmap.core.arrays import ScoreRow, Scores, Values
from xai_heatmap.core.errors import UnknownTarget, did_you_mean


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


def classes(scores: ScoreRow) -> int:
    """How many classes there are to explain; a single unit has two, against (0) and for (1)."""
    return max(len(scores), 2)


def ranking(scores: ScoreRow) -> list[int]:
    """Class indices from the highest score to the lowest; ties keep their order."""
    full = np.array([-scores[0], scores[0]]) if len(scores) == 1 else scores
    return np.argsort(-full, kind="stable").tolist()


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


def contrast(which: int | str, *, against: int | str) -> Choice:
    """Why one class rather than another: y = s_a - s_b."""

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        a, b = (class_index(w, count=classes(scores), labels=labels) for w in (which, against))
        if a == b:
            raise UnknownTarget(
                f"A contrast needs two different classes; {which!r} and {against!r} are both "
                f"class {a}."
            )
        chosen, other = category(a)(scores, labels), category(b)(scores, labels)
        row = scores[None]
        weights = chosen.cotangent(row)[0] - other.cotangent(row)[0]
        return linear(weights, f"{chosen.label} - {other.label}")

    return Choice(f"contrast({which!r}, against={against!r})", pick)


def probability(which: int | str) -> Choice:
    """The probability of one class, y = softmax(s)_c; its gradient fades as it nears 0 or 1."""

    def pick(scores: ScoreRow, labels: Sequence[str]) -> Target:
        index = class_index(which, count=classes(scores), labels=labels)
        name = class_label(index, labels, single=len(scores) == 1)

        def cotangent(rows: Scores) -> Scores:
            p = softmax(_both(rows))
            column = p[:, [index]]
            full = column * (np.eye(p.shape[1], dtype=np.float32)[index] - p)
            return full[:, 1:] if rows.shape[1] == 1 else full

        return Target(
            f"p({name})",
            lambda rows: softmax(_both(rows))[:, index],
            cotangent,
            index,
            bounded=True,
        )

    return Choice(f"probability({which!r})", pick)


def parsed(text: str, labels: Sequence[str] = ()) -> tuple[Choice, ...]:
    """The choices that a user's word stands for.

    ``top3``: the three likeliest classes, one after the other; ``top1``: the prediction. A number:
    the class of that index. A name, or one of its synonyms. ``A-B``: why A rather than B, each by
    number or name. What is a name as a whole is never a difference.

    Raises
    ------
    UnknownTarget
        For a name that no label has.
    """
    word = text.strip()
    if ranks := re.fullmatch(r"top([1-9]\d*)", word.casefold()):
        return tuple(top(rank) for rank in range(1, int(ranks[1]) + 1))
    if (one := _class(word, labels)) is not None:
        return (category(one),)
    splits = [(word[:i], word[i + 1 :]) for i, letter in enumerate(word) if letter == "-"]
    sides = [(_class(a, labels), _class(b, labels)) for a, b in splits]
    pairs = [(a, b) for a, b in sides if a is not None and b is not None]
    if len(pairs) > 1:
        raise UnknownTarget(
            f"{text!r} can be read as a difference in {len(pairs)} ways. Give the classes by their "
            "numbers."
        )
    if pairs:
        return (contrast(pairs[0][0], against=pairs[0][1]),)
    halves = [
        (b if known_a is not None else a).strip()
        for (a, b), (known_a, known_b) in zip(splits, sides, strict=True)
        if (known_a is None) != (known_b is None)
    ]
    return (category(class_index((halves or [word])[0], count=len(labels), labels=labels)),)


def _class(word: str, labels: Sequence[str]) -> int | str | None:
    """A class as it can be chosen, None for what is neither a number nor a name."""
    word = word.strip()
    if re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    known = [label.casefold() for label in labels]
    names = {part.strip() for label in known for part in label.split(",")} | set(known)
    return word if word.casefold() in names else None


def softmax(scores: Scores) -> Scores:
    """p_c = exp(s_c) / Σ_d exp(s_d), each row on its own."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def class_label(index: int, labels: Sequence[str], *, single: bool = False) -> str:
    """The name of a class: its label, else its number."""
    if labels and index < len(labels):
        return labels[index]
    if single:
        return "for" if index == 1 else "against"
    return f"class {index}"


def class_index(which: int | str, *, count: int, labels: Sequence[str]) -> int:
    """The number of a class given by number or name; a name matches whole, then as one of its
    synonyms.

    Raises
    ------
    UnknownTarget
        For a number outside the classes, or a name that no label has or that several share.
    """
    if isinstance(which, int | np.integer) and not isinstance(which, bool):
        if not -count <= which < count:
            raise UnknownTarget(
                f"There is no class {which}; this network tells {count} classes apart: 0 to "
                f"{count - 1}."
            )
        return int(which) % count
    if not isinstance(which, str):
        raise UnknownTarget(
            f"A class is given by its number or its name; received {type(which).__name__} "
            f"{which!r}."
        )
    if not labels:
        raise UnknownTarget(
            f"The class {which!r} was given by name, but the names of the classes are not known. "
            "Give its number, or the names with labels=... (on the command line: --labels FILE)."
        )
    wanted = which.casefold().strip()
    names = [label.casefold() for label in labels]
    synonyms = [[part.strip() for part in name.split(",")] for name in names]
    found = [i for i, name in enumerate(names) if name == wanted] or [
        i for i, parts in enumerate(synonyms) if wanted in parts
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownTarget(
            f"{len(found)} classes are called {which!r}: {found}. Give the number of the one you "
            f"mean."
        )
    hint = did_you_mean(which, [part for label in labels for part in label.split(", ")])
    raise UnknownTarget(f"No class is called {which!r}.{hint} {len(labels)} names are known.")


def _both(rows: Scores) -> Float32[np.ndarray, "n both"]:
    """Scores of both classes where the network ends in a single unit."""
    return np.concatenate([np.zeros_like(rows), rows], axis=1) if rows.shape[1] == 1 else rows
