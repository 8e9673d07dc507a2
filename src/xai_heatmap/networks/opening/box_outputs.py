"""Choice of a detector's scores and boxes among a model's outputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import ModelError, NoScores
from xai_heatmap.networks.opening.box_rows import Numbers, in_one_tensor, with_extras
from xai_heatmap.networks.opening.chosen_inside import lists_detections, no_way_back
from xai_heatmap.networks.opening.outputs import described, held

SCORES = ("pred_logits", "logits", "scores", "class_logits", "classification", "classes")
"""Usual names of the class scores of boxes, most telling first."""

BOXES = ("pred_boxes", "boxes", "bboxes")
"""Usual names of the boxes."""

DETR = ("logits", "pred_logits"), "pred_boxes"
"""Names of scores and boxes that, together, only detectors use."""

REPEATED = 1e-2
"""Difference of two answers to the same pictures, in part and in all, that counts as rounding."""

Key = str | int
Shapes = Mapping[Key, Sequence[int | None]]

Join = Callable[[Any, Any], Any]
"""Function that joins scores and boxes along the last axis."""


def known(output: Any, *, image: Sequence[int], numbers: Numbers) -> Boxes | None:
    """Scores and boxes of an output that can only be a detector's, by its names, or by its shape
    and numbers; else None.

    Raises
    ------
    NoScores
        If boxes were chosen inside of the model.
    """
    _check_chosen(output)
    if isinstance(output, Mapping):
        return named(list(output))
    own = main_part(output)
    return in_one_tensor(own[0] if isinstance(own, tuple | list) and own else own, image, numbers)


def main_part(output: Any) -> Any:
    """What a model answers for use, where what it would train by stands behind it: of several
    values of which the first is several itself, and the others are dicts or lists, the first.
    """
    if not isinstance(output, tuple | list) or len(output) < 2:
        return output
    first, *others = output
    nested = isinstance(first, tuple | list)
    beside = all(isinstance(one, Mapping | tuple | list) for one in others)
    return first if nested and beside else output


def named(names: Sequence[Key]) -> Boxes | None:
    """Scores and boxes among outputs of these names, None where the names are not a detector's."""
    scores = next((name for name in DETR[0] if name in names), None)
    return Boxes(scores, DETR[1]) if scores and DETR[1] in names else None


def resolved(output: Any, how: Boxes, *, numbers: Numbers, names: int = 0) -> Boxes:
    """Boxes with the names of scores and boxes filled in; scores None where one tensor is both,
    with what its numbers tell.

    Raises
    ------
    NoScores
        If they can't be told from each other, or boxes were chosen inside of the model.
    """
    _check_chosen(output)
    output = main_part(output)
    found = told(_shapes(output), how, says=described(output))
    if found.scores is not None:
        return found
    own = output if found.boxes is None else held(output, found.boxes)
    return with_extras(found, own, numbers, names=names)


def told(shapes: Shapes | Sequence[int | None], how: Boxes, *, says: str) -> Boxes:
    """As `resolved`, from the shapes of the outputs alone."""
    if not isinstance(shapes, Mapping):
        return how
    unread = NoScores(
        "A detector's scores (images, boxes, classes) and boxes (images, boxes, 4) were expected, "
        f"or one tensor with both; the model answers {says}. Say which they are: "
        "answers=xai_heatmap.Boxes(scores=KEY, boxes=KEY, ...)."
    )
    for key in (how.scores, how.boxes):
        if key is not None and key not in shapes:
            raise NoScores(f"The model's output has no {key!r}; it is {says}.")
    threes = {key: shape for key, shape in shapes.items() if len(shape) == 3}
    fours = [key for key, shape in threes.items() if shape[-1] == 4]
    boxes = how.boxes if how.boxes is not None else _first_or_only(BOXES, fours, threes)
    if boxes is None and len(threes) == 1 and how.scores is None:
        return _with_masks(replace(how, boxes=next(iter(threes))), shapes)
    if boxes is None or boxes not in threes:
        raise unread
    if boxes not in fours and how.scores is None:
        return _with_masks(replace(how, boxes=boxes), shapes)
    others = [key for key in threes if key != boxes and threes[key][1] == threes[boxes][1]]
    scores = how.scores if how.scores is not None else _first_or_only(SCORES, others, threes)
    if scores is None or scores not in others or boxes not in fours:
        raise unread
    return replace(how, scores=scores, boxes=boxes)


def _with_masks(how: Boxes, shapes: Shapes) -> Boxes:
    """Boxes with the number of mask coefficients per box: the number of mask prototypes in another
    output (images, masks, rows, columns), where the rows of the boxes are long enough.
    """
    if how.masks is not None or how.boxes is None:
        return how
    numbers = min((length for length in shapes[how.boxes][1:] if length), default=0)
    grids = [shape for shape in shapes.values() if len(shape) == 4]
    counts = [shape[3] if shape[1] == shape[2] != shape[3] else shape[1] for shape in grids]
    fitting = [count for count in counts if count and count + 5 <= numbers]
    return replace(how, masks=fitting[0]) if len(fitting) == 1 else how


def together(output: Any, how: Boxes, join: Join) -> Any:
    """Tensor of scores and boxes: joined, (n, boxes, classes + 4), or the model's own."""
    output = main_part(output)
    if how.scores is not None:
        return join(held(output, how.scores), held(output, how.boxes))
    return output if how.boxes is None else held(output, how.boxes)


def check_repeated(first: np.ndarray, second: np.ndarray, *, name: str) -> None:
    """Refuse a detector with two answers to the same pictures.

    Raises
    ------
    ModelError
        Where they differ by more than rounding: a box of one pass would be another in the next.
    """
    if first.shape == second.shape and np.allclose(first, second, rtol=REPEATED, atol=REPEATED):
        return
    raise ModelError(
        f"Shown the same pictures twice, {name} answers two different things, so that a box of one "
        "pass is none in the next. Take out what it draws at random, or draw it from a fixed seed "
        "in each call: generator = numpy.random.default_rng(0)."
    )


def _check_chosen(output: Any) -> None:
    if not isinstance(output, Mapping) and lists_detections(output, images=None):
        raise no_way_back()


def _first_or_only(names: Sequence[str], keys: Sequence[Key], among: Shapes) -> Key | None:
    """First of `names` among the outputs, else the only key in `keys`, else None."""
    found = next((name for name in names if name in among), None)
    return found if found is not None else keys[0] if len(keys) == 1 else None


def _shapes(output: Any) -> Shapes | Sequence[int | None]:
    """Shapes of the tensors in an output by key; for a single tensor its shape."""
    own = getattr(output, "shape", None)
    if own is not None:
        return tuple(own)
    items = (
        output.items()
        if isinstance(output, Mapping)
        else enumerate(output)
        if isinstance(output, tuple | list)
        else vars(output).items()
        if hasattr(output, "__dict__")
        else ()
    )
    shapes = {key: getattr(value, "shape", None) for key, value in items}
    return {key: tuple(shape) for key, shape in shapes.items() if shape is not None}
