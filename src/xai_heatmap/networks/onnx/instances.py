"""Masks that an ONNX file answers beside its boxes, each as one number: its mean logit."""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import ModelProto, TensorProto

from xai_heatmap.core.boxes.spec import Boxes, Order
from xai_heatmap.networks.onnx.autodiff import PREFIX
from xai_heatmap.networks.onnx.before_choice import known_at
from xai_heatmap.networks.onnx.cut import infos
from xai_heatmap.networks.onnx.input import given_inputs, lengths
from xai_heatmap.networks.onnx.pen import LEAST_OPSET, Pen, opset
from xai_heatmap.networks.opening.box_rows import BOX
from xai_heatmap.networks.opening.masked_rows import MOST, MaskedRows, masked_rows

WITH_MASKS = f"{PREFIX}boxes with the mean logit of their masks"
"""Name of the tensor in which a column of the masks stands behind the scores."""

TINY = 1e-9
"""Less than the share of one place of a mask."""


def with_instances(
    model: ModelProto, how: Boxes, answer: str, image: Sequence[int], *, names: int
) -> tuple[ModelProto, Boxes, str]:
    """Model with the mean logit of each mask as the last number of each box, how it is read, and
    the name of that tensor; all as they are where there are no masks.

    Parameters
    ----------
    model
        Is left as it is.
    how
        How the boxes are read.
    answer
        The one tensor with boxes and scores.
    image
        Rows and columns of the picture, where they are known.
    names
        How many names of classes the file has.
    """
    picture, shapes = _picture(model), _shapes(model, answer, image)
    found = _prototypes(model, answer, shapes)
    shape = shapes.get(answer, ())
    if found is None or picture is None or opset(model) < LEAST_OPSET or len(shape) != 3:
        return model, how, answer
    prototypes, count, last = found
    rows = masked_rows(how, shape, count, names)
    if rows is None:
        return model, how, answer
    pen = Pen(model, "masks")
    own = pen.real(answer)
    own = own if rows.boxes_last else pen.add("Transpose", own, perm=[0, 2, 1])
    best = None if rows.chosen else _best(pen, own, rows)
    meant = own if best is None else _of_boxes(pen, own, best, rows.numbers)
    masks = pen.real(prototypes)
    masks = pen.add("Transpose", masks, perm=[0, 3, 1, 2]) if last else masks
    value = _mean_logits(pen, meant, masks, count, how, picture)
    column = value if best is None else _at(pen, own, best, value)
    joined = pen.add("Concat", own, column, axis=1)
    if not rows.boxes_last:
        joined = pen.add("Transpose", joined, perm=[0, 2, 1])
    pen.answer(joined, WITH_MASKS, ("", "", ""))
    return pen.written, rows.read(how, count), WITH_MASKS


def _shapes(
    model: ModelProto, answer: str, image: Sequence[int]
) -> dict[str, tuple[int | None, ...]]:
    """Shapes of the outputs and of the answer, for a picture of that size where the file leaves a
    length open.
    """
    stated = infos(model)
    names = {answer, *(value.name for value in model.graph.output)}
    shapes = {name: lengths(stated[name]) for name in names if name in stated}
    if len(image) == 2 and any(None in own[1:] for own in shapes.values() if len(own) in (3, 4)):
        known = known_at(model, image)
        shapes |= {name: lengths(known[name]) for name in names if name in known}
    return shapes


def _prototypes(
    model: ModelProto, answer: str, shapes: Mapping[str, tuple[int | None, ...]]
) -> tuple[str, int, bool] | None:
    """The one output of maps, (images, masks, rows, columns) or with the masks last: its name, how
    many masks there are, and whether they are last.
    """
    names = [v.name for v in model.graph.output if v.name != answer]
    fours = {name: shapes[name] for name in names if len(shapes.get(name, ())) == 4}
    if len(fours) != 1:
        return None
    name, shape = next(iter(fours.items()))
    last = shape[1] is not None and shape[1] == shape[2] != shape[3]
    count = shape[3] if last else shape[1]
    return None if count is None else (name, count, last)


def _picture(model: ModelProto) -> tuple[str, bool] | None:
    """The one input of four axes, and whether its channels are last."""
    fours = [value for value in given_inputs(model) if len(lengths(value)) == 4]
    if len(fours) != 1:
        return None
    shape = lengths(fours[0])
    last = shape[3] in (1, 3) and shape[1] not in (1, 3)
    return fours[0].name, last


