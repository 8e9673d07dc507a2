"""Operators of integers: what they stand for is differentiated, straight through their rounding."""

from collections.abc import Sequence

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_rewritten import model_of, run

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.onnx import autodiff

RNG = np.random.default_rng(0)


def gradient(model: onnx.ModelProto, x: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    graph, names = autodiff.backward(autodiff.prepared(model), "y", ["x"])
    found = run(graph, x=x, cotangent=g)
    return found["y"], found[names["x"]]


def codes(weight: np.ndarray, axis: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a weight as int8, and their scale, or scales along an axis."""
    others = None if axis is None else tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.abs(weight).max(axis=others, keepdims=axis is not None) / 127
    rounded = np.round(weight / scale).astype(np.int8)
    return rounded, scale.astype(np.float32).ravel() if axis is not None else np.float32(scale)


def dynamic(operator: str, rank: int, product: Sequence[str], **how: object) -> list:
    """What dynamic quantisation makes of a product: its scale is found while it runs."""
    return [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node(operator, product, ["whole"], **how),
        helper.make_node("Cast", ["whole"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "ws"], ["scale"]),
        helper.make_node("Mul", ["numbers", "scale"], ["y"]),
    ]


@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (2, 1, 2, 3)])
@pytest.mark.parametrize("axis", [None, 1])
def test_dynamic_product_is_straight_through(shape: tuple[int, ...], axis: int | None) -> None:
    weight = RNG.standard_normal((3, 5)).astype(np.float32)
    w, ws = codes(weight, axis)
    zero = np.zeros(() if axis is None else 5, np.int8)
    nodes = dynamic("MatMulInteger", len(shape), ["q", "w", "z", "wz"])
    model = model_of(nodes, shape, len(shape), {"w": w, "ws": ws, "wz": zero}, 17)
    x, g = (RNG.standard_normal(s).astype(np.float32) for s in (shape, (*shape[:-1], 5)))
    y, found = gradient(model, x, g)
    assert y == pytest.approx(run(model, x=x)["y"], rel=1e-6)
    assert found == pytest.approx(g @ (w * ws).T, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("how", [{}, {"strides": [2, 1], "pads": [1, 0, 1, 2]}, {"group": 2}])
def test_dynamic_convolution_is_straight_through(how: dict) -> None:
    weight = RNG.standard_normal((4, 4 // how.get("group", 1), 3, 3)).astype(np.float32)
    w, ws = codes(weight)
    stored = {"w": w, "ws": ws, "wz": np.int8(0)}
    model = model_of(
        dynamic("ConvInteger", 4, ["q", "w", "z", "wz"], **how), [2, 4, 7, 8], 4, stored, 17
    )
    twin = model_of(
        [helper.make_node("Conv", ["x", "w"], ["y"], **how)],
        [2, 4, 7, 8], 4, {"w": (w * ws).astype(np.float32)}, 17,
    )  # fmt: skip
    x = RNG.standard_normal((2, 4, 7, 8)).astype(np.float32)
    g = RNG.standard_normal(run(twin, x=x)["y"].shape).astype(np.float32)
    y, found = gradient(model, x, g)
    assert y == pytest.approx(run(model, x=x)["y"], rel=1e-6)
    assert found == pytest.approx(gradient(twin, x, g)[1], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_dynamic_product_of_the_runtime_is_straight_through(bias: bool) -> None:
    w, ws = codes(RNG.standard_normal((3, 5)).astype(np.float32))
    b = RNG.standard_normal(5).astype(np.float32)
    inputs = ["x", "w", "ws", "wz", *(["b"] if bias else [])]
    nodes = [helper.make_node("DynamicQuantizeMatMul", inputs, ["y"], domain="com.microsoft")]
    stored = {"w": w, "ws": ws, "wz": np.int8(0), "b": b}
    model = model_of(nodes, [4, 3], 2, {n: v for n, v in stored.items() if n in inputs}, 17)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    x, g = (RNG.standard_normal(s).astype(np.float32) for s in ((4, 3), (4, 5)))
    y, found = gradient(model, x, g)
    assert y == pytest.approx(run(model, x=x)["y"], rel=1e-5, abs=1e-6)
    assert found == pytest.approx(g @ (w * ws).T, rel=1e-4, abs=1e-5)


def test_other_arithmetic_of_integers_behind_a_quantiser_is_refused_by_name() -> None:
    w, ws = codes(RNG.standard_normal((3, 5)).astype(np.float32))
    nodes = dynamic("MatMulInteger", 2, ["q", "w", "z", "wz"])
    nodes.insert(2, helper.make_node("Mul", ["whole", "two"], ["twice"], name="doubled"))
    nodes[3].input[0] = "twice"
    stored = {"w": w, "ws": ws, "wz": np.int8(0), "two": np.int32(2)}
    model = model_of(nodes, [4, 3], 2, stored, 17)
    with pytest.raises(NoRule, match="doubled"):
        gradient(model, np.ones((4, 3), np.float32), np.ones((4, 5), np.float32))


MICROSOFT = {"QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QGemm",
             "QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearConcat", "QLinearWhere",
             "MatMulIntegerToFloat", "QLinearSoftmax"}  # fmt: skip


def integer_case(operator: str) -> tuple[list[str], dict, tuple[int, ...], dict]:
    """Inputs of a node behind the codes q of x, what is stored, the shape of x, attributes."""
    q, y = ["q", "s", "z"], ["ys", "z"]
    two = {"w": RNG.integers(0, 255, (2, 3, 6, 6)).astype(np.uint8)}
    matrix = {"w": RNG.integers(-99, 99, (6, 4)).astype(np.int8), "wz": np.int8(3)}
    kernel = {"w": RNG.integers(-99, 99, (4, 3, 3, 3)).astype(np.int8), "wz": np.int8(0)}
    image = (2, 3, 6, 6)
    return {
        "QLinearConv": ([*q, "w", "ws", "wz", *y], kernel, image, {"pads": [1, 1, 1, 1]}),
        "QLinearMatMul": ([*q, "w", "ws", "wz", *y], matrix, (2, 6), {}),
        "QGemm": ([*q, "w", "ws", "wz", "b", *y], matrix | {"b": np.arange(4, dtype=np.int32)},
                  (2, 6), {}),
        "QLinearAdd": ([*q, "w", "ws", "z", *y], two, image, {}),
        "QLinearMul": ([*q, "w", "ws", "z", *y], two, image, {}),
        "QLinearSigmoid": ([*q, *y], {}, image, {}),
        "QLinearLeakyRelu": ([*q, *y], {}, image, {"alpha": 0.2}),
        "QLinearSoftmax": ([*q, *y], {}, (2, 6), {"axis": -1, "opset": 17}),
        "QLinearGlobalAveragePool": ([*q, *y], {}, image, {}),
        "QLinearAveragePool": ([*q, *y], {}, image, {"kernel_shape": [2, 2], "strides": [2, 2]}),
        "QLinearConcat": ([*y, *q, "w", "ws", "z"], two, image, {"axis": 1}),
        "QLinearWhere": (["m", *q, "w", "ws", "z", *y],
                         two | {"m": RNG.random((2, 3, 6, 6)) > 0.5}, image, {}),
        "MatMulIntegerToFloat": (["q", "w", "s", "ws", "z", "wz"], matrix, (2, 6), {}),
    }[operator]  # fmt: skip


@pytest.mark.parametrize("operator", [*sorted(MICROSOFT), "QLinearConv", "QLinearMatMul"])
def test_integer_operator_stands_for_its_numbers(operator: str) -> None:
    inputs, extra, shape, how = integer_case(operator)
    small = np.float32(0.004 if operator in ("QLinearSigmoid", "QLinearSoftmax") else 0.15)
    stored = {
        "s": np.float32(0.02),
        "z": np.uint8(120),
        "ws": np.float32(0.01),
        "ys": small,
        **extra,
    }
    domain = "com.microsoft" if operator in MICROSOFT else ""
    numbers = operator == "MatMulIntegerToFloat"
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node(operator, inputs, ["y" if numbers else "p"], domain=domain, **how),
    ]
    if not numbers:
        nodes.append(helper.make_node("DequantizeLinear", ["p", "ys", "z"], ["y"]))
    model = model_of(nodes, shape, len(shape) if operator[-4:] != "Gemm" else 2, stored, 17)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    x = RNG.uniform(-1, 1, shape).astype(np.float32)
    right = run(model, x=x)["y"]
    prepared = autodiff.prepared(model)
    assert run(prepared, x=x)["y"] == pytest.approx(right, abs=1.01 * float(small))
    g = RNG.standard_normal(right.shape).astype(np.float32)
    _, found = gradient(model, x, g)
    d = np.sign(found).astype(np.float32)
    ends = [run(model, x=np.clip(x + t * d, -2, 2))["y"].astype(float) for t in (0.2, -0.2)]
    slope, along = ((ends[0] - ends[1]) / 0.4 * g).sum(), (found * d).sum()
    assert along == pytest.approx(slope, rel=0.25)


def test_codes_between_operators_hold_what_they_stand_for() -> None:
    stored = {"s": np.float32(0.02), "z": np.uint8(120)}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node(
            "QLinearSigmoid", ["q", "s", "z", "s", "z"], ["a"], domain="com.microsoft"
        ),
        helper.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[0, 2, 3, 1]),
        helper.make_node("DequantizeLinear", ["c", "s", "z"], ["y"]),
    ]
    model = model_of(nodes, [1, 2, 4, 4], 4, stored, 17)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    prepared = autodiff.prepared(model)
    kinds = {v.name: v.type.tensor_type.elem_type for v in prepared.graph.value_info}
    assert {kinds[name] for name in "qabc"} == {TensorProto.FLOAT}
    x = RNG.uniform(-1, 1, (1, 2, 4, 4)).astype(np.float32)
    assert np.array_equal(run(prepared, x=x)["y"], run(model, x=x)["y"])


@pytest.mark.parametrize("domain", ["", "com.microsoft"])
def test_four_bits_are_read_from_either_domain(domain: str) -> None:
    w = numpy_helper.from_array(np.arange(-6, 6).reshape(3, 4).astype(np.int8), "w8")
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "ws"], ["m"], domain=domain),
        helper.make_node("MatMul", ["x", "m"], ["y"]),
    ]
    model = model_of(nodes, [2, 3], 2, {"ws": np.float32(0.1)}, 17 if domain else 21, 10)
    values = numpy_helper.to_array(w).ravel().tolist()
    model.graph.initializer.append(helper.make_tensor("w", TensorProto.INT4, [3, 4], values))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    x, g = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
    _, found = gradient(model, x, g)
    assert found == pytest.approx(g @ (numpy_helper.to_array(w) * 0.1).T, abs=1e-5)
