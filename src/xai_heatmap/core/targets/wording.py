"""Targets, and what a network answers, as users write them on the command line."""

import re
from collections.abc import Sequence
from typing import Any, get_args

from xai_heatmap.core.boxes.box import box
from xai_heatmap.core.boxes.every import boxes, suppressed
from xai_heatmap.core.boxes.parts import instance_mask, keypoint
from xai_heatmap.core.boxes.spec import Background, Boxes, Order, Unit
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, UnknownTarget, did_you_mean
from xai_heatmap.core.targets.category import category, negative, top
from xai_heatmap.core.targets.classes import class_index
from xai_heatmap.core.targets.contrast import contrast, margin, rest, similar
from xai_heatmap.core.targets.measured import residual_softmax
from xai_heatmap.core.targets.region import region
from xai_heatmap.core.targets.step import step
from xai_heatmap.core.targets.target import Choice, Choices
from xai_heatmap.core.targets.token import token

OF_THE_PREDICTION = {"margin": margin, "residual": residual_softmax}
READ = {"order": get_args(Order), "unit": get_args(Unit), "background": get_args(Background)}
"""Words that say how boxes are read, by the field of `Boxes` that each word sets."""

SHOWN = re.compile(r"for|against|the value|(class|value) \d+", re.IGNORECASE)
"""Pattern of what classes without names are called where they are shown."""

OF_A_CLASS = {"not ": negative, "residual ": residual_softmax}


