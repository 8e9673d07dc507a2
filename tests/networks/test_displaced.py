"""A grid is drawn over the picture only where it lies over it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoGrid  # noqa: E402
from xai_heatmap.networks.opening.shifting import may_shift  # noqa: E402
from xai_heatmap.testing.conformance.displaced import (  # noqa: E402
    LAYER,
    MOVE,
    SHAPE,
    STAY,
    check_moves,
    check_stays,
)
from xai_heatmap.testing.conformance.kit import maps  # noqa: E402

DISPLACED = "does not lie over the picture"


def moved(x, kind):
    """Pictures (n, c, H, W) of PyTorch."""
    return {
        "as it is": lambda: x,
        "a kernel's padding": lambda: nn.functional.pad(x, (2, 2, 2, 2)),
        "cropped": lambda: x[:, :, 16:],
        "centre": lambda: x[:, :, 8:40, 8:40],
        "padded": lambda: nn.functional.pad(x, (24, 0, 0, 24)),
        "mirrored": lambda: x.flip(3),
        "transposed": lambda: x.transpose(2, 3),
    }[kind]()


class Moved(nn.Module):
    """A network that does something with its picture first."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.looked, self.last = kind, nn.Conv2d(3, 10, 4, 4), nn.Linear(10, 5)

    def forward(self, x):
        return self.last(self.looked(moved(x, self.kind)).relu().mean((2, 3)))


def in_onnx(kind):
    from onnx import TensorProto, helper, numpy_helper

    own, node = Moved(kind), helper.make_node
    values = {"w": own.looked.weight, "b": own.looked.bias, "l": own.last.weight.T}
    stored = [numpy_helper.from_array(v.detach().numpy().copy(), k) for k, v in values.items()]

    def holds(name, *numbers):
        stored.append(numpy_helper.from_array(np.array(numbers, np.int64), name))
        return name

    def cut(start, end, *axes, step=1):
        ends = holds("start", *[start for _ in axes]), holds("end", *[end for _ in axes])
        how = holds("axes", *axes), holds("steps", *[step for _ in axes])
        return node("Slice", ["x", *ends, *how], ["m"], "moving")

    def pad(*numbers):
        return node("Pad", ["x", holds("pads", *numbers)], ["m"], "moving")

    first = {
        "as it is": lambda: node("Identity", ["x"], ["m"], "moving"),
        "a kernel's padding": lambda: pad(0, 0, 2, 2, 0, 0, 2, 2),
        "cropped": lambda: cut(16, 48, 2),
        "centre": lambda: cut(8, 40, 2, 3),
        "padded": lambda: pad(0, 0, 0, 24, 0, 0, 24, 0),
        "mirrored": lambda: cut(-1, -100, 3, step=-1),
        "transposed": lambda: node("Transpose", ["x"], ["m"], "moving", perm=[0, 1, 3, 2]),
    }[kind]()
    nodes = [
        first,
        node("Conv", ["m", "w", "b"], ["c"], LAYER, strides=[4, 4]),
        node("GlobalAveragePool", ["c"], ["p"], "pool"),
        node("Flatten", ["p"], ["f"], "flat"),
        node("MatMul", ["f", "l"], ["y"], "last"),
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("x", SHAPE), ("y", [5]))
    )
    graph = helper.make_graph(nodes, "moved", [x], [y], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def in_keras(kind):
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    first = {
        "as it is": lambda x: layers.Rescaling(0.5)(x),
        "a kernel's padding": layers.ZeroPadding2D(2),
        "cropped": layers.Cropping2D(((16, 0), (0, 0))),
        "centre": layers.CenterCrop(32, 32),
        "padded": layers.ZeroPadding2D(((0, 24), (24, 0))),
        "mirrored": lambda x: keras.ops.flip(x, 2),
        "transposed": layers.Permute((2, 1, 3)),
    }[kind]
    image = keras.Input((48, 48, 3))
    looked = layers.Conv2D(10, 4, 4, name=LAYER)(first(image))
    mean = layers.GlobalAveragePooling2D()(layers.ReLU()(looked))
    return keras.Model(image, layers.Dense(5)(mean))


def opened(framework, kind):
    if framework == "keras":
        pytest.importorskip("keras", reason="needs Keras")
        return xh.network(in_keras(kind))
    if framework == "onnx":
        pytest.importorskip("onnx", reason="needs ONNX")
        return xh.network(in_onnx(kind))
    return xh.network(Moved(kind).eval(), image_shape=SHAPE)


@pytest.mark.parametrize("framework", ["torch", "onnx", "keras"])
@pytest.mark.parametrize("kind", STAY)
def test_a_grid_that_lies_over_the_picture_is_kept(framework, kind):
    check_stays(opened(framework, kind))


@pytest.mark.parametrize("framework", ["torch", "onnx", "keras"])
@pytest.mark.parametrize("kind", MOVE)
def test_a_grid_that_lies_elsewhere_is_none(framework, kind):
    check_moves(opened(framework, kind))


class Branches(nn.Module):
    """The whole picture at two scales, and its middle, each with deep layers that see far."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.middle, self.far = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 23, 2, 11)
        self.whole, self.deep = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        self.last = nn.Linear(16, 4)

    def forward(self, x):
        middle = self.far(self.middle(x[:, :, 12:36, 12:36]).relu())
        whole = self.deep(self.whole(x).relu())
        return self.last(torch.cat([middle.mean((2, 3)), whole.mean((2, 3))], 1))


def test_only_what_is_made_of_a_moved_picture_is_left_out():
    layers = xh.network(Branches().eval()).survey(SHAPE).layers
    assert [layers[name].grid for name in ("whole", "deep")] == [(24, 24), (12, 12)]
    assert all(DISPLACED in layers[name].without for name in ("middle", "far"))


class Twice(nn.Module):
    """One part that looks at a picture and at its mirror image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.look, self.last = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 4)

    def forward(self, x):
        both = self.look(x).relu().mean((2, 3)) + self.look(x.flip(3)).relu().mean((2, 3))
        return self.last(both)


