"""Networks that draw at random when they are only asked: each of their maps says so."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper
from torch import nn

import xai_heatmap as xh

X = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
SAID = "draws at random in every pass"


class Net(nn.Module):
    """A small classifier with a dropout that is always on, or one that is on in training alone."""

    def __init__(self, *, always: bool) -> None:
        super().__init__()
        self.conv, self.always = nn.Conv2d(3, 6, 3, padding=1), always
        self.lazy = nn.LazyLinear(4)  # its weights are drawn in the first pass

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.dropout(F.relu(self.conv(x)), 0.2, training=self.always or self.training)
        return self.lazy(x.mean((2, 3)))


@pytest.mark.parametrize("always", [True, False])
def test_a_model_that_draws_in_every_pass_is_told(always: bool) -> None:
    with pytest.warns(UserWarning, match="no weights yet"):
        network = xh.network(Net(always=always).eval(), image_shape=(3, 16, 16))
    found = xh.explain(network, X, layer="conv")
    assert [SAID in note for note in found.notes].count(True) == always


@pytest.mark.parametrize(
    "middle",
    [
        [
            helper.make_node("RandomNormalLike", ["c"], ["n"]),
            helper.make_node("Add", ["c", "n"], ["d"]),
        ],
        [helper.make_node("Relu", ["c"], ["d"])],
    ],
)
def test_a_file_that_draws_is_told(middle: list) -> None:
    weight = np.random.default_rng(1).normal(size=(4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        *middle,
        helper.make_node("GlobalAveragePool", ["d"], ["p"]),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor("w", TensorProto.FLOAT, weight.shape, weight.ravel())],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    draws = middle[0].op_type.startswith("Random")
    assert [SAID in said for said in xh.network(model).declared.changes] == [True] * draws
