"""Score output of an ONNX graph, and the final activation before the scores."""

import math
from collections.abc import Sequence

from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from xai_heatmap.core.errors import NoScores
from xai_heatmap.networks.opening.chosen_inside import ranked_already
from xai_heatmap.networks.opening.interfaces import Closing
from xai_heatmap.networks.opening.outputs import LIKELY, told_of

CLOSING: dict[str, Closing] = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}

CARRYING = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Dropout")
"""Operators that may stand between a closing function and the output."""

CHOOSING = (
    *("ArgMax", "ArgMin", "OneHot", "Not", "And", "Or", "Xor", "Sign"),
    *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"),
)
"""Operators that answer which class it is, or whether; a cast makes floats of that."""

NO_SCORES = (
    *(TensorProto.INT32, TensorProto.INT64, TensorProto.UINT32, TensorProto.UINT64),
    *(TensorProto.BOOL, TensorProto.STRING),
)
"""Types of labels and counts; codes of scores are smaller integers."""

SCORES = "scores as float32 (images, classes)"
"""Name of the explained tensor, where the output itself has another shape or type."""


def chosen(model: ModelProto, output: str | int | None) -> str:
    """Name of the score output: the named one, else the likeliest.

    Raises
    ------
    NoScores
        If there is no such output, or none that is a tensor.
    """
    outputs = list(model.graph.output)
    names = [value.name for value in outputs]
    if isinstance(output, int) and -len(names) <= output < len(names):
        output = names[output]
    if output is not None and output not in names:
        raise NoScores(f"The model has no output {output!r}; it has {', '.join(names)}.")
    wanted = [value for value in outputs if output in (None, value.name)]
    scores = [value for value in wanted if _may_be_scores(value)]
    made = {value.name: _maker(model, value.name) for value in scores}
    free = [value for value in scores if output is not None or not made[value.name]]
    if free:
        return min(free, key=lambda value: (_unlikely(value), names.index(value.name))).name
    if any(made[value.name] == "TopK" for value in scores):
        raise ranked_already()
    if (naming := zip_map(model, [value.name for value in wanted])) is not None:
        return naming.input[0]
    what = ", ".join(f"{value.name} ({_kind(value)})" for value in wanted) or "nothing"
    raise NoScores(
        f"One row of scores an image was expected, real numbers (images, classes); the model "
        f"answers {what}. Labels and what a map holds have no derivative: export the model "
        f"without what follows its scores, such as ArgMax or ZipMap."
    )


def _maker(model: ModelProto, name: str) -> str:
    """Operator that chose a class, or the largest scores, for the output `name`; else empty."""
    producer = {own: node for node in model.graph.node for own in node.output}
    while (node := producer.get(name)) is not None:
        if node.op_type == "TopK" or node.op_type in CHOOSING:
            return node.op_type
        if node.op_type not in CARRYING:
            return ""
        name = node.input[0]
    return ""


def zip_map(model: ModelProto, outputs: Sequence[str]) -> NodeProto | None:
    """ZipMap node that makes one of `outputs`, else None."""
    every = (node for node in model.graph.node if node.op_type == "ZipMap")
    return next((node for node in every if node.output[0] in outputs and node.input), None)


def told_of_others(model: ModelProto, explained: str) -> tuple[str, ...]:
    """What is said of outputs that are scores just as well as the one explained, one row each."""
    rows = {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)
        for value in model.graph.output
        if _may_be_scores(value)
    }
    alike = [name for name, shape in rows.items() if len(shape) == 2 and name != explained]
    if not alike or explained in LIKELY or len(rows.get(explained, ())) != 2:
        return ()
    return (told_of([(name, rows[name][1]) for name in (explained, *alike)]),)


def class_names(model: ModelProto, scores: str) -> tuple[str, ...] | None:
    """Class names that a ZipMap gives to the scores, None without a ZipMap."""
    for node in model.graph.node:
        if node.op_type == "ZipMap" and scores in node.input:
            for attribute in node.attribute:
                if attribute.name == "classlabels_strings":
                    return tuple(text.decode(errors="replace") for text in attribute.strings)
                if attribute.name == "classlabels_int64s":
                    return tuple(map(str, attribute.ints))
    return None


