"""A target at one word of an answer: why this token, and why not another one in its place."""

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.region import over
from xai_heatmap.core.targets.target import Choice, Target, linear


def token(which: int | str, *, against: str | None = None) -> Choice:
    """One token of an answer in words, of a network that answers (images, tokens, vocabulary): its
    score, y = s_a at its place; against another one y = s_a - s_b at that place.

    Parameters
    ----------
    which
        The token itself, at the first place of the answer where it stands; or its number in the
        answer, counted from 1: ``token(3)`` is the third.
    against
        A token that could stand there instead. Where `which` is not in the answer, the place is
        where this one stands: ``token("yes", against="no")`` asks of either answer.

    Raises
    ------
    UnknownTarget
        For a token that is not in the answer or unknown to the network, and a number beyond its
        end.
    """
    _check(which, against)
    named = repr(which) if against is None else f"{which!r}, against={against!r}"

    def pick(answer: Answer) -> Target:
        form = answer.form
        if len(form.grid) != 1 or form.boxes is not None:
            raise UnknownTarget(
                "A token needs a network that answers a sequence, (images, tokens, vocabulary): "
                "xai_heatmap.answer(model, processor, image, prompt) makes one of a model that "
                "answers in words. Of a network with one score a class give the class."
            )
        said = answer.winners
        at, own = _found(which, against, said, answer)
        weights, units = np.zeros(form.places, np.float32), np.zeros(answer.units, np.float32)
        weights[at] = units[own] = 1
        label, index, first = f"{answer.label(own)!r}, token {at + 1}", own, None
        if against is not None:
            other = _known(against, answer, at)
            if other == own:
                raise UnknownTarget(f"{against!r} is the token itself; give another one.")
            units[other] = -1
            label = f"{answer.label(own)!r} - {answer.label(other)!r}, token {at + 1}"
            index, first = None, own
        return over(linear(units, label, index=index, first=first), weights, answer, label=label)

    return Choice(f"token({named})", pick, over=True)


def _check(which: object, against: object) -> None:
    number = isinstance(which, int | np.integer) and not isinstance(which, bool)
    if not number and not (isinstance(which, str) and which):
        raise UnknownTarget(
            f"A token is given by itself or by its number, counted from 1; received {which!r}. "
            'Write xai_heatmap.token("yes") or xai_heatmap.token(3).'
        )
    if isinstance(which, int | np.integer) and which < 1:
        raise UnknownTarget(f"Tokens of an answer are counted from 1; received {which!r}.")
    if against is not None and (not isinstance(against, str) or against == which):
        raise UnknownTarget(
            f"A token is held against another one; received {against!r}. Write "
            'xai_heatmap.token("yes", against="no").'
        )


def _found(
    which: int | str, against: str | None, said: np.ndarray, answer: Answer
) -> tuple[int, int]:
    """Place in the answer, counted from 0, and number in the vocabulary, of the token."""
    words = ", ".join(repr(answer.label(int(one))) for one in said)
    if not isinstance(which, str):
        if which > len(said):
            raise UnknownTarget(
                f"The answer has {counted(len(said), 'token')} ({words}); token({which}) "
                "is none of them."
            )
        return int(which) - 1, int(said[which - 1])
    own, other = _numbers(which, answer), _numbers(against, answer)
    for numbers in (own, other):
        places = np.flatnonzero(np.isin(said, numbers))
        if len(places):
            at = int(places[0])
            return at, int(said[at]) if said[at] in own else _known(which, answer, at)
    raise UnknownTarget(
        f"{which!r} is no token of the answer, which is {words}. Give one of them, its number, or "
        "the one that it is held against: token('yes', against='no')."
    )


def _known(word: str, answer: Answer, at: int) -> int:
    """Number of a token in the vocabulary, the likeliest at that place where several read so."""
    numbers = _numbers(word, answer)
    if not numbers:
        raise UnknownTarget(
            f"{word!r} is no token that the network knows. Give one that it may answer as a whole: "
            "words of several tokens have a first one."
        )
    return max(numbers, key=lambda one: float(answer.per_place[one, at]))


def _numbers(word: str | None, answer: Answer) -> list[int]:
    """Numbers of the tokens that read as a word, with and without the space before it."""
    return [i for i, label in enumerate(answer.labels) if word is not None and label == word]
