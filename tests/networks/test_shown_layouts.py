"""Tokens count as a grid only where what changes in the picture shows it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoGrid  # noqa: E402
from xai_heatmap.core.layers.layout import Layout  # noqa: E402
from xai_heatmap.testing.conformance.layouts import (  # noqa: E402
    LAYER,
    RIGHT,
    SHAPE,
    WRONG,
    check_right,
    check_wrong,
    order,
)


class Tokens(nn.Module):
    """Patches in some order, one more layer on them, and their mean."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.kind = nn.Conv2d(3, 16, 4, 4), kind
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.looked = nn.Linear(64 if kind == "turned" else 16, 16)
        self.last = nn.Linear(16, 5)

    def forward(self, x):
        z = self.patches(x).flatten(2).transpose(1, 2)
        if self.kind == "turned":
            return self.last(self.looked(z.transpose(1, 2)).relu().mean(2))
        z = torch.cat([z, self.token.expand(z.shape[0], -1, -1)], 1)
        return self.last(self.looked(z[:, torch.from_numpy(order(self.kind))]).relu().mean(1))


def in_onnx(kind: str):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    own = Tokens(kind)
    tokens = {
        "w": own.patches.weight, "b": own.patches.bias, "token": own.token,
        "m": own.looked.weight.T, "l": own.last.weight.T,
    }  # fmt: skip
    stored = [
        numpy_helper.from_array(value.detach().numpy().copy(), name)
        for name, value in tokens.items()
    ]
    shapes = {"flat": np.array([0, 16, -1]), "order": order(kind), "one": np.array([1])}
    stored += [numpy_helper.from_array(value, name) for name, value in shapes.items()]
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], "patches", strides=[4, 4]),
        node("Reshape", ["c", "flat"], ["z"], "flattened"),
    ]
    if kind == "turned":
        nodes.append(node("MatMul", ["z", "m"], ["q"], LAYER))
    else:
        nodes += [
            node("Transpose", ["z"], ["t"], "tokens", perm=[0, 2, 1]),
            node("Shape", ["x"], ["s"], "shape", start=0, end=1),
            node("Concat", ["s", "one", "one"], ["e"], "many", axis=0),
            node("Expand", ["token", "e"], ["k"], "spread"),
            node("Concat", ["t", "k"], ["a"], "joined", axis=1),
            node("Gather", ["a", "order"], ["g"], "ordered", axis=1),
            node("MatMul", ["g", "m"], ["q"], LAYER),
        ]
    axis = 2 if kind == "turned" else 1
    nodes += [
        node("Relu", ["q"], ["r"], "bent"),
        node("ReduceMean", ["r"], ["p"], "mean", axes=[axis], keepdims=0),
        node("MatMul", ["p", "l"], ["y"], "last"),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "tokens", [value("x", TensorProto.FLOAT, ["n", *SHAPE])],
        [value("y", TensorProto.FLOAT, ["n", 5])], stored,
    )  # fmt: skip
    return onnx.helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def in_keras(kind: str):
    import keras
    from keras import layers, ops

    class Ordered(layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, 16), initializer="random_normal")

        def call(self, z):
            if kind == "turned":
                return ops.transpose(z, (0, 2, 1))
            token = self.token + ops.sum(z[:, :1] * 0, keepdims=True, axis=(1, 2))
            return ops.take(ops.concatenate([z, token], 1), order(kind), axis=1)

    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    z = layers.Conv2D(16, 4, 4, name="patches")(image)
    z = Ordered(name="ordered")(layers.Reshape((64, 16), name="flat")(z))
    z = layers.Dense(16, activation="relu", name=LAYER)(z)
    z = layers.GlobalAveragePooling1D(name="mean")(z)
    return keras.Model(image, layers.Dense(5, name="last")(z))


def opened(framework: str, kind: str):
    made = {"torch": lambda own: Tokens(own).eval(), "onnx": in_onnx, "keras": in_keras}
    if framework == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    return xh.network(made[framework](kind), image_shape=SHAPE)


@pytest.mark.parametrize("framework", ["torch", "onnx", "keras"])
@pytest.mark.parametrize("kind", RIGHT)
def test_tokens_that_lie_on_the_grid_are_kept(framework, kind):
    check_right(opened(framework, kind), kind)


@pytest.mark.parametrize("framework", ["torch", "onnx", "keras"])
@pytest.mark.parametrize("kind", WRONG)
def test_tokens_in_another_order_are_no_grid(framework, kind):
    check_wrong(opened(framework, kind))