def test_the_call_that_sees_the_mirror_image_is_not_auto():
    survey = xh.network(Twice().eval()).survey(SHAPE)
    assert survey.auto == "look#1"
    assert DISPLACED in survey.layers["look#2"].without


def blocks(*layers):
    return [part for c, k, s, p in layers for part in (nn.LazyConv2d(c, k, s, p), nn.ReLU())]


LOCAL = {
    "no padding": blocks((8, 11, 4, 0), (8, 5, 2, 0)),
    "much padding": [nn.ReflectionPad2d(3), *blocks((8, 7, 1, 0), (8, 3, 2, 1))],
    "one mask": [*blocks((1, 3, 1, 1)), nn.Threshold(0.5, 0), *blocks((8, 3, 2, 1))],
    "pixels to channels": [nn.PixelUnshuffle(2), *blocks((8, 3, 1, 1)), nn.PixelShuffle(2)],
    "odd strides": blocks((8, 3, 3, 1), (8, 2, 2, 0)),
}


@pytest.mark.parametrize("size", [(48, 48), (94, 62), (224, 224)])
@pytest.mark.parametrize("kind", LOCAL)
def test_what_only_looks_about_itself_is_kept(kind, size):
    torch.manual_seed(1)
    model = nn.Sequential(*LOCAL[kind], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(4))
    model(torch.zeros(1, 3, *size))
    survey = xh.network(model.eval()).survey((3, *size))
    assert not any(DISPLACED in layer.without for layer in survey.layers.values())
    assert survey.auto is not None


