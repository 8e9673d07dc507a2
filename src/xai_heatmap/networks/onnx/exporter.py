"""What exporters of detectors write into the metadata of a file, read as untrusted data."""

import ast
from collections.abc import Mapping
from typing import Any

from onnx import ModelProto

from xai_heatmap.core.network import Declared
from xai_heatmap.networks.onnx.limits import MOST_NUMBERS

DETECTING = ("detect", "segment", "pose", "obb")
"""Tasks, as ultralytics names them, whose answer is boxes."""

LONGEST = 1 << 20
"""Most characters of an entry."""

MOST_NAMES, LONGEST_NAME = 100_000, 1000

WITH_SCORE = 3
"""Numbers of a key point that has a score: two coordinates and the score."""

MOST_POINTS = 10_000


def task(model: ModelProto) -> str | None:
    """Task that the file says it was exported for; None where it names none of those."""
    said = _entries(model)
    found = said.get("task")
    return found if "names" in said and found in DETECTING else None


def names(model: ModelProto) -> tuple[str, ...] | None:
    """Names of the classes, None where the file has none."""
    found = _literal(_entries(model).get("names"))
    if not isinstance(found, Mapping) or not 0 < len(found) <= MOST_NAMES:
        return None
    every = [found.get(number) for number in range(len(found))]
    fit = [one for one in every if isinstance(one, str) and len(one) <= LONGEST_NAME]
    return tuple(fit) if len(fit) == len(every) and all(map(str.isprintable, fit)) else None


def points(model: ModelProto) -> int:
    """Count of key points of each box that have a score behind their two coordinates, 0 where the
    file names none.
    """
    shape = _literal(_entries(model).get("kpt_shape")) if task(model) == "pose" else None
    if not isinstance(shape, list | tuple) or len(shape) != 2 or shape[1] != WITH_SCORE:
        return 0
    count: object = shape[0]
    return count if type(count) is int and 0 < count <= MOST_POINTS else 0


def declared(model: ModelProto, *, image_shape: tuple[int, ...] | None) -> Declared | None:
    """Declarations of a file that was exported by ultralytics as a detector; None of any other."""
    if task(model) is None:
        return None
    size = _literal(_entries(model).get("imgsz"))
    known = isinstance(size, list) and len(size) == 2 and all(type(side) is int for side in size)
    if image_shape is None and known and 0 < 3 * size[0] * size[1] <= MOST_NUMBERS:
        image_shape = (3, size[0], size[1])
    prepare = {"mode": "unit", "fit": "letterbox"}
    return Declared(image_shape, prepare, names(model), answers="boxes")


def _entries(model: ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _literal(text: str | None) -> Any:
    if text is None or len(text) > LONGEST:
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
