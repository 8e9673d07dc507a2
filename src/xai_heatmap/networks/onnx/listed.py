"""Detections that an ONNX file chose inside, boxes, scores and classes, as one tensor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.onnx.autodiff import PREFIX
from xai_heatmap.networks.onnx.check import in_order
from xai_heatmap.networks.onnx.input import REAL, WHOLE, given_inputs, lengths
from xai_heatmap.networks.onnx.pen import LEAST_OPSET, Pen, opset
from xai_heatmap.networks.opening.box_rows import BOX, CHOSEN
from xai_heatmap.networks.opening.chosen_rows import DETECTIONS

LISTED = f"{PREFIX}detections, each its box, its score and its class"
"""Name of the tensor (images, detections, 6)."""

CHOOSING = ("NonMaxSuppression",)
"""Operators that only detectors use."""

HEIGHT_FIRST = "detection_boxes"
"""Name, in files from TensorFlow, of boxes as top, left, bottom, right, in fractions."""

SIZES = "orig_target_sizes"
"""Input, in files of RT-DETR and D-FINE, for the width and height that the boxes are given in."""

SQUEEZED = 13
"""From this opset on, Squeeze takes its axes as an input."""


@dataclass(frozen=True)
class Listed:
    """Outputs that are detections.

    Parameters
    ----------
    boxes, scores, labels
        Their names: (detections, 4), (detections,) and (detections,), or with images before.
    images
        Whether an axis of images is before.
    """

    boxes: str
    scores: str
    labels: str
    images: bool


def with_listed(model: ModelProto) -> tuple[ModelProto, Boxes] | None:
    """Model with its detections as the output `LISTED`, and how they are read; None where it
    answers none. The classes are the file's own numbers.

    A picture without an axis for images, as torchvision's files take it, gets one; where the file
    asks for the picture's size, that is the size of its own input.
    """
    found = _outputs(model)
    if found is None or opset(model) < LEAST_OPSET:
        return None
    pen = Pen(model, "detections")
    boxes, scores, labels = map(pen.real, (found.boxes, found.scores, found.labels))
    high = found.boxes.split(":")[0].endswith(HEIGHT_FIRST)
    if high:
        boxes = pen.add("Gather", boxes, pen.numbers(1, 0, 3, 2), axis=-1)
    last = pen.numbers(0, 0, 1) if found.images else pen.numbers(0, 1)
    scores, labels = (pen.add("Reshape", one, last) for one in (scores, labels))
    rows = pen.add("Concat", boxes, scores, labels, axis=-1)
    if not found.images:
        none = pen.constant([[0.0] * CHOSEN] * DETECTIONS)
        rows = pen.part(pen.add("Concat", rows, none, axis=0), 0, 0, DETECTIONS)
        rows = pen.add("Reshape", rows, pen.numbers(1, DETECTIONS, CHOSEN))
    pen.answer(rows, LISTED, ("", "", CHOSEN))
    written = _sized(_in_batches(pen.written))
    unit = "fractions" if high else "pixels"
    return written, Boxes(boxes=LISTED, order="xyxy", unit=unit, masks=0, chosen=True)


def _outputs(model: ModelProto) -> Listed | None:
    """The outputs that are detections, by their shapes, types and names."""
    every = [one for one in model.graph.output if one.type.tensor_type.HasField("shape")]
    real = [one for one in every if one.type.tensor_type.elem_type in REAL]
    for boxes in (one for one in real if len(lengths(one)) in (2, 3)):
        axes = len(lengths(boxes))
        if lengths(boxes)[-1] != BOX or not _is_sure(model, boxes):
            continue
        beside = [one for one in every if len(lengths(one)) == axes - 1]
        scores = [one for one in beside if one in real]
        labels = [one for one in beside if one.type.tensor_type.elem_type in WHOLE]
        if len(scores) > 1:
            labels = labels or _named(scores, "class", "label")
            scores = _named(scores, "score")
        if len(scores) == len(labels) == 1:
            return Listed(boxes.name, scores[0].name, labels[0].name, axes == 3)
    return None


def _is_sure(model: ModelProto, boxes: ValueInfoProto) -> bool:
    """Whether four numbers can only be boxes: they are named so, or the file chooses boxes."""
    named = "box" in boxes.name.casefold()
    alone = len(lengths(boxes)) == 2
    return (named and not alone) or any(kind in CHOOSING for kind in _operators(model.graph))


def _named(values: Sequence[ValueInfoProto], *words: str) -> list[ValueInfoProto]:
    return [one for one in values if any(word in one.name.casefold() for word in words)]


def _operators(graph: GraphProto) -> Iterator[str]:
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _operators(body)


def _in_batches(model: ModelProto) -> ModelProto:
    """Model whose one picture (channels, rows, columns) has an axis for images before it."""
    pictures = given_inputs(model)
    if len(pictures) != 1 or len(lengths(pictures[0])) != 3:
        return model
    (picture,), pen = pictures, Pen(model, "picture")
    axes = [pen.numbers(0)] if opset(model) >= SQUEEZED else []
    said = {} if axes else {"axes": [0]}
    alone = pen.add("Squeeze", picture.name, *axes, **said)
    for node in pen.written.graph.node:
        if node.output[0] != alone:
            node.input[:] = [alone if name == picture.name else name for name in node.input]
    own = next(one for one in pen.written.graph.input if one.name == picture.name)
    kind, shape = own.type.tensor_type.elem_type, (1, *lengths(picture))
    sides = [side if side is not None else f"side {at}" for at, side in enumerate(shape)]
    own.CopyFrom(helper.make_tensor_value_info(picture.name, kind, sides))
    return in_order(pen.written)


def _sized(model: ModelProto) -> ModelProto:
    """Model that takes the size of its input where it asks for the picture's size."""
    pictures = [one for one in given_inputs(model) if len(lengths(one)) == 4]
    sizes = [one for one in given_inputs(model) if one.name == SIZES]
    if len(pictures) != 1 or len(sizes) != 1 or lengths(sizes[0])[1:] != (2,):
        return model
    pen = Pen(model, "size")
    shape = pen.add("Shape", pictures[0].name)
    side = pen.add("Gather", shape, pen.numbers(3, 2), axis=0)
    side = pen.add("Reshape", side, pen.numbers(1, 2))
    count = pen.add("Concat", pen.part(shape, 0, 0, 1), pen.numbers(2), axis=0)
    every = pen.add("Expand", side, count)
    kind = sizes[0].type.tensor_type.elem_type or TensorProto.INT64
    size = pen.add("Cast", every, to=kind)
    for node in pen.written.graph.node:
        node.input[:] = [size if name == SIZES else name for name in node.input]
    kept = [one for one in pen.written.graph.input if one.name != SIZES]
    del pen.written.graph.input[:]
    pen.written.graph.input.extend(kept)
    return in_order(pen.written)
