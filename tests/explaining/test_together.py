"""Several inputs, or several layers, moved together on a path."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, UnknownLayer

pytestmark = pytest.mark.usefixtures("unchecked")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, 3, 4, 4)).astype(np.float32)
AGE = RANDOM.normal(size=(2, 5)).astype(np.float32)
SHAPES = (3, 2), (3, 2), (5, 2)
LEFT, RIGHT, OLD = (RANDOM.normal(size=shape).astype(np.float32) for shape in SHAPES)
STEPS: dict[str, Any] = {"steps": 64}


def in_torch():
    """y_c = u_c v_c w_c, where u and v are means of two 1x1 convolutions, w of the age."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    nn = torch.nn

    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Conv2d(3, 2, 1, bias=False), nn.Conv2d(3, 2, 1, bias=False)
            self.old = nn.Linear(5, 2, bias=False)
            for part, weight in ((self.left, LEFT), (self.right, RIGHT)):
                part.weight.data = torch.tensor(weight.T[:, :, None, None].copy())
            self.old.weight.data = torch.tensor(OLD.T.copy())

        def forward(self, x, age):
            return self.left(x).mean((2, 3)) * self.right(x).mean((2, 3)) * self.old(age)

    return Product().eval(), lambda x: x


def in_keras():
    keras = pytest.importorskip("keras", reason="needs Keras")
    x, age = keras.Input((4, 4, 3), name="x"), keras.Input((5,), name="age")
    left = keras.layers.Conv2D(2, 1, use_bias=False, name="left")
    right = keras.layers.Conv2D(2, 1, use_bias=False, name="right")
    old = keras.layers.Dense(2, use_bias=False, name="old")
    mean = keras.layers.GlobalAveragePooling2D()
    product = keras.layers.Multiply()([mean(left(x)), mean(right(x)), old(age)])
    model = keras.Model([x, age], product)
    for part, weight in ((left, LEFT[None, None]), (right, RIGHT[None, None]), (old, OLD)):
        part.set_weights([weight])
    return model, lambda x: np.moveaxis(x, 1, -1)


def parts(x, age):
    """What the two convolutions and the age say, in double precision."""
    u, v = (np.einsum("nchw,ck->nkhw", x.astype(np.float64), w) for w in (LEFT, RIGHT))
    return u, v, age.astype(np.float64) @ OLD


def y(u, v, w):
    return (u.mean((2, 3)) * v.mean((2, 3)) * w)[:, 1]


@pytest.fixture(params=[in_torch, in_keras])
def product(request):
    return request.param()


def total(found):
    return sum(own.reshape(2, -1).sum(1) for own in found.values())


def test_inputs_add_up_together(product):
    model, native = product
    held: dict[str | int, Any] = {"age": AGE}
    found = xh.together(model, native(X), ["input", "age"], held=held, target=1, options=STEPS)
    assert found["input"].shape == native(X).shape
    assert found["age"].shape == AGE.shape
    full = y(*parts(X, AGE))
    np.testing.assert_allclose(total(found), full, atol=1e-3 * np.abs(full).max())
    share = found["age"].sum(1)  # of a product of three that grow together, a third each
    np.testing.assert_allclose(share, full / 3, atol=1e-3 * np.abs(full).max())


def test_a_baseline_of_each_image_is_of_its_own_shape(product):
    model, native = product
    start, young = native(X * 0.5 + 1), AGE * 0.25
    options = {"baseline": {"input": start, "age": young}, **STEPS}
    moved, held = ["input", "age"], {"age": AGE}
    found = xh.together(model, native(X), moved, held=held, target=1, options=options)
    rise = y(*parts(X, AGE)) - y(*parts(X * 0.5 + 1, young))
    np.testing.assert_allclose(total(found), rise, atol=1e-3 * np.abs(rise).max())


def test_rows_of_a_table_are_moved_in_their_own_shape():
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Rows(torch.nn.Module):
        def forward(self, a, b):
            return (a * b).sum(1, keepdim=True)

    model, a, b = Rows().eval(), AGE, AGE[::-1].copy()
    network = xh.network(model, held={"b": b}, answers="values")
    options = {"baseline": {"input": 0 * a, "b": 1}, "steps": 8}
    found = xh.together(network, a, ["input", "b"], target=0, options=options)
    np.testing.assert_allclose(found["input"], a * (b + 1) / 2, atol=1e-5)
    np.testing.assert_allclose(found["b"], (b - 1) * a / 2, atol=1e-5)