class Pairs(nn.Module):
    """Attention with a layer on its weights, of a grid that no pair of tokens has."""

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.heads = nn.Conv2d(3, 16, 4, 4), nn.Linear(2, 2)
        self.dropped, self.last = nn.Dropout(0.1), nn.Linear(16, 3)

    def forward(self, x):
        z = self.patches(x).flatten(2).transpose(1, 2)
        q = z.unflatten(2, (2, 8)).transpose(1, 2)
        a = self.heads((q @ q.transpose(2, 3)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        a = self.dropped(a.softmax(-1))
        return self.last((a @ q).transpose(1, 2).flatten(2).mean(1))


@pytest.mark.parametrize("side", [16, 32, 64])
@pytest.mark.parametrize("name", ["heads", "dropped"])
def test_weights_for_pairs_of_tokens_are_no_grid(side, name):
    network = xh.network(Pairs().eval(), image_shape=(3, side, side))
    assert network.layers[name].layout is None
    assert network.survey((3, side, side)).auto == "patches"


class Unfolded(nn.Module):
    """Patches cut out by hand, features first and then last."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cut, self.look = nn.Unfold(16, stride=16), nn.Linear(768, 12)
        self.last = nn.Linear(12, 3)

    def forward(self, x):
        return self.last(self.look(self.cut(x).transpose(1, 2)).relu().mean(1))


def test_patches_cut_out_by_hand():
    layers = xh.network(Unfolded().eval(), image_shape=(3, 224, 224)).layers
    assert layers["cut"].layout is None
    assert layers["look"].layout == Layout("tokens", (14, 14))


class Square(nn.Module):
    """As many feature maps as rows and columns, channels first and then last."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.near, self.norm = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8)
        self.wide, self.last = nn.Linear(8, 24), nn.Linear(24, 3)

    def forward(self, x):
        return self.last(self.wide(self.norm(self.near(x).permute(0, 2, 3, 1))).relu().mean((1, 2)))


def test_channels_that_are_as_many_as_places_stand_where_they_are():
    layers = xh.network(Square().eval(), image_shape=SHAPE).layers
    assert layers["near"].layout == Layout("channels_first", (8, 8))
    assert layers["norm"].layout == Layout("channels_last", (8, 8))
    assert layers["wide"].layout == Layout("channels_last", (8, 8))


class Fixed(nn.Module):
    """A table that no picture changes, as large as a batch of two."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        table = torch.randn(2, 16, 8, 8)
        if kind == "buffer":
            self.register_buffer("table", table)
        else:
            self.table = nn.Parameter(table)
        self.near, self.shown, self.last = nn.Conv2d(3, 16, 4, 4), nn.ReLU(), nn.Linear(16, 3)

    def forward(self, x):
        return self.last((self.near(x) + self.shown(self.table).mean(0)).mean((2, 3)))


@pytest.mark.parametrize("kind", ["buffer", "parameter"])
def test_what_no_picture_changes_is_no_layer(kind):
    network = xh.network(Fixed(kind).eval(), image_shape=SHAPE)
    assert "shown" not in network.layers
    found = xh.maps(network, np.ones((1, *SHAPE), np.float32), layer="all")
    assert list(found) == ["near"]


class Sometimes(nn.Module):
    """A layer that only bright pictures reach."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.near, self.odd, self.last = nn.Conv2d(3, 6, 4), nn.Conv2d(6, 6, 1), nn.Linear(6, 3)

    def forward(self, x):
        z = self.near(x).relu()
        return self.last((self.odd(z) if float(x.detach().abs().max()) > 1.5 else z).mean((2, 3)))


def test_a_layer_that_does_not_run_is_left_out_of_all_and_named():
    network = xh.network(Sometimes().eval(), image_shape=SHAPE)
    x = np.full((1, *SHAPE), 0.5, np.float32)
    with pytest.warns(UserWarning, match="left out: Layer 'odd' did not run"):
        found = xh.maps(network, x, layer="all")
    assert list(found) == ["near"]
    with pytest.raises(xh.XaiHeatmapError, match="did not run"):
        xh.maps(network, x, layer="odd")


def test_being_refused_a_grid_says_why():
    network = opened("torch", "window by window")
    with pytest.raises(NoGrid, match="another order"):
        xh.maps(network, np.zeros((1, *SHAPE), np.float32), layer=LAYER)


def test_a_layout_is_confirmed_in_the_pass_that_looks_at_the_network():
    passes = []

    class Counted(Tokens):
        def forward(self, x):
            passes.append(len(x))
            return super().forward(x)

    class Plain(Counted):
        """The same, which nothing is guessed of."""

        def forward(self, x):
            passes.append(len(x))
            return self.last(self.patches(x).relu().mean((2, 3)))

    counts = []
    for model in (Plain("row by row"), Counted("row by row")):
        passes.clear()
        network = xh.network(model.eval(), image_shape=SHAPE)
        assert network.layers["patches"].layout == Layout("channels_first", (8, 8))
        counts.append(len(passes))
        xh.maps(network, np.zeros((1, *SHAPE), np.float32))
        assert passes[counts[-1] :] == [1]
    assert counts[0] == counts[1]
    assert network.layers[LAYER].layout == Layout("tokens", (8, 8))


class Heads(nn.Module):
    """Patches and a token behind them, and two blocks of attention whose weights are a part."""

    def __init__(self, width: int, side: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.patches, self.token = (
            nn.Conv2d(3, width, side, side),
            nn.Parameter(torch.randn(1, 1, width)),
        )
        self.mixed = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(2))
        self.weights = nn.ModuleList(nn.Identity() for _ in range(2))
        self.last = nn.Linear(width, 5)

    def forward(self, x):
        z = self.patches(x).flatten(2).transpose(1, 2)
        z = torch.cat([z, self.token.expand(z.shape[0], -1, -1)], 1)
        for mixed, weights in zip(self.mixed, self.weights, strict=True):
            own = nn.functional.layer_norm(z, z.shape[-1:])
            q, k, v = (
                part.unflatten(2, (4, -1)).transpose(1, 2) for part in mixed(own).chunk(3, -1)
            )
            pairs = weights((q @ k.transpose(2, 3) * q.shape[-1] ** -0.5).softmax(-1))
            z = z + (pairs @ v).transpose(1, 2).flatten(2)
        return self.last(z[:, -1])


@pytest.mark.parametrize(
    ("width", "side", "seed"), [(36, 16, 27), (36, 16, 29), (64, 12, 0), (32, 8, 0)]
)
def test_attention_of_no_block_is_a_grid(width, side, seed):
    layers = xh.network(Heads(width, side, seed).eval()).survey((3, 96, 96)).layers
    assert [layers[f"weights.{block}"].layout for block in range(2)] == [None, None]
    assert layers["mixed.1"].grid == (96 // side, 96 // side)
