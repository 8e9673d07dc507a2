"""Eigen-CAM in a graph: right whichever Gram matrix is the smaller one, and no larger than that."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from xai_heatmap.methods.eigencam import eigencam as formula
from xai_heatmap.networks.onnx.autodiff import Builder, op
from xai_heatmap.networks.onnx.formulas import SQUARINGS, eigencam


def graph(lengths, grid):
    """``eigencam`` of an input of these lengths."""
    value = helper.make_tensor_value_info
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["a"], ["b"])],
            "alone",
            [value("a", TensorProto.FLOAT, lengths)],
            [value("b", TensorProto.FLOAT, lengths)],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    builder = Builder(model)
    activation = builder.tensor("a")
    builder.output("cam", op("Identity", eigencam(activation, None, grid)))
    return builder.finished()


@pytest.mark.parametrize("k", [2, 5, 12, 13, 40])
@pytest.mark.parametrize("known", [True, False])
def test_the_map_is_the_one_of_the_formula(k, known):
    finished = graph(["n", k if known else "k", 3, 4], (3, 4))
    session = onnxruntime.InferenceSession(finished.SerializeToString())
    a = np.random.default_rng(k).normal(size=(3, k, 3, 4)).astype(np.float32) + 0.5
    found = session.run(["cam"], {"a": a})[0]
    for own, one in zip(found, a, strict=True):
        right = formula(one)
        np.testing.assert_allclose(own, right, atol=1e-3 * np.abs(right).max())


def test_feature_maps_without_a_mean_have_one_sign_everywhere():
    session = onnxruntime.InferenceSession(graph(["n", 6, 3, 4], (3, 4)).SerializeToString())
    a = np.random.default_rng(0).normal(size=(20, 6, 3, 4)).astype(np.float32)
    a -= a.mean(axis=1, keepdims=True)  # as a layer normalisation leaves it, up to rounding
    found = session.run(["cam"], {"a": a})[0]
    for own, one in zip(found, a, strict=True):
        for right in (formula(one), formula(one[::-1])):  # summed in another order
            np.testing.assert_allclose(own, right, atol=1e-3 * np.abs(right).max())
        assert (own.astype(np.float64) ** 3).sum() > 0


@pytest.mark.parametrize(("k", "side", "smaller"), [(4, 9, 4), (40, 3, 9), (9, 3, 9)])
def test_only_the_smaller_of_two_gram_matrices_is_squared(k, side, smaller):
    finished = onnx.shape_inference.infer_shapes(graph([1, k, side, side], (side, side)))
    squares = [
        [length.dim_value for length in value.type.tensor_type.shape.dim][1:]
        for value in finished.graph.value_info
        if value.name
        in {node.output[0] for node in finished.graph.node if node.op_type == "MatMul"}
    ]
    assert squares.count([smaller, smaller]) == SQUARINGS + 1
