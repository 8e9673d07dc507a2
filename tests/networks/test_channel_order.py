"""Where the channels of a convolution are, whatever its steps and the order of the input are."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh


def channels_last_input(side, channels):
    """A picture (n, H, W, 3) that is turned at once, as converters write it; then convolutions."""
    rng = np.random.default_rng(0)
    weights = {
        "first": rng.normal(size=(channels, 3, 4, 4)),
        "second": rng.normal(size=(channels, channels, 1, 1)),
        "last": rng.normal(size=(channels, 5)),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "first"], ["a"], name="a", strides=[4, 4]),
        helper.make_node("Clip", ["a", "", "six"], ["r"], name="r"),
        helper.make_node("Conv", ["r", "second"], ["b"], name="b"),
        helper.make_node("GlobalAveragePool", ["b"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "last"], ["y"]),
    ]
    stored = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    stored.append(numpy_helper.from_array(np.float32(6), "six"))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "turned",
        [value("x", TensorProto.FLOAT, ["n", side, side, 3])],
        [value("y", TensorProto.FLOAT, ["n", 5])],
        stored,
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize(("side", "channels"), [(28, 64), (28, 7), (32, 8), (56, 256)])
def test_onnx_convolves_channels_first_whatever_the_input_is(side, channels):
    layers = xh.network(channels_last_input(side, channels)).survey((3, side, side)).layers
    for name in ("a", "r", "b"):
        assert layers[name].grid == (side // 4, side // 4), name
        assert layers[name].shape[0] == channels


@pytest.mark.parametrize("size", [(8, 12), (12, 8), (8, 16), (9, 13)])
def test_steps_that_are_evener_along_the_channels_outvote_no_convolution(size):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    ).eval()
    layers = xh.network(model, image_shape=(3, *size)).layers
    assert layers["0"].grid == layers["1"].grid == (size[0] - 2, size[1] - 2)
