"""Feature maps with their places in a row, as many channels as places: no tokens."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoGrid  # noqa: E402
from xai_heatmap.core.layers.layout import Layout  # noqa: E402

PLACES = 64
"""Of a grid of 8 x 8."""


class Flat(nn.Module):
    """A convolution along 64 places in a row, of 64 channels and a few more, or tokens of 64."""

    def __init__(self, more: int, *, tokens: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens, width = tokens, PLACES + more
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.looked = nn.Linear(16, width) if tokens else nn.Conv1d(16, width, 3, padding=1)
        self.last = nn.Linear(width, 3)

    def forward(self, x):
        z = self.patches(x).flatten(2)
        if self.tokens:
            return self.last(self.looked(z.transpose(1, 2)).relu().mean(1))
        return self.last(self.looked(z).relu().mean(2))


def in_torch(more, *, tokens=False):
    return xh.network(Flat(more, tokens=tokens).eval(), image_shape=(3, 32, 32))


def in_keras(more, *, tokens=False):
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers, ops

    class Along(layers.Layer):
        """Every channel from all channels, places in a row."""

        def build(self, shape):
            self.own = self.add_weight(shape=(shape[1], PLACES + more), initializer="he_normal")

        def call(self, z):
            return ops.einsum("ncp,ck->nkp", z, self.own)

    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    z = layers.Reshape((PLACES, 16))(layers.Conv2D(16, 4, 4, name="patches")(image))
    if tokens:
        z = layers.Dense(PLACES + more, activation="relu", name="looked")(z)
    else:
        z = Along(name="looked")(layers.Permute((2, 1))(z))
    z = layers.GlobalAveragePooling1D()(z)
    return xh.network(keras.Model(image, layers.Dense(3)(z)))


@pytest.mark.parametrize("opened", [in_torch, in_keras])
@pytest.mark.parametrize("more", [0, 1])
def test_places_behind_the_channels_are_no_tokens(opened, more):
    network = opened(more)
    assert network.layers["patches"].grid == (8, 8)
    assert network.layers["looked"].layout is None
    x = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    with pytest.raises(NoGrid, match="along its last axis"):
        xh.maps(network, x if opened is in_torch else np.moveaxis(x, 1, -1), layer="looked")


@pytest.mark.parametrize("opened", [in_torch, in_keras])
def test_tokens_as_wide_as_they_are_many_stay_tokens(opened):
    assert opened(0, tokens=True).layers["looked"].layout == Layout("tokens", (8, 8))


def test_places_in_a_row_of_an_onnx_file_are_no_tokens():
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    stored = {
        "w": random.normal(size=(16, 3, 4, 4)).astype(np.float32),
        "flat": np.array([0, 16, -1]),
        "k": random.normal(size=(PLACES, 16, 3)).astype(np.float32),
        "l": random.normal(size=(PLACES, 3)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "patches", strides=[4, 4]),
        helper.make_node("Reshape", ["c", "flat"], ["z"], "flattened"),
        helper.make_node("Conv", ["z", "k"], ["q"], "looked", pads=[1, 1]),
        helper.make_node("ReduceMean", ["q"], ["p"], "mean", axes=[2], keepdims=0),
        helper.make_node("MatMul", ["p", "l"], ["y"], "last"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "flat",
        [value("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [value("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(own, name) for name, own in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    layers = xh.network(model).layers
    assert layers["patches"].grid == (8, 8)
    assert layers["looked"].layout is None
