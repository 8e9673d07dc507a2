"""Modules of a PyTorch model are layers of the file that it was exported to."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.networks.onnx.modules import CLASSES, SCOPES, modules

RNG = np.random.default_rng(0)


def node(operator: str, x: list[str], y: str, scopes: list[str] | str, **how: object):
    made = helper.make_node(operator, x, [y], name=f"node_{y}", **how)
    text = scopes if isinstance(scopes, str) else repr(["", *scopes, y])
    made.metadata_props.add(key=SCOPES, value=text)
    if not isinstance(scopes, str):
        kinds = ["net.Net", *(f"torch.nn.{s.split('.')[-1].title()}" for s in scopes), "aten.op"]
        made.metadata_props.add(key=CLASSES, value=repr(kinds))
    return made


def block() -> list:
    """Two convolutions with one shared activation, and a skip around both."""
    return [
        node("Conv", ["x", "w1"], "a", ["body", "body.one"], pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b", ["body", "body.act"]),
        node("Conv", ["b", "w2"], "c", ["body", "body.two"], pads=[1, 1, 1, 1]),
        node("Add", ["c", "x"], "d", ["body"]),
        node("Relu", ["d"], "e", ["body", "body.act"]),
        node("GlobalAveragePool", ["e"], "f", ["pool"]),
        node("Flatten", ["f"], "y", []),
    ]


def network(nodes: list) -> xh.Network:
    io = helper.make_tensor_value_info
    stored = {n: RNG.standard_normal((3, 3, 3, 3)).astype(np.float32) for n in ("w1", "w2")}
    graph = helper.make_graph(
        nodes, "graph", [io("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [io("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(a, n) for n, a in stored.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    return xh.network(model)


def test_modules_are_layers_beside_their_nodes() -> None:
    found = network(block())
    assert list(found.layers) == [
        "input", "node_a", "body.one", "node_b", "body.act#1", "node_c", "body.two", "node_d",
        "node_e", "body.act#2", "body", "node_f", "pool", "node_y",
    ]  # fmt: skip
    assert found.layers["body.one"].kind == "One"


@pytest.mark.parametrize(
    ("module", "tensor"),
    [
        ("body.one", "node_a"),
        ("body.act#1", "node_b"),
        ("body.act#2", "node_e"),
        ("body", "node_e"),
    ],
)
@pytest.mark.parametrize("method", ["hirescam", "ablationcam"])
def test_map_of_a_module_is_that_of_what_it_answers(module: str, tensor: str, method: str) -> None:
    found = network(block())
    x = RNG.random((2, 3, 8, 8)).astype(np.float32)
    maps = [xh.maps(found, x, layer=n, method=method, target=1) for n in (module, tensor)]
    assert np.array_equal(*maps)


@pytest.mark.parametrize(
    "said", ["", "[", "7", "['a', 7]", "[" * 5000, "['', 'a\\x1b[31m', 'x']", "x" * 30_000]
)
def test_what_is_no_list_of_paths_is_left_alone(said: str) -> None:
    nodes = block()
    nodes[0] = node("Conv", ["x", "w1"], "a", said, pads=[1, 1, 1, 1])
    assert not [m for m in modules(nodes, ["y"]) if m.tensor == "a"]


def test_a_module_named_as_a_node_leaves_the_node_its_name() -> None:
    nodes = block()
    nodes[1].name = "body"
    found = network(nodes)
    assert found.layers["body"].kind == "Relu"
