"""Outputs in which a model has chosen already: detections of a picture, largest scores by rank."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from xai_heatmap.core.errors import NoScores

RANKING = ("topk", "sort", "max", "min", "kthvalue", "mode", "median")
"""Functions of torch that answer values and the numbers of classes that have these values."""

NUMBERS_OF_A_BOX = (6, 7)
"""Columns of a chosen box: four sides, score and class, and perhaps the picture's number."""


def no_way_back() -> NoScores:
    """Refusal of detections from which no gradient leads back."""
    return NoScores(
        "Explain one detection of this model with xai_heatmap.detector(function, box=(left, "
        "top, right, bottom), scores=[...]), where function answers boxes and scores of each "
        "picture: the model answers a list of detections, chosen inside of it, and that choice "
        "has no derivative. Or wrap the model so that it answers scores and boxes before it "
        "chooses; every method then explains them."
    )


def ranked_already() -> NoScores:
    """Refusal of scores in the order of their size."""
    return NoScores(
        "The model answers its largest scores and which classes have them (as topk, sort and max "
        "do): the first of them is another class for each picture. Let it answer all scores, in "
        "the order of the classes; top=5 shows the largest. To explain one of these values as it "
        "is, say output=0."
    )


def check_unchosen(output: Any, *, images: int | None) -> None:
    """Refuse an output in which the model has chosen already.

    Raises
    ------
    NoScores
        If it lists detections of each picture, or its largest scores beside their classes.
    """
    if lists_detections(output, images=images):
        raise no_way_back()
    if ranked(output):
        raise ranked_already()


def lists_detections(output: Any, *, images: int | None) -> bool:
    """Whether an output lists what was found in each picture, alone or behind losses.

    >>> lists_detections([{"boxes": 1, "scores": 2}, {"boxes": 1, "scores": 2}], images=2)
    True
    """
    if isinstance(output, Mapping):
        boxes = [own for key, own in output.items() if "box" in str(key).casefold()]
        return bool(boxes) and all(isinstance(own, list | tuple) for own in boxes)
    if not isinstance(output, list | tuple) or not output:
        return False
    if len(output) == 2 and isinstance(output[0], Mapping) and not output[0]:
        return lists_detections(output[1], images=images)
    counted = images == len(output)
    return all(_says_boxes(one) or (counted and _rows_of_boxes(one, images)) for one in output)


def _says_boxes(one: Any) -> bool:
    """Whether the answer for one picture names boxes."""
    names = one if isinstance(one, Mapping) else getattr(one, "__dict__", ())
    said = [str(name).casefold() for name in names]
    return any("boxes" in name or name == "instances" for name in said)


def _rows_of_boxes(one: Any, images: int | None) -> bool:
    """Whether the answer for one picture is a row for each box, or boxes beside their scores."""
    if isinstance(one, list | tuple):
        shapes = [tuple(getattr(own, "shape", ())) for own in one]
        boxes = [shape for shape in shapes if len(shape) == 2 and shape[1] == 4]
        return bool(boxes) and all(shape[:1] == boxes[0][:1] for shape in shapes)
    shape = tuple(getattr(one, "shape", ()))
    return len(shape) == 2 and shape[1] in NUMBERS_OF_A_BOX and shape[0] != images


def ranked(output: Any) -> bool:
    """Whether an output is values in the order of their size, beside the numbers of classes.

    >>> values, classes = np.float32([[3, 1], [2, 0]]), np.int64([[4, 2], [0, 9]])
    >>> ranked((values, classes)), ranked((values[:, ::-1], classes))
    (True, False)
    """
    if type(output).__module__ == "torch.return_types":
        return type(output).__name__.rpartition(".")[2] in RANKING
    if not isinstance(output, list | tuple) or len(output) != 2:
        return False
    values, classes = output
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] in (None, 1):
        return False
    if tuple(shape) != tuple(getattr(classes, "shape", ())) or "int" not in str(
        getattr(classes, "dtype", "")
    ):
        return False
    try:
        found = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except Exception:  # noqa: BLE001 symbols of a framework have no values
        return False
    return bool((np.diff(found.astype(np.float64), axis=1) <= 0).all())
