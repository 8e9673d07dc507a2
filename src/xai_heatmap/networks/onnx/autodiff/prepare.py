"""Preparation of a model for differentiation."""

import numpy as np
from onnx import ModelProto, checker, inliner, numpy_helper, shape_inference

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.autodiff.conversion import LEAST_IR, LEAST_OPSET, converted
from xai_heatmap.networks.onnx.autodiff.folded import with_lengths
from xai_heatmap.networks.onnx.autodiff.quantised import dequantised, in_the_standard
from xai_heatmap.networks.onnx.autodiff.recurrent import unrolled
from xai_heatmap.networks.onnx.autodiff.run_lengths import with_run_lengths
from xai_heatmap.networks.onnx.autodiff.wording import first_line
from xai_heatmap.networks.onnx.autodiff.written_out import written_out

__all__ = ["LEAST_OPSET", "prepared"]

WITHOUT_INPUTS = 4
"""From this IR on, stored tensors need not be inputs too."""


def prepared(model: ModelProto) -> ModelProto:
    """A copy that is checked, of opset 18 or newer, with functions inlined and shapes inferred.

    Layers of integers become the numbers that they stand for: a quantised operator is written as
    the operator itself between DequantizeLinear and QuantizeLinear. Operators without a rule are
    written out where the standard defines them by other operators.

    Raises
    ------
    ModelError
        The model is not valid, or its opset cannot be converted up.
    """
    result = ModelProto()
    result.CopyFrom(model)
    if result.ir_version < WITHOUT_INPUTS:  # what is changed below, older versions do not allow
        result.ir_version = LEAST_IR
    _checked(result)
    _densely(result)
    if result.functions:
        result = inliner.inline_local_functions(result)
    _without_default_inputs(result)
    result = written_out(dequantised(converted(in_the_standard(result))))
    result = with_lengths(with_run_lengths(result, inferred), inferred)
    before = len(result.graph.node)
    return inferred(result) if len(unrolled(result).graph.node) > before else result


def inferred(model: ModelProto) -> ModelProto:
    """The model with the types and shapes of all tensors that onnx finds.

    Raises
    ------
    ModelError
        They contradict each other.
    """
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:
        raise ModelError(
            f"The shapes of tensors are needed, and onnx cannot infer them: {first_line(error)}. "
            f"Export the model again."
        ) from error


def _checked(model: ModelProto) -> None:
    """Refuse an invalid model; outputs may have an open shape, as runtimes allow."""
    kinds = [value.type.tensor_type for value in model.graph.output]
    shapeless = [kind for kind in kinds if kind.elem_type and not kind.HasField("shape")]
    for kind in shapeless:
        kind.shape.SetInParent()
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        raise ModelError(
            f"A valid ONNX model is needed, and the checker of onnx says: {first_line(error)}. "
            f"Export the model again."
        ) from error
    for kind in shapeless:
        kind.ClearField("shape")


def _densely(model: ModelProto) -> None:
    """Sparse weights become dense ones, of which alone onnx's own conversions know."""
    for sparse in model.graph.sparse_initializer:
        values = numpy_helper.to_array(sparse.values)
        at = numpy_helper.to_array(sparse.indices)
        dense = np.zeros(tuple(sparse.dims), values.dtype)
        places = at if at.ndim == 1 else np.ravel_multi_index(tuple(at.T), dense.shape)
        dense.reshape(-1)[places] = values
        model.graph.initializer.append(numpy_helper.from_array(dense, sparse.values.name))
    del model.graph.sparse_initializer[:]


def _without_default_inputs(model: ModelProto) -> None:
    """Weights that old models also list as inputs become constants, which runtimes can fold."""
    stored = {initializer.name for initializer in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in stored]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
