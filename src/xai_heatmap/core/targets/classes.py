"""The classes that a network tells apart: how many, in which order, by which names."""

import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from xai_heatmap.core.arrays import ScoreRow, Scores
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget, did_you_mean
from xai_heatmap.core.shapes import Float32, Shaped

FEW = 12
"""Names that are listed where one is not found, at most."""


def classes(scores: ScoreRow) -> int:
    """Number of classes to explain; a single unit has two, against (0) and for (1)."""
    return max(len(scores), 2)


def ranking(scores: ScoreRow) -> list[int]:
    """Class indices from the highest score to the lowest; ties keep their order."""
    full = np.array([-scores[0], scores[0]]) if len(scores) == 1 else scores
    return np.argsort(-full, kind="stable").tolist()


def highest(scores: ScoreRow, count: int) -> list[int]:
    """The first so many of `ranking`, without a sort of all."""
    if not count < len(scores):
        return ranking(scores)[:count]
    least = np.partition(scores, -count)[-count]
    among = np.flatnonzero(scores >= least)
    if len(among) < count:  # NaN is among them
        return ranking(scores)[:count]
    return among[np.argsort(-scores[among], kind="stable")][:count].tolist()


def softmax(scores: Scores) -> Scores:
    """p_c = exp(s_c) / Σ_d exp(s_d), each row on its own."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def both(rows: Scores) -> Float32[np.ndarray, "n both"]:
    """Scores of every class: of both where the network ends in a single unit."""
    return np.concatenate([np.zeros_like(rows), rows], axis=1) if rows.shape[1] == 1 else rows


def sigmoid(scores: Float32[np.ndarray, "*rows"]) -> Float32[np.ndarray, "*rows"]:
    """p = 1 / (1 + exp(-s)), each number on its own."""
    return np.exp(-np.logaddexp(np.float32(0), -scores))


def plain(which: Any) -> Any:
    """A number or a name that an array or a tensor holds, such as an argmax; a list of those that
    one with several holds. Anything else as it is.

    >>> plain(np.array(3)), plain(np.array([0, 2])), plain("cat")
    (3, [0, 2], 'cat')
    """
    given: Any = which
    detach: Any = getattr(given, "detach", None)  # torch's way to numpy, from a GPU and a gradient
    if callable(detach) or hasattr(given, "__array__"):
        own: Any = given if detach is None else cast("Any", detach)().cpu()
        array: Shaped[np.ndarray, ...] = np.asarray(own)
        return array.tolist() if array.dtype.kind in "iuU" else given
    return given


def class_named(which: Any) -> int | str:
    """A class as it can be chosen: a whole number, or a name.

    Raises
    ------
    UnknownTarget
        For anything else, at once.
    """
    said: Any = plain(which)
    if isinstance(said, list):  # of a batch of one
        numbers = cast("list[Any]", said)
        said = numbers[0] if len(numbers) == 1 else numbers
    if isinstance(said, str):
        return said
    try:
        if not isinstance(said, bool | np.bool_):
            return operator.index(said)
    except TypeError:
        pass
    raise UnknownTarget(
        f"A class is given by its number or its name; received {type(which).__name__} {which!r}. "
        "Write target=3, target='cat', or a choice such as xai_heatmap.contrast(3, against=5)"
        f"{'; of a function of the scores, xai_heatmap.function(f)' if callable(which) else ''}."
    )


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
                f"There is no class {which}; this network tells {counted(count, 'class')} "
                "apart: 0 to "
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
    few = f": {', '.join(labels)}" if 0 < len(labels) <= FEW and not hint else ""
    raise UnknownTarget(f"No class is called {which!r}.{hint} {len(labels)} names are known{few}.")
