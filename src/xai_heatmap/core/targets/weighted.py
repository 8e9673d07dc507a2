"""A target over several classes or outputs at once: any weights on the scores."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer
from xai_heatmap.core.targets.category import category
from xai_heatmap.core.targets.classes import class_named
from xai_heatmap.core.targets.numbers import numbers
from xai_heatmap.core.targets.target import Choice, Target, linear
from xai_heatmap.core.tensors import as_numpy


def weighted(weights: Any) -> Choice:
    """Several scores added up: y = Σ_c w_c s_c.

    ``weighted({"cat": 1, "dog": 1})`` explains cat and dog together, ``weighted({0: 1, 5: -1})`` is
    ``contrast(0, against=5)``. A one-hot row, as some libraries want their targets, is one class.

    Parameters
    ----------
    weights
        A table from classes, by number or name, to their weights; or an array of one weight for
        each score of the network.

    Raises
    ------
    UnknownTarget
        For weights that are no finite numbers, none but 0, or not as many as scores.
    """
    if isinstance(weights, Mapping):
        given = cast("Mapping[Any, Any]", weights)
        table = {class_named(which): _number(weight) for which, weight in given.items()}
        if not any(table.values()):
            raise UnknownTarget("No class has a weight beside 0, so nothing would be explained.")
        return Choice(f"weighted({table})", lambda answer: _of_table(table, answer))
    row = numbers(weights, "Weights are one number for each score of the network").ravel()
    if not row.size or not np.isfinite(row).all() or not row.any():
        raise UnknownTarget(
            "Weights are one finite number for each score, not all of them 0; received "
            f"{np.array2string(row, threshold=8)}. Write target=3 for one class."
        )
    row = row.astype(np.float32)
    said = np.array2string(row, threshold=8, separator=", ").replace("\n", "")
    return Choice(f"weighted({said})", lambda answer: _of_row(row, answer))


def rows_of_weights(given: Any) -> list[np.ndarray] | None:
    """The rows of an array or tensor of real numbers, (n, scores) or one of them; else None."""
    if not hasattr(given, "shape") or "float" not in str(getattr(given, "dtype", "")):
        return None
    array = as_numpy(given)
    if array is None or array.ndim not in (1, 2) or (array.ndim == 1 and len(array) < 2):
        return None
    return list(array) if array.ndim == 2 else [array]


def _of_table(table: Mapping[int | str, float], answer: Answer) -> Target:
    """Weighted sum of the classes' own rows, so that a single unit has two classes."""
    row = answer.scores[None]
    parts = [
        (category(which)(answer), np.float32(weight)) for which, weight in table.items() if weight
    ]
    weights = sum(
        (weight * own.cotangent(row)[0] for own, weight in parts),
        start=np.zeros(answer.units, np.float32),
    )
    label = " + ".join(
        own.label if weight == 1 else f"{weight:g} {own.label}" for own, weight in parts
    )
    return linear(weights, label.replace("+ -", "- "), index=_only(parts))


def _only(parts: list[tuple[Target, np.float32]]) -> int | None:
    return parts[0][0].index if len(parts) == 1 and parts[0][1] == 1 else None


def _of_row(row: np.ndarray, answer: Answer) -> Target:
    if len(row) != answer.units:
        raise UnknownTarget(
            f"The network answers {counted(answer.units, 'score')}, and "
            f"{counted(len(row), 'weight was given', 'weights were given')}: "
            "one for each, in their order; or name the classes: weighted({3: 1, 5: 1})."
        )
    used = np.flatnonzero(row)
    if len(used) == 1 and row[used[0]] == 1 and not answer.single:
        return category(int(used[0]))(answer)
    return linear(row, f"{len(used)} of {counted(answer.units, 'score')}, weighted")


def _number(weight: Any) -> float:
    found = numbers(weight, "The weight of a class is a finite number")
    if found.size != 1 or not np.isfinite(found).all():
        raise UnknownTarget(f"The weight of a class is a finite number; received {weight!r}.")
    return float(found.ravel()[0])
