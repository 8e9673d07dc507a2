"""Targets as users write them on the command line."""

import re
from collections.abc import Sequence

from xai_heatmap.core.classes import class_index
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.measured_target import residual_softmax
from xai_heatmap.core.region import region
from xai_heatmap.core.target import Choice, category, contrast, margin, negative, rest, similar, top

OF_THE_PREDICTION = {"margin": margin, "residual": residual_softmax}
OF_A_CLASS = {"not ": negative, "residual ": residual_softmax}


def parsed(text: str, labels: Sequence[str] = ()) -> tuple[Choice, ...]:
    """The choices that a user's word stands for.

    ``top3``: the three likeliest classes, one after the other; ``top1``: the prediction. A number:
    the class of that index. A name, or one of its synonyms. ``A-B``: why A rather than B, each by
    number or name. ``A-rest``, ``A-similar``: against all others, or the three it is most easily
    taken for. ``margin``: the prediction against the runner-up. ``not A``: what speaks against A.
    ``residual``, ``residual A``: score and log-probability of the prediction, or of A. Any of these
    with ``@all`` or ``@left,top,right,bottom`` at its end: over the whole picture, or over a box of
    its pixels, for a network that scores every place.
    What is a name as a whole is never anything else.

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
    if found := _in_a_region(word, labels):
        return found
    if word.casefold() in OF_THE_PREDICTION:
        return (OF_THE_PREDICTION[word.casefold()](),)
    if found := _with_a_word(word, labels):
        return found
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


def _with_a_word(word: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choice of a class with a word before or behind it; none without one."""
    for beginning, made in OF_A_CLASS.items():
        own = _class(word[len(beginning) :], labels)
        if word.casefold().startswith(beginning) and own is not None:
            return (made(own),)
    for ending, others in (("-rest", rest()), ("-similar", similar())):
        own = _class(word[: -len(ending)], labels)
        if word.casefold().endswith(ending) and own is not None:
            return (contrast(own, against=others),)
    return ()


def _in_a_region(word: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choices before the last @, over what stands behind it; none without that."""
    inner, at, where = word.rpartition("@")
    box = _box(where) if at else None
    return () if box is None else tuple(region(choice, box) for choice in parsed(inner, labels))


def _box(text: str) -> str | tuple[float, ...] | None:
    """All, or four numbers; None for anything else."""
    if text.strip().casefold() == "all":
        return "all"
    numbers = text.split(",")
    if len(numbers) == 4 and all(re.fullmatch(r"\s*\d+(\.\d+)?\s*", n) for n in numbers):
        return tuple(map(float, numbers))
    return None


def _class(word: str, labels: Sequence[str]) -> int | str | None:
    """A class as it can be chosen, None for what is neither a number nor a name."""
    word = word.strip()
    if re.fullmatch(r"[+-]?\d+", word):
        return int(word)
    known = [label.casefold() for label in labels]
    names = {part.strip() for label in known for part in label.split(",")} | set(known)
    return word if word.casefold() in names else None