def parsed(text: str, labels: Sequence[str] = ()) -> tuple[Choice | Choices, ...]:
    """The choices that a user's word stands for.

    ``top3``: the three likeliest classes, one after the other; ``top1``: the prediction. A number:
    the class of that index. A name, or one of its synonyms. ``A-B``: why A rather than B, each by
    number or name. ``A-rest``, ``A-similar``: against all others, or the three it is most easily
    taken for. ``margin``: the prediction against the runner-up. ``not A``: what speaks against A.
    ``residual``, ``residual A``: score and log-probability of the prediction, or of A. Any of these
    with ``@all`` or ``@left,top,right,bottom`` at its end: over the whole picture, or over a box of
    its pixels, for a network that scores every place. ``A@step2``: at one step of a sequence,
    counted from 0. ``box:left,top,right,bottom:A``: one box of
    a detector, by what speaks for A in it; any of the above may stand for A, or nothing for the
    box's own class, and nothing may stand for the four numbers. ``found:...``: the same, over
    whichever of its boxes is best (``box(..., held=False)``). ``box:2``, ``box:2:A``: its second
    detection. ``boxes``, ``boxes:0.4``, ``boxes:0.4:A``: all detections that are that probable, of
    A alone. ``suppressed:left,top,right,bottom:A``: the best box there that is no detection.
    ``token:3``, ``token:yes``, ``token:yes-no``: the third token of an answer in words, the token
    itself, or why it and not another one.
    ``mask:2``, ``keypoint:5:2``: the mask of the second detection, its key point 5.
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
    if found := _all_boxes(word):
        return (found,)
    if found := _of_an_answer(word):
        return (found,)
    if found := _in_a_box(word, labels) or _at_a_step(word, labels) or _in_a_region(word, labels):
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
            f"{text!r} can be read as a difference in {counted(len(pairs), 'way')}. Give "
            "the classes by their "
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


def _all_boxes(word: str) -> Choices | None:
    """The choice of every detection; None without the word for it."""
    said = re.fullmatch(r"boxes(?::([^:]*))?(?::(.*))?", word, re.IGNORECASE | re.DOTALL)
    if said is None:
        return None
    number, text = (said[1] or "").strip(), (said[2] or "").strip()
    if number and not re.fullmatch(r"\d*\.?\d+", number):
        raise UnknownTarget(
            f"All detections are written boxes, boxes:SCORE or boxes:SCORE:CLASS, such as "
            f"boxes:0.4:cat; received {word!r}."
        )
    which = int(text) if re.fullmatch(r"\d+", text) else text or None
    return boxes(float(number), which) if number else boxes(which=which)


def _in_a_box(word: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choices of a detector's box; none without the word for it."""
    said = re.fullmatch(
        r"(box|found|suppressed|mask|keypoint:\d+)(?::([^:]*))?(?::(.*))?",
        word,
        re.IGNORECASE | re.DOTALL,
    )
    part = said is not None and said[1].casefold().startswith(("mask", "keypoint"))
    if said is None or (said[2] is None and not part):
        return ()
    numbers, kind = (said[2] or "").strip(), said[1].casefold()
    where = tuple(numbers.split(",")) if numbers else None
    if where is not None and not all(re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", n) for n in where):
        raise UnknownTarget(
            f"A box is written box:LEFT,TOP,RIGHT,BOTTOM:CLASS, in pixels of the picture; received "
            f"{word!r}."
        )
    counted = where is not None and len(where) == 1 and where[0].strip().isdecimal()
    edges = None if where is None else int(where[0]) if counted else tuple(map(float, where))
    text = (said[3] or "").strip()
    one = _class(text, labels)
    if part:
        own = text if one is None and text else one
        point = kind.partition(":")[2]
        return (keypoint(int(point), edges, own) if point else instance_mask(edges, own),)
    if kind == "suppressed":
        if not isinstance(edges, tuple):
            raise UnknownTarget(
                "What was suppressed is written suppressed:LEFT,TOP,RIGHT,BOTTOM:CLASS, in pixels "
                f"of the picture; received {word!r}."
            )
        return (suppressed(edges, text if one is None and text else one),)
    inner = (one,) if one is not None or not text else _each(text, labels)
    return tuple(box(edges, choice, held=kind == "box") for choice in inner)


def _each(text: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choices of a word inside of another, each of which is one."""
    found = parsed(text, labels)
    if several := [choice for choice in found if isinstance(choice, Choices)]:
        raise UnknownTarget(f"{several[0].label} stands alone; write it as a target of its own.")
    return tuple(choice for choice in found if isinstance(choice, Choice))


def _at_a_step(word: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choices before ``@step`` and a number, at that step; none without that."""
    said = re.fullmatch(r"(.*)@\s*step\s*(-?\d+)\s*", word, re.IGNORECASE | re.DOTALL)
    if said is None:
        return ()
    if not said[1].strip():
        return (step(None, int(said[2])),)
    return tuple(step(choice, int(said[2])) for choice in _each(said[1], labels))


def _of_an_answer(word: str) -> Choice | None:
    """The choice of one token of an answer; None without the word for it."""
    said = re.fullmatch(r"token:\s*([^-]+?)\s*(?:-\s*(.+?)\s*)?", word, re.IGNORECASE | re.DOTALL)
    if said is None:
        return None
    number = re.fullmatch(r"\d+", said[1])
    return token(int(said[1]) if number else said[1], against=said[2])


def _in_a_region(word: str, labels: Sequence[str]) -> tuple[Choice, ...]:
    """The choices before the last @, over what stands behind it; none without that."""
    inner, at, where = word.rpartition("@")
    box = _box(where) if at else None
    return () if box is None else tuple(region(choice, box) for choice in _each(inner, labels))


def _box(text: str) -> str | tuple[float, ...] | None:
    """The word ``all``, or the four numbers of a box; None for anything else."""
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
    if not labels and SHOWN.fullmatch(word):
        return word
    known = [label.casefold() for label in labels]
    names = {part.strip() for label in known for part in label.split(",")} | set(known)
    return word if word.casefold() in names else None


def answering(text: str | None) -> str | Boxes | None:
    """Kind of a network's answer, in a user's word: ``classes``, ``labels``, ``values``, ``boxes``.

    Behind ``boxes:`` may stand how they are read, each part of it by its own word, in any order:
    ``boxes:xyxy,pixels,first,scores=NAME,boxes=NAME``. ``first`` and ``last`` say where the class
    for "nothing here" stands; ``objectness`` and ``no-objectness`` that there is such a number.

    Raises
    ------
    BadOption
        For a word that says nothing.
    """
    if text is None:
        return None
    kind, colon, more = text.strip().partition(":")
    if not colon:
        return kind
    parts = [part.strip() for part in more.split(",")]
    known = {word: name for name, words in READ.items() for word in words}
    said: dict[str, Any] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if equals and name in ("scores", "boxes"):
            said[name] = int(value) if value.isdecimal() else value
        elif part in ("objectness", "no-objectness"):
            said["objectness"] = part == "objectness"
        elif part in known:
            said[known[part]] = part
        else:
            words = [*known, "objectness", "no-objectness", "scores=NAME", "boxes=NAME"]
            raise BadOption(
                f"How boxes are read is said by {', '.join(words)}; received {part!r}."
                f"{did_you_mean(part, words)}"
            )
    if kind != "boxes":
        raise BadOption(f"Only boxes are described further; received {text!r}.")
    return Boxes(**said)