def _best(pen: Pen, own: str, rows: MaskedRows) -> str:
    """Numbers of the likeliest boxes, (n, 1, k), of boxes (n, numbers, boxes)."""
    likely, _ = pen.several("TopK", 2, pen.part(own, 1, *rows.scores), pen.numbers(1), axis=1)
    if rows.objectness:
        likely = pen.add("Mul", likely, pen.part(own, 1, BOX, BOX + 1))
    places = pen.add("Reshape", pen.length(own, 2), pen.numbers(1))
    most = pen.add("Min", places, pen.numbers(MOST))
    return pen.several("TopK", 2, likely, most, axis=2)[1]


def _of_boxes(pen: Pen, own: str, best: str, numbers: int) -> str:
    """The boxes of the numbers `best`, (n, numbers, k)."""
    every = pen.add("Expand", best, pen.numbers(1, numbers, 1))
    return pen.add("GatherElements", own, every, axis=2)


def _at(pen: Pen, own: str, best: str, value: str) -> str:
    """The values (n, 1, k) at the boxes `best`, 0 at all others: (n, 1, boxes)."""
    shape = pen.add("Shape", pen.part(own, 1, 0, 1))
    nothing = pen.add("Expand", pen.constant([0]), shape)
    return pen.add("ScatterElements", nothing, best, value, axis=2)


def _mean_logits(
    pen: Pen, rows: str, masks: str, count: int, how: Boxes, picture: tuple[str, bool]
) -> str:
    """Mean logit of each mask within its box, (n, 1, boxes), of boxes (n, numbers, boxes) whose
    last numbers are weights of `masks` (n, count, rows, columns).

    What lies in the box, and which logits are positive, is asked by comparisons, which have no
    derivative.
    """
    weights = pen.part(rows, 1, -count)
    logits = pen.add("Einsum", weights, masks, equation="nmb,nmrc->nbrc")
    inside = pen.add("Greater", logits, pen.constant(0))
    for number, axis in ((0, 3), (1, 2)):
        start, stop = _ends(pen, rows, number, how.order or ("xyxy" if how.chosen else "cxcywh"))
        at = _places(pen, masks, axis, (picture[0], axis - picture[1]), how)
        for operator, end in (("Less", start), ("Greater", stop)):
            outside = pen.add(operator, at, end)
            inside = pen.add("And", inside, pen.add("Not", outside))
    area = pen.add("Cast", inside, to=TensorProto.FLOAT)
    whole = pen.add("GlobalAveragePool", pen.add("Mul", logits, area))
    share = pen.add("Max", pen.add("GlobalAveragePool", area), pen.constant(TINY))
    return pen.add("Reshape", pen.add("Div", whole, share), pen.numbers(0, 1, -1))


def _ends(pen: Pen, rows: str, number: int, order: Order) -> tuple[str, str]:
    """Where a box starts and stops along an axis, (n, boxes, 1, 1)."""
    one, other = (pen.part(rows, 1, at, at + 1) for at in (number, number + 2))
    one, other = (pen.add("Reshape", own, pen.numbers(0, -1, 1, 1)) for own in (one, other))
    if order == "xyxy":
        return one, other
    if order == "xywh":
        return one, pen.add("Add", one, other)
    half = pen.add("Mul", other, pen.constant(0.5))
    return pen.add("Sub", one, half), pen.add("Add", one, half)


def _places(pen: Pen, masks: str, axis: int, picture: tuple[str, int], how: Boxes) -> str:
    """The middles of the places of a mask along an axis, in the unit of the boxes; with four axes,
    of which the others have length 1.
    """
    length = pen.length(masks, axis)
    zero, one = (pen.constant(number, np.int64) for number in (0, 1))
    at = pen.add("Add", pen.real(pen.add("Range", zero, length, one)), pen.constant(0.5))
    at = pen.add("Div", at, pen.real(length))
    if how.unit != "fractions":
        at = pen.add("Mul", at, pen.real(pen.length(*picture)))
    return pen.add("Reshape", at, pen.numbers(*(-1 if own == axis else 1 for own in range(4))))