@pytest.mark.parametrize(
    ("name", "before", "after", "may"),
    [
        ("Pad", (2, 14, 14, 8), (2, 15, 15, 8), False),
        ("pad", (2, 32, 32, 8), (2, 64, 32, 8), True),
        ("StridedSlice", (2, 96, 96, 3), (2, 64, 96, 3), True),
        ("StridedSlice", (2, 24, 24, 3), (2, 20, 20, 3), True),
        ("slice", (2, 224, 224, 3), (2, 220, 220, 3), False),
        ("Slice", (2, 65, 32), (2, 32), False),
        ("Slice", None, (2, 3, 32, 32), True),
        ("ReverseV2", (2, 32, 32, 3), (2, 32, 32, 3), True),
        ("conv_general_dilated", (2, 96, 96, 3), (2, 24, 24, 8), False),
    ],
)
def test_which_operations_may_move_places(name, before, after, may):
    assert may_shift(name, before, after) is may


def test_few_places_cut_off_a_small_picture_of_keras_displace_its_layers():
    keras = pytest.importorskip("keras")
    seen = keras.Input((24, 24, 3))
    own = keras.layers.Conv2D(4, 3, name="conv")(keras.layers.Cropping2D(((4, 0), (4, 0)))(seen))
    own = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(own))
    assert DISPLACED in xh.network(keras.Model(seen, own)).layers["conv"].without


@pytest.mark.parametrize("size", [96, 128, 224])
@pytest.mark.parametrize("first", [(3, 8, 1), (1, 8, 0), (3, 4, 1), (1, 4, 0)])
@pytest.mark.parametrize("second", [(3, 4, 1), (1, 2, 0)])
def test_strides_longer_than_kernels_displace_nothing(first, second, size):
    torch.manual_seed(0)
    body = [nn.Conv2d(3, 8, *first), nn.ReLU(), nn.Conv2d(8, 8, *second), nn.ReLU()]
    model = nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)).eval()
    layers = xh.network(model, image_shape=(3, size, size)).layers
    assert all(layers[str(place)].grid for place in range(4))


BACK = {
    "mirrored, and back": (lambda x: x.flip(3), lambda y: y.flip(3)),
    "mirrored": (lambda x: x.flip(3), lambda y: y),
    "cropped, and padded": (lambda x: x[:, :, 16:], lambda y: nn.functional.pad(y, (0, 0, 16, 0))),
    "cropped, and resized": (
        lambda x: x[:, :, 16:], lambda y: nn.functional.interpolate(y, (48, 48))
    ),
    "transposed, and back": (lambda x: x.transpose(2, 3), lambda y: y.transpose(2, 3)),
}  # fmt: skip


class Segmenting(nn.Module):
    """Scores places of a picture that it has moved first, and may have moved back."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.there, self.back = BACK[kind]
        self.look, self.deep = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 4, 1)

    def forward(self, x):
        return self.back(self.last(self.deep(self.look(self.there(x)).relu()).relu()))


@pytest.mark.parametrize("kind", BACK)
def test_layers_of_a_moved_picture_are_refused_and_its_pixels_right_where_places_are_scored(kind):
    model = Segmenting(kind).eval()
    network = xh.network(model, image_shape=SHAPE)
    x = np.random.default_rng(0).normal(size=(1, *SHAPE)).astype(np.float32)
    where = np.zeros(SHAPE[1:], bool)
    where[20:26, 4:12] = True
    given = torch.tensor(x, requires_grad=True)
    model(given)[0, 1][torch.from_numpy(where)].mean().backward()
    right = (given.grad * given).detach().numpy()[0].sum(0)
    for target in (xh.region(1, where), 1):
        for layer in ("auto", "look", "deep", "last"):
            with pytest.raises(NoGrid, match="lie"):
                xh.maps(network, x, method="gradcam", target=target, layer=layer)
    ask = {"method": "input_x_gradient", "target": xh.region(1, where)}
    np.testing.assert_allclose(maps(network, x, **ask)[0], right, atol=1e-4 * np.abs(right).max())
