"""Conversion of a model to an opset that the rules know."""

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, version_converter

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.autodiff.known import stored
from xai_heatmap.networks.onnx.autodiff.wording import first_line
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD, opset_of

LEAST_OPSET = 18
LEAST_IR = 8

SMALL_TYPES = frozenset(
    {TensorProto.INT4, TensorProto.UINT4, TensorProto.INT16, TensorProto.UINT16}
)
"""Types that QuantizeLinear accepts from opset SMALL_TYPES_SINCE on."""
SMALL_TYPES_SINCE, SMALL_TYPES_IR = 21, 10

RESIZE_CHANGED, HARDMAX_CHANGED = 11, 13


def converted(model: ModelProto) -> ModelProto:
    """Model in an opset that the rules know; the model itself where possible.

    Raises
    ------
    ModelError
        onnx can't convert it.
    """
    opset, least = opset_of(model), _least(model)
    model.ir_version = max(model.ir_version, LEAST_IR)
    if opset >= least:
        return model
    if opset < HARDMAX_CHANGED:
        _keep_hardmax(model)
    try:
        result = version_converter.convert_version(model, least)
    except Exception as error:
        raise ModelError(
            f"Opset {least} or newer is needed, the model has {opset}, and onnx cannot "
            f"convert it: {first_line(error)}. Export the model again with a newer opset."
        ) from error
    if opset < RESIZE_CHANGED:
        _keep_resizing(result)
    result.ir_version = max(result.ir_version, SMALL_TYPES_IR if least > LEAST_OPSET else LEAST_IR)
    return result


def _least(model: ModelProto) -> int:
    small = any(tensor.data_type in SMALL_TYPES for tensor in model.graph.initializer)
    quantises = any(
        node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.domain in STANDARD
        for node in model.graph.node
    )
    return SMALL_TYPES_SINCE if small and quantises else LEAST_OPSET


def _keep_hardmax(model: ModelProto) -> None:
    """Write out that the axes from `axis` on are one, which the converter forgets."""
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "Hardmax" or node.domain not in STANDARD:
            model.graph.node.append(node)
            continue
        given, answer = node.input[0], node.output[0]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        flat, hard, shape = (f"{answer} {word}" for word in ("flat", "hard", "shape"))
        model.graph.node.extend([
            helper.make_node("Flatten", [given], [flat], name=flat, axis=axis),
            helper.make_node("Hardmax", [flat], [hard], name=hard, axis=1),
            helper.make_node("Shape", [given], [shape], name=shape),
            helper.make_node("Reshape", [hard, shape], [answer], name=node.name),
        ])  # fmt: skip


def _keep_resizing(model: ModelProto) -> None:
    """Restore the old meaning of Resize and Upsample after conversion: asymmetric coordinates, and
    as nearest entry the next one along axes that shrink, the previous one along other axes.
    """
    known = _constants(model)
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "Resize":
            model.graph.node.append(node)
            continue
        scales = known.get(node.input[2]) if len(node.input) > 2 else None
        if scales is None or not (scales < 1).any() or _is_linear(node):
            _place(node, "floor")
            model.graph.node.append(node)
        elif (scales <= 1).all():
            _place(node, "ceil")
            model.graph.node.append(node)
        else:
            model.graph.node.extend(_shrinking_then_growing(model, node, scales))


def _place(node: NodeProto, nearest: str) -> None:
    kept = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": nearest}
    others = [a for a in node.attribute if a.name not in kept]
    del node.attribute[:]
    node.attribute.extend([*others, *(helper.make_attribute(*pair) for pair in kept.items())])


def _shrinking_then_growing(
    model: ModelProto, node: NodeProto, scales: np.ndarray
) -> tuple[NodeProto, NodeProto]:
    """Split a node that shrinks some axes and grows others into a shrinking and a growing node."""
    between, parts = f"{node.output[0]} shrunk", []
    steps = {"ceil": np.minimum(scales, 1), "floor": np.maximum(scales, 1)}
    for nearest, own in steps.items():
        name = f"{node.output[0]} scales, {nearest}"
        model.graph.initializer.append(numpy_helper.from_array(own.astype(np.float32), name))
        part = NodeProto()
        part.CopyFrom(node)
        part.input[2] = name
        _place(part, nearest)
        parts.append(part)
    parts[0].output[0] = parts[1].input[0] = between
    parts[0].name = between
    return parts[0], parts[1]


def _is_linear(node: NodeProto) -> bool:
    mode = next((a.s for a in node.attribute if a.name == "mode"), b"nearest")
    return mode != b"nearest"


def _constants(model: ModelProto) -> dict[str, np.ndarray]:
    """Small stored tensors by name."""
    found = {t.name: t for t in model.graph.initializer if np.prod(t.dims) <= 8}
    for node in model.graph.node:
        if node.op_type == "Constant":
            tensor = next((a.t for a in node.attribute if a.name == "value"), None)
            if tensor is not None and np.prod(tensor.dims) <= 8:
                found[node.output[0]] = tensor
    numbers = {name: stored(tensor) for name, tensor in found.items()}
    return {name: array for name, array in numbers.items() if array is not None}
