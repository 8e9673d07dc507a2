"""Graphs that are rewritten before they are differentiated keep what they compute."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.onnx import autodiff

RNG = np.random.default_rng(0)


def model_of(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int],
    rank: int | None,
    stored: dict[str, np.ndarray],
    opset: int,
    ir: int = 8,
) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    lengths = None if rank is None else [None] * rank
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, lengths)
    constants = [numpy_helper.from_array(np.asarray(a), name) for name, a in stored.items()]
    graph = helper.make_graph(nodes, "graph", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)


def run(model: onnx.ModelProto, **feeds: np.ndarray) -> dict[str, np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def check(model: onnx.ModelProto, x: np.ndarray, *, step: float = 1e-2) -> None:
    """The same answer, and the derivative of that answer along a random direction."""
    right = run(model, x=x)["y"]
    prepared = autodiff.prepared(model)
    graph, names = autodiff.backward(prepared, "y", ["x"])
    g = np.random.default_rng(1).standard_normal(right.shape).astype(np.float32)
    found = run(graph, x=x, cotangent=g)
    assert found["y"] == pytest.approx(right, rel=1e-5, abs=1e-6)
    d = np.random.default_rng(2).standard_normal(x.shape).astype(np.float32)
    ends = [run(model, x=(x + sign * step * d).astype(np.float32))["y"] for sign in (1, -1)]
    slope = ((ends[0].astype(float) - ends[1]) / (2 * step) * g).sum()
    scale = np.abs((ends[0].astype(float) - ends[1]) / (2 * step) * g).sum()
    assert (found[names["x"]].astype(float) * d).sum() == pytest.approx(slope, abs=5e-3 * scale)


def resized(scales: Sequence[float], operator: str = "Resize") -> list[onnx.NodeProto]:
    return [helper.make_node(operator, ["x", "s"], ["y"], mode="nearest")]


@pytest.mark.parametrize(
    "scales", [(0.6, 0.6), (0.37, 0.9), (0.6, 1.7), (2.25, 0.45), (1, 0.7), (0.5, 2), (1.5, 1.2)]
)
def test_old_nearest_resizing_reads_what_the_runtime_reads(scales: Sequence[float]) -> None:
    stored = {"s": np.float32([1, 1, *scales])}
    model = model_of(resized(scales), [1, 2, 10, 11], 4, stored, 10)
    check(model, RNG.standard_normal((1, 2, 10, 11)).astype(np.float32))


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("size", [5, 8, 9, 10])
@pytest.mark.parametrize(
    "how",
    [
        {"kernel_shape": [3, 3], "strides": [3, 3], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [2, 2], "strides": [3, 2], "pads": [0, 1, 1, 1]},
        {"kernel_shape": [1, 1], "strides": [2, 3]},
    ],
)
def test_last_windows_of_pooling_are_those_that_run(operator: str, size: int, how: dict) -> None:
    opset = 22 if operator == "LpPool" else 17
    nodes = [helper.make_node(operator, ["x"], ["y"], ceil_mode=1, **how)]
    model = model_of(nodes, [2, 3, size, size + 1], 4, {}, opset, 10)
    x = RNG.permutation(6 * size * (size + 1)).reshape(2, 3, size, size + 1).astype(np.float32)
    check(model, x / 10)


@pytest.mark.parametrize("begin", [0, 1])
@pytest.mark.parametrize("size", [6, 7, 8])
def test_average_that_counts_its_padding_has_the_divisor_of_the_runtime(
    begin: int, size: int
) -> None:
    how = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [begin, 0, 1, 1]}
    nodes = [helper.make_node("AveragePool", ["x"], ["y"], ceil_mode=1, count_include_pad=1, **how)]
    for opset in (11, 17, 19, 22):
        model = model_of(nodes, [1, 2, size, size], 4, {}, opset, 10)
        check(model, RNG.standard_normal((1, 2, size, size)).astype(np.float32))


DEFAULTS = [
    ("MeanVarianceNormalization", 13, [2, 3, 4, 5]),
    ("MeanVarianceNormalization", 9, [2, 3, 4, 5]),
    ("Shrink", 9, [2, 5]),
    ("Shrink", 20, [2, 5]),
    ("Selu", 6, [2, 5]),
    ("Softmax", 11, [2, 3, 2]),
    ("LogSoftmax", 12, [2, 3, 2]),
    ("Gelu", 20, [2, 5]),
    ("Celu", 12, [2, 5]),
    ("HardSigmoid", 6, [2, 5]),
    ("ThresholdedRelu", 10, [2, 5]),
    ("LpNormalization", 1, [2, 5]),
]


@pytest.mark.parametrize(("operator", "opset", "shape"), DEFAULTS)
def test_attributes_left_at_their_default_mean_what_the_standard_says(
    operator: str, opset: int, shape: list[int]
) -> None:
    model = model_of(
        [helper.make_node(operator, ["x"], ["y"])], shape, len(shape), {}, max(opset, 7)
    )
    check(model, RNG.standard_normal(shape).astype(np.float32), step=1e-3)


@pytest.mark.parametrize("stored_as", ["initializer", "constant"])
@pytest.mark.parametrize("which", ["mask", "keys", "causal"])
def test_attention_reads_stored_tensors(which: str, stored_as: str) -> None:
    stored = {
        "mask": RNG.standard_normal((6, 6)).astype(np.float32),
        "k": RNG.standard_normal((1, 6, 8)).astype(np.float32),
    }
    inputs = {"mask": ["x", "x", "x", "mask"], "keys": ["x", "k", "k"], "causal": ["x", "x", "x"]}
    used = {name: value for name, value in stored.items() if name in inputs[which]}
    nodes = [
        helper.make_node(
            "Attention", inputs[which], ["y"],
            q_num_heads=2, kv_num_heads=2, is_causal=int(which == "causal"),
        )
    ]  # fmt: skip
    if stored_as == "constant":
        tensors = {name: numpy_helper.from_array(value) for name, value in used.items()}
        made = [helper.make_node("Constant", [], [n], value=t) for n, t in tensors.items()]
        nodes, used = [*made, *nodes], {}
    model = model_of(nodes, [1, 6, 8], 3, used, 23, 10)
    check(model, RNG.standard_normal((1, 6, 8)).astype(np.float32))


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_embedding_reads_stored_tables(interleaved: int) -> None:
    angles = RNG.standard_normal((1, 6, 2))
    stored = {"c": np.cos(angles).astype(np.float32), "s": np.sin(angles).astype(np.float32)}
    nodes = [helper.make_node(
        "RotaryEmbedding", ["x", "c", "s"], ["y"], interleaved=interleaved, num_heads=2
    )]  # fmt: skip
    model = model_of(nodes, [1, 6, 8], 3, stored, 23, 10)
    check(model, RNG.standard_normal((1, 6, 8)).astype(np.float32))


@pytest.mark.parametrize("ir", [3, 4, 8])
def test_older_files_keep_their_weights_where_they_are(ir: int) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = model_of(nodes, [2, 3], 2, {"w": RNG.standard_normal((3, 4)).astype("f")}, 9, ir)
    if ir == 3:
        w = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4])
        model.graph.input.append(w)
    check(model, RNG.standard_normal((2, 3)).astype(np.float32))
    assert model.ir_version == ir


RECURRENT = [
    (operator, direction, how)
    for operator, how in (
        ("LSTM", {}),
        ("RNN", {}),
        ("GRU", {}),
        ("GRU", {"linear_before_reset": 1}),
    )
    for direction in ("forward", "reverse", "bidirectional")
]


@pytest.mark.parametrize(("operator", "direction", "how"), RECURRENT)
@pytest.mark.parametrize("full", [True, False])
def test_recurrent_layers_keep_their_values_and_have_a_derivative(
    operator: str, direction: str, how: dict, full: bool
) -> None:
    gates, ways, size = {"LSTM": 4, "GRU": 3, "RNN": 1}[operator], 1 + (direction[0] == "b"), 3
    shapes = {
        "w": (ways, gates * size, 4),
        "r": (ways, gates * size, size),
        "b": (ways, 2 * gates * size),
        "h": (ways, 2, size),
        "c": (ways, 2, size),
    }
    names = ["w", "r", "b", "", "h", *(["c"] if operator == "LSTM" else [])] if full else ["w", "r"]
    stored = {n: RNG.standard_normal(shapes[n]).astype(np.float32) for n in names if n}
    outputs = ["", "y"] if direction == "reverse" else ["y"]
    node = helper.make_node(
        operator, ["x", *names], outputs, hidden_size=size, direction=direction, **how
    )
    model = model_of([node], [5, 2, 4], 3 if direction == "reverse" else 4, stored, 18)
    check(model, RNG.standard_normal((5, 2, 4)).astype(np.float32))
    assert operator not in {node.op_type for node in autodiff.prepared(model).graph.node}


@pytest.mark.parametrize(
    "how",
    [{"clip": 1.0}, {"activations": ["Relu", "Tanh", "Tanh"]}, {"hidden_size": 2**40}],
)
def test_unusual_recurrent_layers_are_refused_by_name(how: dict) -> None:
    stored = {"w": np.ones((1, 8, 4), np.float32), "r": np.ones((1, 8, 2), np.float32)}
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], **{"hidden_size": 2} | how)
    model = model_of([node], [5, 2, 4], 4, stored, 18)
    with pytest.raises(NoRule, match="LSTM"):
        autodiff.backward(autodiff.prepared(model), "y", ["x"])
