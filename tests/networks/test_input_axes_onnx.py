"""Axes of an ONNX graph's input, said or found in the graph."""

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx")

from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.networks.onnx.axes import axes_in


def graph(nodes, shape, stored):
    """A graph behind those nodes, which end in c: ReLU, mean over all places, two classes."""
    head = [
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["q"]),
        helper.make_node("MatMul", ["q", "f"], ["y"]),
    ]
    stored = {"f": np.random.default_rng(1).normal(size=(4, 2)).astype("f"), **stored}
    made = helper.make_graph(
        [*nodes, *head], "axes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def weights(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("f")


def video():
    return graph(
        [
            helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1, 3, 4]),
            helper.make_node("Conv", ["t", "w"], ["c"], strides=[2, 2, 2]),
        ],
        (6, 3, 16, 16),
        {"w": weights(4, 3, 2, 2, 2)},
    )


def wave():
    return graph(
        [
            helper.make_node("Unsqueeze", ["x", "one"], ["t"]),
            helper.make_node("Conv", ["t", "w"], ["c"], strides=[4]),
        ],
        (64,),
        {"w": weights(4, 1, 4), "one": np.array([1])},
    )


@pytest.mark.slow
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("method", ["hirescam", "saliency", "occlusion", "ablationcam"])
def test_frames_first(method, said):
    x = np.zeros((1, 6, 3, 16, 16), np.float32)
    x[0, 2:4, :, 8:10, 4:6] = 1
    network = xh.network(video(), axes="tchw" if said else None)
    found = xh.maps(network, x, method=method, target=0)[0]
    at = np.unravel_index(np.abs(found).argmax(), found.shape)
    if found.shape == (3, 8, 8):
        assert at == (1, 4, 2)
    else:
        assert found.shape == (6, 16, 16)
        assert (at[0] // 2, at[1] // 2, at[2] // 2) == (1, 4, 2)
    assert xh.explain(network, x[0], method=method, target=0).heat().shape == (6, 16, 16)
    assert not any("own axes" in name for name in network.layers)


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("method", ["hirescam", "saliency"])
def test_no_channels(method, said):
    x = np.zeros((1, 64), np.float32)
    x[0, 20:24] = 1
    network = xh.network(wave(), axes="t" if said else None)
    found = xh.maps(network, x, method=method, target=0)[0]
    assert int(np.abs(found).argmax()) * 64 // len(found) in range(20, 24)
    assert xh.explain(network, x[0], method=method, target=0).heat().shape == (64,)


def damaged(node, **stored):
    """The axes that are read from a graph that begins with a node that is not in order."""
    made = graph([node, helper.make_node("Conv", ["t", "w"], ["c"])], (6, 3, 16, 16), stored)
    return axes_in(made, made.graph.input[0])


@pytest.mark.parametrize(
    ("operator", "how"),
    [
        ("Transpose", {"perm": [0, 9, 1, 2, 3]}),
        ("Transpose", {"perm": [0, 1]}),
        ("Unsqueeze", {"axes": [1, 1, 1]}),
        ("Unsqueeze", {"axes": [2**40]}),
        ("Unsqueeze", {"axes": "1"}),
        ("Squeeze", {"axes": [-99]}),
    ],
)
def test_axes_of_a_node_that_is_not_in_order_are_not_told(operator, how):
    assert damaged(helper.make_node(operator, ["x"], ["t"], **how)) is None


@pytest.mark.parametrize("place", ["weights", "axes", "constant"])
@pytest.mark.parametrize("wrong", ["length", "type", "content"])
def test_axes_are_read_beside_damaged_weights(place, wrong):
    made = wave()
    if place == "constant":
        value = numpy_helper.from_array(np.ones(4, "f"), "k")
        made.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value=value))
        tensor = made.graph.node[0].attribute[0].t
    else:
        name = "f" if place == "weights" else "one"
        tensor = next(t for t in made.graph.initializer if t.name == name)
    if wrong == "length":
        tensor.dims[0] = 2**62
    elif wrong == "type":
        tensor.data_type = 0
    else:
        tensor.raw_data = tensor.raw_data[:-1]
    found = axes_in(made, made.graph.input[0])
    assert found is None if place == "axes" else found.word == "t"
