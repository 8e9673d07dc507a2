"""Models of other times and tools, brought into the form that is differentiated."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import InferenceSession

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx import autodiff


def model_of(nodes: list, stored: dict, opset: int, *, as_inputs: bool = False) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, 6, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])
    constants = [numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()]
    extra = [
        helper.make_tensor_value_info(c.name, c.data_type, list(c.dims)) for c in constants
    ] * as_inputs
    graph = helper.make_graph(nodes, "graph", [x, *extra], [y], constants)
    ir = 3 if as_inputs else 8
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def old_network(opset: int) -> onnx.ModelProto:
    """Operators whose form has changed since: Clip, Softmax, Squeeze, reductions."""
    limits = {"min": 0.0, "max": 6.0} if opset < 11 else {}
    bounds = [] if opset < 11 else ["low", "high"]
    stored = {} if opset < 11 else {"low": np.float32(0), "high": np.float32(6)}
    rng = np.random.default_rng(0)
    stored |= {"w": rng.standard_normal((4, 4, 3, 3), np.float32), "b": np.zeros(4, np.float32)}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["a", *bounds], ["c"], **limits),
        helper.make_node("ReduceMean", ["c"], ["m"], axes=[2, 3], keepdims=1),
        helper.make_node("Squeeze", ["m"], ["s"], axes=[2, 3]),
        helper.make_node("Softmax", ["s"], ["y"], axis=1),
    ]
    return model_of(nodes, stored, opset, as_inputs=opset < 9)


@pytest.mark.parametrize("opset", [8, 9, 11, 12])
def test_older_opset_is_converted_and_its_gradient_is_right(opset: int) -> None:
    model = old_network(opset)
    prepared = autodiff.prepared(model)
    assert max(i.version for i in prepared.opset_import) >= 18
    graph, names = autodiff.backward(prepared, "y", ["x"])
    x = np.random.default_rng(1).standard_normal((3, 4, 6, 6)).astype(np.float32)
    g = np.eye(4, dtype=np.float32)[[0, 1, 2]]
    sessions = [
        InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
        for m in (model, graph)
    ]
    before = sessions[0].run(["y"], {"x": x})[0]
    after, found = sessions[1].run(["y", names["x"]], {"x": x, "cotangent": g})
    assert np.array_equal(before, after)
    weight = numpy_helper.to_array(next(i for i in model.graph.initializer if i.name == "w"))
    t = torch.from_numpy(x).double().requires_grad_()
    h = torch.nn.functional.conv2d(t, torch.tensor(weight).double(), padding=1).clamp(0, 6)
    (expected,) = torch.autograd.grad(h.mean((2, 3)).softmax(1), t, torch.from_numpy(g).double())
    assert found == pytest.approx(expected.numpy(), abs=1e-6)


def test_local_functions_are_inlined() -> None:
    body = [helper.make_node("Exp", ["a"], ["e"]), helper.make_node("Neg", ["e"], ["b"])]
    function = helper.make_function(
        "local", "NegExp", ["a"], ["b"], body, [helper.make_opsetid("", 18)]
    )
    nodes = [
        helper.make_node("NegExp", ["x"], ["h"], domain="local"),
        helper.make_node("ReduceSum", ["h", "axes"], ["y"], keepdims=0),
    ]
    model = model_of(nodes, {"axes": np.array([2, 3])}, 18)
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.functions.append(function)
    graph, names = autodiff.backward(autodiff.prepared(model), "y", ["x"])
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(0).standard_normal((1, 4, 6, 6)).astype(np.float32)
    (found,) = session.run([names["x"]], {"x": x, "cotangent": np.ones((1, 4), np.float32)})
    assert found == pytest.approx(-np.exp(x), rel=1e-5)


def test_invalid_model_is_refused_in_one_sentence() -> None:
    model = old_network(11)
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(ModelError, match="valid ONNX model"):
        autodiff.prepared(model)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(("operator", "opset"), [("Upsample", 9), ("Resize", 10)])
def test_old_resizing_keeps_its_coordinates(operator: str, opset: int, mode: str) -> None:
    nodes = [
        helper.make_node(operator, ["x", "s"], ["h"], mode=mode),
        helper.make_node("ReduceMax", ["h"], ["y"], axes=[2, 3], keepdims=0),
    ]
    model = model_of(nodes, {"s": np.float32([1, 1, 1.7, 2])}, opset)
    prepared = autodiff.prepared(model)
    resized = next(node.output[0] for node in prepared.graph.node if node.op_type == "Resize")
    graph, names = autodiff.backward(prepared, resized, ["x"])
    shape = ["n", 4, 10, 12]
    model.graph.output.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, shape))
    sessions = [
        InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
        for m in (model, graph)
    ]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 4, 6, 6)).astype(np.float32)
    h, y = sessions[0].run(["h", "y"], {"x": x})
    g = rng.standard_normal(h.shape).astype(np.float32)
    after, found = sessions[1].run(["y", names["x"]], {"x": x, "cotangent": g})
    assert np.array_equal(y, after)
    assert (found * x).sum() == pytest.approx((g * h).sum(), rel=1e-4)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize(
    "coordinates",
    ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"],
)
def test_resizing_is_the_transpose_of_what_the_runtime_does(
    coordinates: str, rounding: str, mode: str
) -> None:
    if (mode, coordinates) == ("nearest", "half_pixel_symmetric"):
        pytest.skip("refused")
    rng = np.random.default_rng(0)
    for size in ((7, 9), (3, 4), (1, 13), (10, 12)):
        resized = helper.make_node(
            "Resize",
            ["x", "", "", "s"],
            ["h"],
            mode=mode,
            nearest_mode=rounding,
            coordinate_transformation_mode=coordinates,
        )
        model = model_of([resized], {"s": np.array([2, 4, *size])}, 19)
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
        del model.graph.output[:]
        model.graph.output.append(
            helper.make_tensor_value_info("h", TensorProto.FLOAT, [2, 4, *size])
        )
        graph, names = autodiff.backward(autodiff.prepared(model), "h", ["x"])
        session = InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        x = rng.standard_normal((2, 4, 6, 6)).astype(np.float32)
        g = rng.standard_normal((2, 4, *size)).astype(np.float32)
        h, found = session.run(["h", names["x"]], {"x": x, "cotangent": g})
        right, got = (g.astype(float) * h).sum(), (found.astype(float) * x).sum()
        assert got == pytest.approx(right, abs=1e-4)


def test_opset_that_cannot_be_converted_is_reported() -> None:
    nodes = [
        helper.make_node("Upsample", ["x", "s"], ["h"], mode="nearest"),
        helper.make_node("GlobalAveragePool", ["h"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    model = model_of(nodes, {"s": np.float32([1, 1, 2, 2])}, 9)
    try:
        prepared = autodiff.prepared(model)
    except ModelError as error:
        assert "opset" in str(error)  # noqa: PT017  # either answer is right
    else:
        assert autodiff.backward(prepared, "y", ["x"])


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("opset", [13, 18])
def test_sparse_weights_are_weights(opset, flat):
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["m"]),
        helper.make_node("GlobalAveragePool", ["m"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    model = model_of(nodes, {}, opset)
    at = np.array([0, 2]) if flat else np.array([[0, 0, 0], [2, 0, 0]])
    values = numpy_helper.from_array(np.float32([1.5, -2]), "scale")
    places = numpy_helper.from_array(at, "places")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4, 1, 1]))
    x = np.random.default_rng(0).random((2, 4, 6, 6), np.float32)
    found = InferenceSession(autodiff.prepared(model).SerializeToString()).run(None, {"x": x})[0]
    wanted = x.mean((2, 3)) * np.float32([1.5, 0, -2, 0])
    np.testing.assert_allclose(found, wanted, atol=1e-6)
