"""Conversion of a detector's scores and boxes to one row per image, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xai_heatmap.core.arrays import Native, Scores
from xai_heatmap.core.boxes.detections import box_form, said
from xai_heatmap.core.boxes.spec import Boxes, BoxForm, Order, Unit
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import NoScores
from xai_heatmap.core.targets.answer import Form, Meaning
from xai_heatmap.networks.opening.box_rows import CHOSEN, NO_PIXELS
from xai_heatmap.networks.opening.chosen_rows import ChosenReading, chosen_reading

AS_DETR: tuple[Order, Unit] = ("cxcywh", "fractions")
AS_YOLO: tuple[Order, Unit] = ("cxcywh", "pixels")

NO_FRACTIONS = 4.0
"""Limit of coordinates: most fractions stay below it."""


@dataclass(frozen=True)
class BoxReading:
    """Layout of a detector's own scores and boxes.

    Parameters
    ----------
    numbers
        Where in the model's answer of one box the numbers of a row stand, in the order of the row:
        scores, objectness, the box.
    of
        How many numbers the model answers for each box, those included that are in no row.
    boxes_last
        Whether the boxes are the last axis.
    form
        How the rows are read.
    """

    numbers: tuple[int, ...]
    of: int
    boxes_last: bool
    form: Form

    def rows(self, native: Native) -> Scores:
        """Reorder the output to one row per image: number by number, box by box."""
        by_number = native if self.boxes_last else np.moveaxis(native, 1, 2)
        return by_number[:, list(self.numbers)].reshape(len(native), -1)

    def native(self, rows: Scores) -> Native:
        """Rows in the layout of the model's output."""
        by_number = np.zeros((len(rows), self.of, self.form.places), rows.dtype)
        own = rows.reshape(len(rows), len(self.numbers), self.form.places)
        by_number[:, list(self.numbers)] = own
        return np.ascontiguousarray(by_number if self.boxes_last else np.moveaxis(by_number, 1, 2))


def box_reading(
    shape: Sequence[int],
    how: Boxes,
    *,
    image: Sequence[int],
    names: int = 0,
    native: Native | None = None,
) -> BoxReading | ChosenReading:
    """Layout of a detector's output of `shape`, images first.

    Parameters
    ----------
    shape
        Of the one tensor with scores and boxes.
    how
        What was said and found out.
    image
        Rows and columns of the input.
    names
        How many classes the model has names for.
    native
        The answer itself, where boxes were chosen; without it their places alone are known.

    Raises
    ------
    NoScores
        If it can't be read that way, or not without more being said.
    """
    if len(shape) != 3 or len(image) != 2:
        raise NoScores(
            "A detector answers scores and boxes for every picture of rows and columns; this one "
            f"answers {'x'.join(map(str, shape[1:]))}. Say which outputs they are: "
            "answers=xai_heatmap.Boxes(scores=KEY, boxes=KEY, ...)."
        )
    if how.chosen:
        order, unit = _order_and_unit(how)
        whole = (float(image[0]), float(image[1])) if unit == "pixels" else (1.0, 1.0)
        parts = part_columns(how, CHOSEN, shape[2])
        own = BoxForm(order, whole, False, None, True, how.points or 0, bool(how.instances))
        answered = np.zeros(shape) if native is None else native
        return chosen_reading(answered, own, names=names, parts=parts)
    apart = how.scores is not None
    boxes_last = not apart and _boxes_last(shape)
    count, numbers = (shape[2], shape[1]) if boxes_last else (shape[1], shape[2])
    said = how.objectness is not None or apart or boxes_last
    objectness = not apart and objectness_in(how, boxes_last, numbers - 4, names)
    masks = int(bool(how.instances)) if apart else how.masks or 0
    classes = numbers - 4 - objectness - masks
    if how.masks is None and not apart and 0 < names < classes - (not boxes_last):
        masks, classes = classes - names, names
    if classes < 1:
        raise NoScores(
            f"The model answers {counted(numbers, 'number')} for each of "
            f"{counted(count, 'box')}: 4 for the box"
            f"{' and 1 for objectness' if objectness else ''}"
            f"{f' and {masks} for masks' if masks else ''}, and none is left for a class. Say "
            "what they are: answers=xai_heatmap.Boxes(...)."
        )
    order, unit = _order_and_unit(how)
    whole = (float(image[0]), float(image[1])) if unit == "pixels" else (1.0, 1.0)
    nothing = _background(how, classes, names)
    told = said or names > 0
    box = BoxForm(
        order, whole, objectness, nothing, False, how.points or 0, bool(how.instances), told
    )
    form = Form((count,), box)
    places = tuple(range(numbers))
    first = 4 + objectness
    parts = () if apart else part_columns(how, first + classes, numbers)
    turned = (*places[first : first + classes], *places[4:first], *parts, *places[:4])
    return BoxReading(places if apart else turned, numbers, boxes_last, form)


