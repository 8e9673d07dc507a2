"""The sweep from the output back to the tensors: which nodes, which sums, which refusals."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from xai_heatmap.core.errors import ModelError, NoRule
from xai_heatmap.networks.onnx import autodiff


def graph(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list],
    outputs: dict[str, list],
    stored: dict[str, np.ndarray] | None = None,
    *,
    opset: int = 18,
) -> onnx.ModelProto:
    def infos(shapes: dict[str, list]) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    constants = [
        numpy_helper.from_array(np.asarray(array), name) for name, array in (stored or {}).items()
    ]
    body = helper.make_graph(nodes, "graph", infos(inputs), infos(outputs), constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(operator: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(
        operator, inputs.split(), outputs.split(), name=f"the {operator} {outputs}", **attributes
    )


def run(
    model: onnx.ModelProto, feeds: dict[str, np.ndarray], names: dict[str, str]
) -> dict[str, np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return {tensor: session.run([name], feeds)[0] for tensor, name in names.items()}


def test_tensor_that_is_used_several_times_gets_the_sum() -> None:
    model = graph(
        [node("Mul", "x x", "square"), node("Add", "square x", "y")],
        {"x": ["n", 3]},
        {"y": ["n", 3]},
    )
    graph_, names = autodiff.backward(autodiff.prepared(model), "y", ["x"])
    x, g = np.float32([[1, 2, 3]]), np.float32([[1, 10, 100]])
    assert run(graph_, {"x": x, "cotangent": g}, names)["x"] == pytest.approx(g * (2 * x + 1))


def test_output_itself_gets_the_cotangent_and_a_tensor_without_influence_zeros() -> None:
    model = graph(
        [node("Exp", "x", "y"), node("Sin", "x", "aside")], {"x": [2]}, {"y": [2], "aside": [2]}
    )
    graph_, names = autodiff.backward(autodiff.prepared(model), "y", ["y", "aside"])
    found = run(graph_, {"x": np.float32([0, 1]), "cotangent": np.float32([3, 4])}, names)
    assert found["y"].tolist() == [3, 4]
    assert found["aside"].tolist() == [0, 0]


def test_operator_without_a_rule_matters_only_on_the_path() -> None:
    nodes = [node("Det", "x", "d"), node("Add", "d v", "s"), node("Exp", "s", "y")]
    model = autodiff.prepared(graph(nodes, {"x": [2, 2], "v": []}, {"y": []}))
    _, names = autodiff.backward(model, "y", ["s", "v"])
    assert set(names) == {"s", "v"}
    with pytest.raises(NoRule, match=r"the Det d.*\(Det\).*eigencam"):
        autodiff.backward(model, "y", ["s", "x"])
    assert set(autodiff.refusals(model, "y", ["s", "v", "x"])) == {"x"}


def test_operator_of_another_domain_is_refused() -> None:
    nodes = [
        helper.make_node("FusedConv", ["x"], ["h"], domain="com.microsoft"),
        node("Exp", "h", "y"),
    ]
    model = graph(nodes, {"x": [2]}, {"y": [2]})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.value_info.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [2]))
    with pytest.raises(NoRule, match=r"com\.microsoft"):
        autodiff.backward(autodiff.prepared(model), "y", ["x"])


def test_body_that_reads_a_layer_from_outside_is_refused() -> None:
    def branch(name: str, operator: str) -> onnx.GraphProto:
        result = helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
        return helper.make_graph([node(operator, "h", name)], name, [], [result])

    nodes = [
        node("Exp", "x", "h"),
        helper.make_node(
            "If", ["c"], ["b"], then_branch=branch("t", "Sin"), else_branch=branch("e", "Cos")
        ),
        node("Add", "b h", "y"),
    ]
    model = autodiff.prepared(graph(nodes, {"x": [2]}, {"y": [2]}, {"c": np.array(True)}))
    with pytest.raises(NoRule, match=r"\(If\)"):
        autodiff.backward(model, "y", ["x"])


def test_integers_end_the_path() -> None:
    nodes = [
        node("ArgMax", "x", "i", axis=1, keepdims=1),
        node("Cast", "i", "f", to=TensorProto.FLOAT),
        node("Mul", "f x", "y"),
    ]
    graph_, names = autodiff.backward(
        autodiff.prepared(graph(nodes, {"x": [1, 3]}, {"y": [1, 3]})), "y", ["x"]
    )
    x, g = np.float32([[1, 2, 3]]), np.float32([[5, 6, 7]])
    assert run(graph_, {"x": x, "cotangent": g}, names)["x"] == pytest.approx(2 * g)


def test_weight_that_depends_on_the_layer_is_refused() -> None:
    nodes = [node("Reshape", "x s", "w"), node("Conv", "x w", "y")]
    model = graph(nodes, {"x": [1, 1, 3, 3]}, {"y": [1, 1, 1, 1]}, {"s": np.array([1, 1, 3, 3])})
    with pytest.raises(NoRule, match=r"input 1 .* has no formula"):
        autodiff.backward(autodiff.prepared(model), "y", ["x"])


def test_unknown_tensor_is_named_with_its_neighbour() -> None:
    model = autodiff.prepared(graph([node("Exp", "x", "features")], {"x": [2]}, {"features": [2]}))
    with pytest.raises(ModelError, match="Did you mean 'features'"):
        autodiff.backward(model, "features", ["feature"])


def test_tensor_of_integers_has_no_gradient() -> None:
    nodes = [node("Cast", "x", "i", to=TensorProto.UINT8), node("Cast", "i", "y", to=1)]
    model = autodiff.prepared(graph(nodes, {"x": [2]}, {"y": [2]}))
    with pytest.raises(ModelError, match="holds uint8"):
        autodiff.backward(model, "y", ["i"])
    graph_, names = autodiff.backward(model, "y", ["x"])
    feeds = {"x": np.float32([1, 2]), "cotangent": np.float32([1, 1])}
    assert run(graph_, feeds, names)["x"].tolist() == [0, 0]


def test_input_whose_name_is_taken_is_refused() -> None:
    model = autodiff.prepared(
        graph([node("Exp", "cotangent", "y")], {"cotangent": [2]}, {"y": [2]})
    )
    with pytest.raises(ModelError, match="already uses that name"):
        autodiff.backward(model, "y", ["cotangent"])
    graph_, names = autodiff.backward(model, "y", ["cotangent"], cotangent="g")
    assert graph_.graph.input[-1].name == "g"
    assert set(names) == {"cotangent"}


def convolutions() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    stored = {name: rng.standard_normal((32, 32, 3, 3), np.float32) for name in ("v", "w")}
    nodes = [
        node("Conv", "x v", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("Conv", "b w", "c", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c", "y"),
    ]
    return autodiff.prepared(graph(nodes, {"x": ["n", 32, 8, 8]}, {"y": ["n", 32, 4, 4]}, stored))


def test_same_graph_gives_the_same_bytes_and_leaves_the_model_alone() -> None:
    model = convolutions()
    before = model.SerializeToString()
    first, second = (autodiff.backward(model, "y", ["x", "b"])[0] for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )
    assert model.SerializeToString() == before


def test_no_weight_is_stored_twice() -> None:
    model = convolutions()
    graph_, _ = autodiff.backward(model, "y", ["x", "b"])
    assert graph_.ByteSize() - model.ByteSize() < 3000


def test_all_that_is_written_has_the_prefix() -> None:
    model = convolutions()
    graph_, names = autodiff.backward(model, "y", ["x"])
    old = {name for n in model.graph.node for name in n.output} | {
        i.name for i in model.graph.initializer
    }
    new = {name for n in graph_.graph.node for name in n.output} | {
        i.name for i in graph_.graph.initializer
    }
    assert all(name.startswith("xai/") for name in new - old)
    assert set(names.values()) <= new


def test_differentiated_graph_can_be_differentiated_again() -> None:
    nodes = [node("Tanh", "x", "t"), node("Mul", "t x", "y")]
    model = autodiff.prepared(graph(nodes, {"x": [3]}, {"y": [3]}))
    first, names = autodiff.backward(model, "y", ["x"])
    second, again = autodiff.backward(
        autodiff.prepared(first), names["x"], ["x"], cotangent="direction"
    )
    x = torch.tensor([0.3, -1.0, 2.0], requires_grad=True)
    (slope,) = torch.autograd.grad((x.tanh() * x).sum(), x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), x)
    one = np.ones(3, np.float32)
    found = run(second, {"x": x.detach().numpy(), "cotangent": one, "direction": one}, again)
    assert found["x"] == pytest.approx(curvature.numpy(), rel=1e-5)


@pytest.mark.parametrize("maxpool", ["portable", "scatter"])
def test_pool_after_relu_gives_a_window_of_zeros_to_its_first_entry_only(maxpool: str) -> None:
    attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes = [node("Relu", "x", "h"), node("MaxPool", "h", "y", **attributes)]
    model = autodiff.prepared(graph(nodes, {"x": ["n", 4, 9, 9]}, {"y": ["n", 4, 5, 5]}))
    graph_, names = autodiff.backward(model, "y", ["h"], maxpool=maxpool)
    torch.manual_seed(0)
    h = F.relu(torch.randn(2, 4, 9, 9) - 1.5).requires_grad_()
    assert (h == 0).float().mean() > 0.8
    y = F.max_pool2d(h, 3, 2, 1)
    g = torch.randn(y.shape)
    (expected,) = torch.autograd.grad(y, h, g)
    found = run(graph_, {"x": h.detach().numpy(), "cotangent": g.numpy()}, names)
    assert found["h"] == pytest.approx(expected.numpy(), abs=1e-6)


def test_quantised_network_is_explained_through_its_dequantised_values() -> None:
    rng = np.random.default_rng(0)
    stored = {
        "w8": rng.integers(-127, 127, (4, 3, 3, 3)).astype(np.int8),
        "ws": np.float32(0.01),
        "wz": np.int8(0),
        "s": np.float32(0.05),
        "z": np.uint8(100),
    }
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s z", "dx"),
        node("DequantizeLinear", "w8 ws wz", "w"),
        node("Conv", "dx w", "y"),
    ]
    model = autodiff.prepared(graph(nodes, {"x": ["n", 3, 5, 5]}, {"y": ["n", 4, 3, 3]}, stored))
    graph_, names = autodiff.backward(model, "y", ["x"])
    x = rng.uniform(-4, 6, (2, 3, 5, 5)).astype(np.float32)
    g = rng.standard_normal((2, 4, 3, 3)).astype(np.float32)
    weight = torch.from_numpy(stored["w8"]).float() * 0.01
    inside = (x > -100 * 0.05) & (x < 155 * 0.05)
    expected = F.conv_transpose2d(torch.from_numpy(g), weight).numpy() * inside
    assert run(graph_, {"x": x, "cotangent": g}, names)["x"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("Resize", "x none none sizes", {"mode": "cubic"}),
        ("Resize", "x none none sizes", {"coordinate_transformation_mode": "half_pixel_symmetric"}),
        ("Einsum", "x", {"equation": "aabc->abc"}),
        ("BatchNormalization", "x k k k k", {"training_mode": 1}),
    ],
)
def test_attributes_without_a_formula_are_refused(
    operator: str, inputs: str, attributes: dict
) -> None:
    stored = {"sizes": np.array([2, 2, 3, 3]), "k": np.ones(2, np.float32)}
    names = [name.replace("none", "") for name in inputs.split()]
    outputs = ["y", "mean", "variance"] if operator == "BatchNormalization" else ["y"]
    single = helper.make_node(operator, names, outputs, name="node", **attributes)
    used = {name: array for name, array in stored.items() if name in names}
    rank = 3 if operator == "Einsum" else 4
    model = graph([single], {"x": [2, 2, 2, 2]}, {"y": [None] * rank}, used)
    with pytest.raises(NoRule, match=operator):
        autodiff.backward(autodiff.prepared(model), "y", ["x"])


def test_every_rule_states_its_formula() -> None:
    for name, rule in autodiff.rules().items():
        assert "=" in rule.formula, name
        assert rule.operator == name
