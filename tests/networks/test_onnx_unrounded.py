"""Heads of quantised ONNX files: run without rounding, from the network's own score on."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

import xai_heatmap as xh
from xai_heatmap.networks.onnx.unrounded import unrounded

X = np.random.default_rng(1).random((2, 3, 16, 16)).astype(np.float32)
X[..., 4:8, 4:8] += 2
FORMATS = [QuantFormat.QDQ, QuantFormat.QOperator]


@cache
def floating() -> onnx.ModelProto:
    """A convolution to the layer "r", a residual branch, a mean over the grid, a linear layer."""
    rng = np.random.default_rng(0)
    stored = {
        "w": 0.3 * rng.standard_normal((8, 3, 3, 3)),
        "v": 0.2 * rng.standard_normal((8, 8, 3, 3)),
        "fc": rng.random((8, 3)),
        "b": rng.standard_normal(3),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "v"], ["d"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["r", "d"], ["e"], name="add"),
        helper.make_node("Relu", ["e"], ["f"], name="last"),
        helper.make_node("GlobalAveragePool", ["f"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["g"], name="flat"),
        helper.make_node("Gemm", ["g", "fc", "b"], ["y"], name="linear"),
    ]
    kept = [numpy_helper.from_array(a.astype(np.float32), n) for n, a in stored.items()]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("x", (3, 16, 16)), ("y", (3,)))
    ]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Pictures(CalibrationDataReader):
    def __init__(self) -> None:
        self._left = [X]

    def get_next(self) -> dict | None:
        return {"x": self._left.pop()} if self._left else None


@cache
def quantised(how: QuantFormat, kind: QuantType = QuantType.QUInt8) -> onnx.ModelProto:
    with TemporaryDirectory() as folder:
        given, path = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save(floating(), given)
        types = {"activation_type": kind, "weight_type": QuantType.QInt8}
        quantize_static(given, path, Pictures(), quant_format=how, **types)
        return onnx.load(path)


def layer_of(network: xh.Network) -> str:
    """Where the convolution's ReLU is read: between codes, it is where they begin at 0."""
    layers = network.layers
    return next(n for n in ("r_DequantizeLinear", "conv_quant") if n in layers)


@pytest.mark.parametrize("how", FORMATS)
@pytest.mark.parametrize("kind", [QuantType.QUInt8, QuantType.QInt8])
@pytest.mark.parametrize("method", ["reciprocam", "ablationcam", "liftcam", "scorecam"])
def test_heads_of_codes_are_those_of_the_float_twin(how, kind, method: str) -> None:
    int8 = xh.network(quantised(how, kind))
    got = xh.maps(int8, X, method=method, target=2, layer=layer_of(int8))
    right = xh.maps(xh.network(floating()), X, method=method, target=2, layer="relu")
    assert np.corrcoef(got.ravel(), right.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("how", FORMATS)
def test_the_layers_own_output_has_the_networks_own_score(how) -> None:
    network = xh.network(quantised(how))
    layer = layer_of(network)
    recorded = network.record(X[:1], [layer])
    own = recorded.activations[layer]
    session = onnxruntime.InferenceSession(quantised(how).SerializeToString())
    right = session.run(["y"], {"x": X[:1]})[0]
    replayed = recorded.replay(layer, np.concatenate([own, own * 1.001]), row=0).scores
    assert replayed[:1] == pytest.approx(right, abs=1e-6)
    assert (replayed[1] != replayed[0]).all()  # far less than half a code


@pytest.mark.parametrize(("zero", "least", "most"), [(0, 0.0, 127.5), (3, -9.0, 200.0)])
def test_codes_of_a_relu_end_where_they_did(zero: int, least: float, most: float) -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("Reshape", ["q", "shape"], ["t"]),
        helper.make_node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    model = small(nodes, s=np.float32(0.5), z=np.uint8(zero), shape=np.array([-1, 2]))
    free = unrounded(model)
    assert free is not None
    assert "QuantizeLinear" not in {node.op_type for node in free.graph.node}
    x = np.array([[-9, 0.3, 0.2, 200]], np.float32)
    right = np.array([[least, 0.3], [0.2, most]], np.float32)
    assert ran(free, x) == pytest.approx(right, abs=1e-5)
    rounded = np.clip(np.round(x / 0.5) + zero, 0, 255) - zero
    assert ran(model, x) == pytest.approx(rounded.reshape(2, 2) * 0.5)


@pytest.mark.parametrize(
    "last",
    [
        helper.make_node("Cast", ["q"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("DequantizeLinear", ["q", "many", "zeros"], ["y"], axis=1),
    ],
)
def test_codes_that_are_read_otherwise_stay_whole_numbers(last: onnx.NodeProto) -> None:
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), last]
    many = {"many": np.full(4, 0.5, np.float32), "zeros": np.zeros(4, np.uint8)}
    model = small(nodes, s=np.float32(0.5), z=np.uint8(3), **many)
    assert unrounded(model) is None


def test_joined_codes_are_read_together_or_not_at_all() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("Neg", ["x"], ["m"]),
        helper.make_node("QuantizeLinear", ["m", "s", "z"], ["p"]),
        helper.make_node("Concat", ["q", "p"], ["t"], axis=1),
        helper.make_node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    model = small(nodes, s=np.float32(0.5), z=np.uint8(128))
    free, x = unrounded(model), np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    assert free is not None
    assert ran(free, x) == pytest.approx(np.concatenate([x, -x], 1), abs=1e-5)
    nodes.insert(2, helper.make_node("Cast", ["p"], ["other"], to=TensorProto.FLOAT))
    nodes[2], nodes[3] = nodes[3], nodes[2]
    assert unrounded(small(nodes, s=np.float32(0.5), z=np.uint8(128))) is None


def small(nodes: list, **stored: np.ndarray) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("x", "y")]
    ends[0] = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    kept = [numpy_helper.from_array(np.asarray(a), n) for n, a in stored.items()]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def ran(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(["y"], {"x": x})[0]
