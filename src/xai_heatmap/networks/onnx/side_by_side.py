"""Several outputs of an ONNX graph as one tensor, (images, numbers)."""

from onnx import ModelProto, TensorProto, helper

from xai_heatmap.networks.onnx.cut import infos
from xai_heatmap.networks.onnx.input import lengths
from xai_heatmap.networks.onnx.output import chosen
from xai_heatmap.networks.opening.side_by_side import SideBySide

ROW = "outputs side by side"
"""Name of the joined tensor."""


def in_a_row(model: ModelProto, several: SideBySide) -> tuple[ModelProto, SideBySide, str]:
    """Copy of a model with the outputs joined, the outputs by their names, and the joined tensor's
    name.

    Raises
    ------
    NoScores
        If the model has no such output, or one that holds no real numbers.
    """
    names = [chosen(model, key) for key in several.keys]
    joined = ModelProto()
    joined.CopyFrom(model)
    flat = [f"{name}, {ROW}" for name in names]
    for name, own in zip(names, flat, strict=True):
        joined.graph.node.extend(
            [
                helper.make_node("Flatten", [name], [f"flat {own}"], name=f"flat {own}", axis=1),
                helper.make_node("Cast", [f"flat {own}"], [own], name=own, to=TensorProto.FLOAT),
            ]
        )
    joined.graph.node.append(helper.make_node("Concat", flat, [ROW], name=ROW, axis=1))
    joined.graph.value_info.extend(value for value in model.graph.output if value.name in names)
    joined.graph.output.append(helper.make_tensor_value_info(ROW, TensorProto.FLOAT, ["", ""]))
    return joined, SideBySide(tuple(names)), ROW


def measure(model: ModelProto, several: SideBySide) -> None:
    """Read the shapes of the outputs off a graph whose shapes are inferred."""
    known = infos(model)
    for key in several.keys:
        inner = lengths(known[str(key)])[1:] if str(key) in known else (None,)
        several.shapes.pop(key, None)
        if None not in inner:
            several.shapes[key] = tuple(length or 0 for length in inner)