def test_what_is_held_stays(product):
    model, native = product
    found = xh.together(model, native(X), "input", held={"age": AGE}, target=1, options=STEPS)
    alone = xh.maps(model, native(X), method="integrated_gradients", held={"age": AGE}, target=1,
                    options={"channels": "each", **STEPS})  # fmt: skip
    np.testing.assert_allclose(found["input"], native(alone), atol=1e-4)


def test_layers_add_up_together_from_a_baseline_each(product):
    model, native = product
    base = np.broadcast_to(np.array([0.25, -1], np.float32)[:, None, None], (1, 2, 4, 4))
    options = {"baseline": {"left": 0.5, "right": native(base)}, **STEPS}
    found = xh.together(
        model, native(X), ["left", "right"], held={"age": AGE}, target=1, options=options
    )
    assert found["left"].shape == found["right"].shape == (2, 2, 4, 4)
    u, v, w = parts(X, AGE)
    full = y(u, v, w) - y(np.full_like(u, 0.5), np.repeat(base, 2, axis=0), w)
    np.testing.assert_allclose(total(found), full, atol=1e-3 * np.abs(full).max())


@pytest.mark.parametrize("method", ["gradient", "input_x_gradient", "saliency"])
def test_one_pass_of_inputs_and_a_layer(product, method):
    model, native = product
    found = xh.together(
        model, native(X), ["age", "left"], held={"age": AGE}, target=1, method=method
    )
    u, v, w = parts(X, AGE)
    by_w = u.mean((2, 3))[:, 1] * v.mean((2, 3))[:, 1]
    by_u = np.zeros_like(u)
    by_u[:, 1] = (v.mean((2, 3))[:, 1] * w[:, 1] / 16)[:, None, None]
    times = (AGE, u) if method == "input_x_gradient" else (1, 1)
    size = np.abs if method == "saliency" else np.asarray
    wanted = by_w[:, None] * OLD[:, 1] * times[0]
    np.testing.assert_allclose(found["age"], size(wanted), atol=1e-5)
    np.testing.assert_allclose(found["left"], size(by_u * times[1]), atol=1e-5)


def test_several_outputs_and_inputs_at_once():
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Both(torch.nn.Module):
        def forward(self, x, age):
            return {"a": x.mean((2, 3)), "b": (age**2).sum(1, keepdim=True)}

    network = xh.network(Both().eval(), held={"age": AGE}, output=["a", "b"])
    target = xh.weighted({"a[1]": 1, "b": 1})
    found = xh.together(network, X, ["input", "age"], method="gradient", target=target)
    np.testing.assert_allclose(found["age"], 2 * AGE, atol=1e-5)
    np.testing.assert_allclose(found["input"][:, 1], 1 / 16, atol=1e-6)
    assert not found["input"][:, 0].any()


@pytest.mark.parametrize(
    ("moved", "how", "said"),
    [
        ([], {}, "moved names"),
        (["input"], {"method": "gradcam"}, "integrated_gradients, gradient"),
        (["input"], {"options": {"baseline": {"age": 0}}}, "'age', which is not moved"),
        (["input"], {"options": {"baseline": "blur"}}, "baseline of 'input' is a number"),
        (["input"], {"options": {"baseline": np.zeros((2, 7))}}, r"shape \(2, 3, 4, 4\)"),
    ],
)
def test_what_can_not_be_moved_is_refused(moved, how, said):
    model, _ = in_torch()
    with pytest.raises(BadOption, match=said):
        xh.together(model, X, moved, held={"age": AGE}, **how)
    with pytest.raises(UnknownLayer):
        xh.together(model, X, ["nowhere"], held={"age": AGE})


def test_a_graph_is_refused_in_words():
    kit = pytest.importorskip("xai_heatmap.testing.kits.onnx_kit", reason="needs onnx")
    model = kit.OnnxKit().plain().model
    with pytest.raises(BadOption, match="PyTorch and Keras"):
        xh.together(model, np.zeros((1, 3, 8, 8), np.float32), ["input"], target=0)
