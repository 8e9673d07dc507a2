"""The scores and boxes of a detector in an ONNX graph, as one tensor."""

from collections.abc import Sequence
from dataclasses import replace

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper
from onnx.shape_inference import infer_shapes

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import NoScores
from xai_heatmap.networks.onnx import exporter
from xai_heatmap.networks.onnx.before_choice import CHOOSING, boxes_before, order_before
from xai_heatmap.networks.onnx.cut import leading_to
from xai_heatmap.networks.onnx.input import lengths
from xai_heatmap.networks.onnx.instances import with_instances
from xai_heatmap.networks.onnx.metadata import CLASSES
from xai_heatmap.networks.opening.box_outputs import Shapes, named, told
from xai_heatmap.networks.opening.box_rows import BOX, CHOSEN, covers_levels

TOGETHER = "scores and boxes"
"""Name of the joined tensor, where the file has two outputs."""


def in_onnx(model: ModelProto, image: Sequence[int]) -> Boxes | None:
    """Scores and boxes of a file whose outputs can only be a detector's, else None.

    Told by the names of the outputs, by what the exporter says of the file, or by as many boxes as
    several levels of pictures of this size have places.
    """
    outputs = {value.name: value for value in model.graph.output}
    found = named(list(outputs))
    if found is not None or exporter.task(model):
        return found or Boxes()
    tensors = [value for value in outputs.values() if _is_tensor(value)]
    threes = [value for value in tensors if len(lengths(value)) == 3]
    rows = [value for value in tensors if len(lengths(value)) == 2]  # scores, with maps beside them
    explained = any(entry.key == CLASSES for entry in model.metadata_props)
    if len(threes) != 1 or rows or explained or not image:
        return None
    sides = [side for side in _inferred(model, threes[0])[1:] if isinstance(side, int)]
    boxes = len(sides) == 2 and min(sides) > BOX and covers_levels(max(sides), image)
    return Boxes() if boxes else None


def with_boxes(
    model: ModelProto, how: Boxes, image: Sequence[int] = ()
) -> tuple[ModelProto, Boxes, str]:
    """Model with scores and boxes as one tensor, the layout of that tensor, and its name.

    Parameters
    ----------
    model
        Is left as it is.
    how
        How its answer is read.
    image
        Rows and columns of the picture, where they are known: boxes that are chosen inside are
        then looked for before the choice.

    Raises
    ------
    NoScores
        If they can't be told from each other, or are chosen inside of the model.
    """
    outputs = {value.name: value for value in model.graph.output}
    shapes: Shapes = {name: lengths(value) for name, value in outputs.items() if _is_tensor(value)}
    how = _by_name(how, list(outputs))
    says = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
    found = told(shapes, how, says=says)
    answers = [str(name) for name in (found.scores, found.boxes) if name is not None]
    before = list(leading_to(answers, model.graph.node))
    if choosing := next((node for node in before if node.op_type in CHOOSING), None):
        every = found.scores is None and not found.chosen
        earlier = boxes_before(model, answers, choosing, image) if every else None
        if earlier is not None:
            leading = list(leading_to([earlier.name], model.graph.node))
            order = how.order or order_before(model, earlier.name, choosing)
            own = replace(how, boxes=None, order=order)
            typed = ModelProto()
            typed.CopyFrom(model)
            typed.graph.value_info.append(earlier)
            own = _in_one(model, own, lengths(earlier), leading)
            return _with_masks(typed, own, earlier.name, image)
        comes = "comes" if len(answers) == 1 else "come"
        raise NoScores(
            "Export the model without the step that chooses boxes (nms=False), or explain one "
            "detection with xai_heatmap.detector(function, box=(left, top, right, bottom), "
            f"scores=[...]): {', '.join(answers)} {comes} out of "
            f"{choosing.op_type}, and that choice has no derivative."
        )
    if found.scores is None:
        own = _in_one(model, found, shapes[answers[0]], before)
        return _with_masks(model, own, answers[0], image)
    joined = ModelProto()
    joined.CopyFrom(model)
    names = [f"{name} as float32" for name in answers]
    joined.graph.node.extend(
        helper.make_node("Cast", [name], [cast], name=cast, to=TensorProto.FLOAT)
        for name, cast in zip(answers, names, strict=True)
    )
    joined.graph.node.append(helper.make_node("Concat", names, [TOGETHER], name=TOGETHER, axis=2))
    value = helper.make_tensor_value_info(TOGETHER, TensorProto.FLOAT, ["", "", ""])
    joined.graph.value_info.extend(outputs[name] for name in answers)
    joined.graph.output.append(value)
    return joined, found, TOGETHER


def _with_masks(
    model: ModelProto, how: Boxes, answer: str, image: Sequence[int]
) -> tuple[ModelProto, Boxes, str]:
    """Boxes with the mean logit of their masks, where the file answers prototypes of masks."""
    names = len(exporter.names(model) or ())
    return with_instances(model, how, answer, image, names=names)


def _inferred(model: ModelProto, value: ValueInfoProto) -> tuple[int | None, ...]:
    """Lengths of an output, by inference of shapes where the file leaves one open."""
    if None not in lengths(value)[1:]:
        return lengths(value)
    try:
        found = infer_shapes(model, data_prop=True)
    except Exception:  # noqa: BLE001 - a guess is not made; what is wrong is told by what needs it
        return lengths(value)
    known = {own.name: own for own in found.graph.output}
    return lengths(known.get(value.name, value))


def _in_one(
    model: ModelProto, how: Boxes, shape: Sequence[int | None], before: Sequence[NodeProto]
) -> Boxes:
    """Boxes in one tensor, with what the file tells of its numbers."""
    rows, columns = shape[1] or 0, shape[2] or 0
    boxes_last = 0 < rows < columns
    chosen = how.chosen
    if chosen is None and how.objectness is None and not boxes_last and len(shape) == 3:
        sorting = any(node.op_type == "TopK" for node in before)
        chosen = sorting and columns >= CHOSEN
    points, behind = exporter.points(model), columns if chosen else min(rows, columns)
    if how.points is None and points and behind >= BOX + exporter.WITH_SCORE * points:
        how = replace(how, points=points)
    if chosen:
        order = "cxcywh" if exporter.task(model) == "obb" else "xyxy"
        return replace(how, order=how.order or order, unit=how.unit or "pixels", chosen=True)
    classes = len(exporter.names(model) or ())
    if classes and boxes_last and how.masks is None:
        return replace(how, masks=max(rows - BOX - bool(how.objectness) - classes, 0))
    return how


def _by_name(how: Boxes, names: list[str]) -> Boxes:
    """Replace the indices of outputs by names."""

    def name(key: str | int | None) -> str | int | None:
        inside = isinstance(key, int) and -len(names) <= key < len(names)
        return names[key] if inside and isinstance(key, int) else key

    return replace(how, scores=name(how.scores), boxes=name(how.boxes))


def _is_tensor(value: ValueInfoProto) -> bool:
    return value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape")
