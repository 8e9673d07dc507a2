"""Features of tokens head by head are no pictures; nor are rows of places frames."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.networks.opening.token_axes import TokenAxes

HEADS, TOKENS, WIDTH = 2, 16, 16


def in_torch() -> xh.Network:
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Tokens(torch.nn.Module):
        """Attention of its own over 16 patches, whose features are split into heads."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.patches = torch.nn.Conv2d(3, WIDTH, 8, 8)
            self.split, self.mixed = torch.nn.Identity(), torch.nn.Identity()
            self.norm, self.last = torch.nn.LayerNorm(WIDTH), torch.nn.Linear(WIDTH, 3)

        def forward(self, x: Any) -> Any:
            z = self.norm(self.patches(x).flatten(2).transpose(1, 2))
            own = self.split(z.unflatten(2, (HEADS, -1)).transpose(1, 2))
            mixed = self.mixed((own @ own.transpose(2, 3)).softmax(-1) @ own)
            return self.last((z + mixed.transpose(1, 2).flatten(2)).mean(1))

    return xh.network(Tokens().eval(), image_shape=(3, 32, 32))


def in_keras() -> xh.Network:
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    z = layers.Reshape((TOKENS, WIDTH))(layers.Conv2D(WIDTH, 8, 8, name="patches")(image))
    z = layers.LayerNormalization(name="norm")(z)
    own = layers.Permute((2, 1, 3), name="split")(layers.Reshape((TOKENS, HEADS, -1))(z))
    mixed = layers.Softmax(name="mixed")(own)
    z = layers.Add()([z, layers.Reshape((TOKENS, WIDTH))(layers.Permute((2, 1, 3))(mixed))])
    return xh.network(keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling1D()(z))))


def in_onnx() -> xh.Network:
    onnx = pytest.importorskip("onnx", reason="needs ONNX")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    stored = {
        "w": rng.normal(size=(WIDTH, 3, 8, 8)).astype("f4"),
        "v": rng.normal(size=(WIDTH, 3)).astype("f4"),
        "scale": np.ones(WIDTH, "f4"),
        "rows": np.array([0, WIDTH, TOKENS]),
        "heads": np.array([0, TOKENS, HEADS, WIDTH // HEADS]),
        "joined": np.array([0, TOKENS, WIDTH]),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["patches"], strides=[8, 8]),
        helper.make_node("Reshape", ["patches", "rows"], ["flat"]),
        helper.make_node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]),
        helper.make_node("LayerNormalization", ["tokens", "scale"], ["norm"]),
        helper.make_node("Reshape", ["norm", "heads"], ["own"]),
        helper.make_node("Transpose", ["own"], ["split"], perm=[0, 2, 1, 3]),
        helper.make_node("Softmax", ["split"], ["mixed"]),
        helper.make_node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["back", "joined"], ["more"]),
        helper.make_node("Add", ["norm", "more"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["mean", "v"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tokens",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return xh.network(model)


@pytest.mark.parametrize("opened", [in_torch, in_keras, in_onnx])
def test_features_of_tokens_by_heads_lie_nowhere_in_the_picture(opened):
    layers = opened().layers
    assert layers["norm"].grid == (4, 4)
    for name in ("split", "mixed"):
        assert layers[name].layout is None
        assert "head by head" in layers[name].without


def test_a_grid_with_a_side_of_as_many_rows_as_there_are_tokens_stays_where_it_shows():
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Shuffled(torch.nn.Module):
        """8 patches, and a grid of 8 x 4 made of them by a part that is no convolution."""

        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.norm = torch.nn.Conv2d(3, 16, 8, 8), torch.nn.LayerNorm(16)
            self.fine, self.last = torch.nn.PixelShuffle(2), torch.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            z = self.norm(self.patches(x).flatten(2).transpose(1, 2))
            return self.last(self.fine(z.transpose(1, 2).unflatten(2, (4, 2))).mean((2, 3)))

    layers = xh.network(Shuffled().eval(), image_shape=(3, 32, 16)).layers
    assert layers["norm"].grid == (4, 2)
    assert layers["fine"].grid == (8, 4)


@pytest.mark.parametrize(
    ("shape", "grid", "by_heads"),
    [
        ((2, 2, 16, 6), (16, 6), True),
        ((2, 2, 6, 16), (6, 16), True),
        ((2, 2, 16, 16), (16, 16), False),
        ((2, 2, 15, 6), (15, 6), False),
        ((2, 16, 6), (16,), False),
    ],
)
def test_an_axis_of_tokens_beside_another_one_is_features_by_heads(shape, grid, by_heads):
    axes = TokenAxes(None)
    axes.add(16)
    assert axes.by_heads(shape, grid) is by_heads
    assert not TokenAxes(None).by_heads(shape, grid)
    assert TokenAxes(15).by_heads(shape, grid) == (shape[2] == 15)
