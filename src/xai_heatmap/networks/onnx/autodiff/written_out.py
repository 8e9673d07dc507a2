"""Operators that the standard defines by other operators, written out."""

from collections.abc import Iterator, Sequence

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, defs, helper, inliner

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.autodiff.builder import PREFIX
from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT, rules
from xai_heatmap.networks.onnx.autodiff.wording import first_line

STANDARD = ("", "ai.onnx")


KEPT = frozenset({"BlackmanWindow", "HammingWindow", "HannWindow", "Range"})
"""Functions of lengths, whose loops would hide the shapes of what follows."""

LEFT_OUT = helper.make_tensor_value_info("", TensorProto.FLOAT, [])
"""An input left out before another has no name, and onnx asks for the type of that name too."""

OF_FLOATS = frozenset({"MeanVarianceNormalization"})
"""Functions that onnx writes out in float32 for any type of input; a runtime refuses the mix."""

DEEPEST = 8
"""Most rounds of writing out; no operator needs more than two today.
"""


def written_out(model: ModelProto) -> ModelProto:
    """Model with operators without a rule, such as Attention, written out by other operators.

    Raises
    ------
    ModelError
        onnx can't write one out.
    """
    for _ in range(DEEPEST):
        if not (composite := _composite(model)):
            break
        model = _without(composite, model)
    return model


def _composite(model: ModelProto) -> list[str]:
    """Operators of the model without a rule that the standard defines by other operators."""
    opset = opset_of(model)
    return sorted(
        {
            node.op_type
            for node in model.graph.node
            if node.domain in STANDARD
            and node.op_type not in {*rules(), *CONSTANT, *KEPT}
            and _defined_by_others(node.op_type, opset)
        }
    )


def _without(composite: Sequence[str], model: ModelProto) -> ModelProto:
    opset = opset_of(model)
    for node in model.graph.node:
        if node.domain in STANDARD and node.op_type in composite:
            _say_defaults(node, opset)
    _in_floats(model)
    functions = [("", name) for name in composite]
    typed = {value.name for value in model.graph.value_info}
    stored = [value for value in _types_of_stored(model.graph) if value.name not in typed]
    if any("" in node.input for node in model.graph.node if node.op_type in composite):
        stored.append(LEFT_OUT)
    model.graph.value_info.extend(stored)  # onnx looks types up there, and knows no others
    try:
        result = inliner.inline_selected_functions(model, functions, inline_schema_functions=True)
    except Exception as error:
        raise ModelError(
            f"The operators {', '.join(composite)} have to be written out in others, and onnx "
            f"can't: {first_line(error)}. Choose a layer behind them, or export the model with "
            f"simpler operators (an older opset)."
        ) from error
    own = {value.name for value in stored}
    kept = [value for value in result.graph.value_info if value.name not in own]
    del result.graph.value_info[:]
    result.graph.value_info.extend(kept)
    return result


def _in_floats(model: ModelProto) -> None:
    """Cast around operators that are written out with 32 bits, in a graph of other numbers."""
    graph, nodes = model.graph, list[NodeProto]()
    values = (*graph.value_info, *graph.input, *graph.output)
    kinds = {value.name: value.type.tensor_type.elem_type for value in values}
    for node in graph.node:
        kind = kinds.get(node.input[0] if node.input else "", TensorProto.FLOAT)
        if node.op_type not in OF_FLOATS or kind in (TensorProto.FLOAT, TensorProto.UNDEFINED):
            nodes.append(node)
            continue
        x, y = node.input[0], node.output[0]
        made = NodeProto()
        made.CopyFrom(node)
        made.input[0], made.output[0] = f"{PREFIX}{y} of 32 bits", f"{PREFIX}{y} in 32 bits"
        nodes += [
            helper.make_node("Cast", [x], [made.input[0]], made.input[0], to=TensorProto.FLOAT),
            made,
            helper.make_node("Cast", [made.output[0]], [y], f"{PREFIX}{y} cast back", to=kind),
        ]
    if len(nodes) > len(graph.node):
        del graph.node[:]
        graph.node.extend(nodes)


def opset_of(model: ModelProto) -> int:
    """Opset version of the standard domain in a model; 0 if missing."""
    return next((used.version for used in model.opset_import if used.domain in STANDARD), 0)


def _defined_by_others(operator: str, opset: int) -> bool:
    try:
        schema = defs.get_schema(operator, opset)
    except defs.SchemaError:
        return False
    kinds = ("has_function", "has_context_dependent_function")  # missing in onnx's type stubs
    return any(getattr(schema, kind) for kind in kinds)


def _say_defaults(node: NodeProto, opset: int) -> None:
    """Write the standard's default attributes into a node, which inlining would lose."""
    said = {attribute.name for attribute in node.attribute}
    for name, attribute in defs.get_schema(node.op_type, opset).attributes.items():
        if name not in said and attribute.default_value.type:
            node.attribute.append(attribute.default_value)


def _types_of_stored(graph: GraphProto) -> Iterator:
    inputs = {value.name for value in graph.input}
    for tensor in graph.initializer:
        if tensor.name not in inputs:
            yield helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
