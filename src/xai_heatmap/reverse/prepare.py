"""Bringing a model into the form in which it is differentiated."""

from onnx import ModelProto, checker, defs, helper, inliner, shape_inference, version_converter

from xai_heatmap.core.errors import ModelError
from xai_heatmap.reverse.registry import CONSTANT, rules

LEAST_OPSET = 18
LEAST_IR = 8
RESIZE_CHANGED = 11


def prepared(model: ModelProto) -> ModelProto:
    """A copy that is checked, of opset 18 or newer, with functions inlined and shapes inferred.

    Quantised models (QuantizeLinear, DequantizeLinear) stay as they are. Operators without a rule
    are written out where the standard defines them by other operators.

    Raises
    ------
    ModelError
        The model is not valid, or its opset cannot be converted up.
    """
    _checked(model)
    result = ModelProto()
    result.CopyFrom(model)
    if result.functions:
        result = inliner.inline_local_functions(result)
    _without_default_inputs(result)
    result = _expanded(_converted(result))
    try:
        return shape_inference.infer_shapes(result, data_prop=True)
    except (shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"The shapes of tensors are needed, and onnx cannot infer them: {_first_line(error)}. "
            f"Export the model again."
        ) from error


def _checked(model: ModelProto) -> None:
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        raise ModelError(
            f"A valid ONNX model is needed, and the checker of onnx says: {_first_line(error)}. "
            f"Export the model again."
        ) from error


def _converted(model: ModelProto) -> ModelProto:
    opset = next((i.version for i in model.opset_import if i.domain in ("", "ai.onnx")), 0)
    model.ir_version = max(model.ir_version, LEAST_IR)
    if opset >= LEAST_OPSET:
        return model
    try:
        converted = version_converter.convert_version(model, LEAST_OPSET)
    except (version_converter.ConvertError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"Opset {LEAST_OPSET} or newer is needed, the model has {opset}, and onnx cannot "
            f"convert it: {_first_line(error)}. Export the model again with a newer opset."
        ) from error
    if opset < RESIZE_CHANGED:
        _keep_resizing(converted)
    converted.ir_version = max(converted.ir_version, LEAST_IR)
    return converted


def _expanded(model: ModelProto) -> ModelProto:
    """The model with operators that have no rule, such as Attention, written out in others."""
    opset = next(i.version for i in model.opset_import if i.domain in ("", "ai.onnx"))
    unruled = {
        node.op_type
        for node in model.graph.node
        if node.domain in ("", "ai.onnx") and node.op_type not in {*rules(), *CONSTANT}
    }
    composite = sorted(name for name in unruled if _defined_by_others(name, opset))
    if not composite:
        return model
    functions = [("", name) for name in composite]
    return inliner.inline_selected_functions(model, functions, inline_schema_functions=True)


def _defined_by_others(operator: str, opset: int) -> bool:
    schema = defs.get_schema(operator, opset)
    kinds = ("has_function", "has_context_dependent_function")  # missing in onnx's type stubs
    return any(getattr(schema, kind) for kind in kinds)


def _keep_resizing(model: ModelProto) -> None:
    """Undo what the converter does to Resize and Upsample: they placed entries asymmetrically."""
    kept = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    for node in model.graph.node:
        if node.op_type == "Resize":
            others = [a for a in node.attribute if a.name not in kept]
            del node.attribute[:]
            node.attribute.extend(
                [*others, *(helper.make_attribute(*pair) for pair in kept.items())]
            )


def _without_default_inputs(model: ModelProto) -> None:
    """Weights that old models also list as inputs become constants, which runtimes can fold."""
    stored = {initializer.name for initializer in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    del model.graph.input[:]
    model.graph.input.extend(inputs)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