def objectness_in(how: Boxes, boxes_last: bool, others: int, names: int) -> bool:
    """Whether one number of each box is objectness: as said; else where boxes are rows, unless as
    many numbers stand behind the box as there are names of classes.

    Parameters
    ----------
    others
        How many numbers a box has beside the box.
    """
    if how.objectness is not None:
        return how.objectness
    return not boxes_last and (not names or others - (how.masks or 0) != names)


def part_columns(how: Boxes, start: int, stop: int) -> tuple[int, ...]:
    """Which numbers, from `start` to `stop`, are scores of key points and of the mask."""
    mask = (stop - 1,) if how.instances else ()
    if not how.points:
        return mask
    between = 3 if stop - len(mask) - start >= 3 * how.points else 1
    every = range(start + between - 1, start + between * how.points, between)
    return (*every, *mask)


def meaning_of(rows: Scores, form: Form, *, keep_closing: bool) -> Meaning:
    """Meaning of a detector's scores: logits unless all numbers lie in [0, 1]."""
    numbers = said(rows, form)
    if not (numbers.size and (numbers >= 0).all() and (numbers <= 1).all()):
        return "logits"
    if keep_closing:
        return "probabilities"
    several = form.classes(rows.shape[1]) > 1
    sums = numbers[:, : form.classes(rows.shape[1])].sum(axis=1)
    alone = several and not box_form(form).chosen and bool(np.allclose(sums, 1, atol=1e-3))
    return "log-probabilities" if alone else "log-odds"


def check_unit(rows: Scores, form: Form) -> None:
    """Refuse boxes whose coordinates contradict the given unit, pixels or fractions.

    Raises
    ------
    NoScores
        For pixels that never pass 2, and fractions of which most do pass 4.
    """
    if form.boxes is None:
        return
    coordinates = np.abs(rows[:, -4 * form.places :])
    if form.boxes.chosen and not coordinates.any():  # nothing was found
        return
    fractions = form.boxes.whole == (1.0, 1.0)
    largest, usual = float(coordinates.max(initial=0)), float(np.median(coordinates))
    if (fractions and usual > NO_FRACTIONS) or (not fractions and largest <= NO_PIXELS):
        read, other = ("fractions", "pixels") if fractions else ("pixels", "fractions")
        raise NoScores(
            f"Boxes were read as {read} of the network's input, and their numbers go up to "
            f"{largest:.3g}. Say answers=xai_heatmap.Boxes(unit={other!r}, order=...)."
        )


def _boxes_last(shape: Sequence[int]) -> bool:
    """Whether the last axis of a tensor counts boxes: the longer axis does."""
    if shape[1] == shape[2]:
        raise NoScores(
            f"The model answers {shape[1]}x{shape[2]} numbers, as many boxes as numbers of each: "
            "nobody can tell which is which. Let it answer scores and boxes as two outputs."
        )
    return shape[2] > shape[1]


def _order_and_unit(how: Boxes) -> tuple[Order, Unit]:
    usual = AS_YOLO if how.scores is None else AS_DETR if how.boxes == "pred_boxes" else None
    order = how.order or (usual and usual[0])
    unit = how.unit or (usual and usual[1])
    if order is None or unit is None:
        raise NoScores(
            f"What the four numbers of a box are was not said, and {how.boxes!r} does not tell. "
            "Say it: answers=xai_heatmap.Boxes(order='xyxy', 'cxcywh' or 'xywh', unit='pixels' or "
            "'fractions')."
        )
    return order, unit


def _background(how: Boxes, classes: int, names: int) -> int | None:
    if how.background is not None:
        return 0 if how.background == "first" else classes - 1
    return classes - 1 if names and classes == names + 1 else None
