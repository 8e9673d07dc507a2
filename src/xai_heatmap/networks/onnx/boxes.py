"""The scores and boxes of a detector in an ONNX graph, as one tensor."""

from dataclasses import replace

from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.core.errors import NoScores
from xai_heatmap.networks.onnx.cut import leading_to
from xai_heatmap.networks.onnx.input import lengths
from xai_heatmap.networks.opening.box_outputs import Shapes, named, told

TOGETHER = "scores and boxes"
"""Name of the joined tensor, where the file has two outputs."""

CHOOSING = ("NonMaxSuppression", "EfficientNMS_TRT", "BatchedNMS_TRT", "BatchedNMSDynamic_TRT")
"""Operators that choose among boxes, behind which nothing has a gradient."""


def in_onnx(model: ModelProto) -> Boxes | None:
    """Scores and boxes of a file whose outputs have a detector's names, else None."""
    return named([value.name for value in model.graph.output])


def with_boxes(model: ModelProto, how: Boxes) -> tuple[ModelProto, Boxes, str]:
    """Model with scores and boxes as one tensor, the layout of that tensor, and its name.

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
    before = leading_to(answers, model.graph.node)
    if choosing := next((node.op_type for node in before if node.op_type in CHOOSING), None):
        raise NoScores(
            "Export the model without the step that chooses boxes (nms=False), or explain one "
            "detection with xai_heatmap.detector(function, box=(left, top, right, bottom), "
            f"scores=[...]): {', '.join(answers)} come out of {choosing}, and that choice has no "
            "derivative."
        )
    if found.scores is None:
        return model, found, answers[0]
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


def _by_name(how: Boxes, names: list[str]) -> Boxes:
    """Replace the indices of outputs by names."""

    def name(key: str | int | None) -> str | int | None:
        inside = isinstance(key, int) and -len(names) <= key < len(names)
        return names[key] if inside and isinstance(key, int) else key

    return replace(how, scores=name(how.scores), boxes=name(how.boxes))


def _is_tensor(value: ValueInfoProto) -> bool:
    return value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape")