def closing(model: ModelProto, answer: str) -> NodeProto | None:
    """Final softmax or sigmoid node before `answer`, else None."""
    producer = {name: node for node in model.graph.node for name in node.output}
    shapes = {value.name: value for value in (*model.graph.value_info, *model.graph.output)}
    name = answer
    while (node := producer.get(name)) is not None and _readers(model, name) <= (name != answer):
        if node.op_type in CLOSING:
            return node if _over_classes(node, shapes.get(node.output[0])) else None
        if node.op_type not in CARRYING:
            return None
        name = node.input[0]
    return None


def without(model: ModelProto, node: NodeProto) -> ModelProto:
    """Copy of a model in which one node is replaced by the identity."""
    copy = ModelProto()
    copy.CopyFrom(model)
    twin = next(n for n in copy.graph.node if n.output[0] == node.output[0])
    twin.op_type = "Identity"
    del twin.attribute[:], twin.input[1:]
    return copy


def with_scores(model: ModelProto, answer: str, *, flat: bool = True) -> str:
    """Write nodes that turn the output into float32 scores, (images, classes) or with a grid beside
    the classes, and return the name of the scores. Without `flat`, the shape stays.

    Raises
    ------
    NoScores
        If the answer has no images, as far as its shape is known.
    """
    value = next(value for value in model.graph.output if value.name == answer)
    kind = value.type.tensor_type
    lengths = [dim.dim_value for dim in kind.shape.dim] if kind.HasField("shape") else None
    if lengths is not None and not lengths:
        raise _not_scores(answer, lengths)
    mapped = not flat or (lengths is not None and sum(length != 1 for length in lengths[1:]) > 1)
    steps = []
    if lengths is None or (len(lengths) != 2 and not mapped):
        steps.append(("Flatten", {"axis": 1}))
    if kind.elem_type != TensorProto.FLOAT:
        steps.append(("Cast", {"to": TensorProto.FLOAT}))
    for index, (operator, attributes) in enumerate(steps):
        output = SCORES if index == len(steps) - 1 else f"{SCORES}, step {index + 1}"
        node = helper.make_node(operator, [answer], [output], name=output, **attributes)
        model.graph.node.append(node)
        answer = output
    if steps:
        inner = () if lengths is None else lengths[1:] if mapped else [math.prod(lengths[1:])]
        shape = [_first(value), *(length or None for length in inner)] if lengths else None
        model.graph.value_info.append(value)
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(SCORES, TensorProto.FLOAT, shape))
    return answer


def _not_scores(answer: str, lengths: Sequence[int]) -> NoScores:
    shape = "x".join(str(length or "?") for length in lengths)
    return NoScores(
        f"One row of scores an image was expected, (images, classes); the output {answer!r} has "
        f"the shape {shape}, images first. "
        f"Name another output with output=NAME, or export the model up to its scores."
    )


def _first(value: ValueInfoProto) -> int | str | None:
    dim = value.type.tensor_type.shape.dim[0]
    return dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None


def _may_be_scores(value: ValueInfoProto) -> bool:
    kind = value.type.tensor_type
    return value.type.HasField("tensor_type") and kind.elem_type not in NO_SCORES


def _kind(value: ValueInfoProto) -> str:
    """Type of an output in a word, for error messages."""
    if value.type.HasField("tensor_type"):
        return TensorProto.DataType.Name(value.type.tensor_type.elem_type).lower()
    what = value.type.WhichOneof("value") or "no type"
    return what.removesuffix("_type").replace("_", " ")


def _unlikely(value: ValueInfoProto) -> tuple[bool, int]:
    kind = value.type.tensor_type
    rank = len(kind.shape.dim) if kind.HasField("shape") else 2
    word = value.name.casefold()
    likely = next((i for i, name in enumerate(LIKELY) if name in word), len(LIKELY))
    return rank != 2, likely


def _readers(model: ModelProto, name: str) -> int:
    return sum(read == name for node in model.graph.node for read in node.input)


def _over_classes(node: NodeProto, value: ValueInfoProto | None) -> bool:
    """Whether a softmax compares the classes of one image, or of one place; a sigmoid compares
    nothing.
    """
    if node.op_type == "Sigmoid":
        return True
    axis = next((a.i for a in node.attribute if a.name == "axis"), -1)
    if value is None or not value.type.tensor_type.HasField("shape"):
        return axis in (1, -1)
    lengths = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    others = [length for i, length in enumerate(lengths) if i not in (0, axis % len(lengths))]
    ends = (1, len(lengths) - 1)
    return axis % len(lengths) != 0 and (
        all(length == 1 for length in others) or (len(lengths) > 3 and axis % len(lengths) in ends)
    )
