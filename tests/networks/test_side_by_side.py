"""Several outputs of one network, explained together: the sum of two heads."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, NoScores, UnknownTarget

pytestmark = pytest.mark.usefixtures("unchecked")

X = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
BODY, BREED, AGE = (
    np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    for seed, shape in enumerate([(3, 5), (5, 4), (5, 1)])
)
OUTPUTS = ["breed", "age"]
SUM = xh.weighted({"breed[2]": 2, "age": -1})


def by_hand(x=X):
    """∂(2 softmax(breed)_2 - age)/∂x of a 1x1 convolution, a tanh, a mean and two heads."""
    places = x[0].size // 3
    a = np.tanh(np.einsum("nchw,ck->nkhw", x.astype(np.float64), BODY))
    mean = a.mean((2, 3))
    scores = np.exp(mean @ BREED)
    p = scores / scores.sum(1, keepdims=True)
    row = 2 * p[:, 2:3] * (BREED[:, 2] - p @ BREED.T) - AGE[:, 0]
    return np.einsum("nk,nkhw,ck->nhw", row / places, 1 - a**2, BODY)


def in_torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Heads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Conv2d(3, 5, 1, bias=False)
            self.body.weight.data = torch.tensor(BODY.T[:, :, None, None].copy())

        def forward(self, x):
            mean = self.body(x).tanh().mean((2, 3))
            breed = (mean @ torch.tensor(BREED)).softmax(1)
            return {"breed": breed, "age": mean @ torch.tensor(AGE)}

    return Heads().eval(), X


def in_keras():
    keras = pytest.importorskip("keras", reason="needs Keras")
    taken = keras.Input((8, 8, 3))
    body = keras.layers.Conv2D(5, 1, use_bias=False, activation="tanh")
    mean = keras.layers.GlobalAveragePooling2D()(body(taken))
    breed = keras.layers.Dense(4, use_bias=False, activation="softmax")
    age = keras.layers.Dense(1, use_bias=False)
    model = keras.Model(taken, {"breed": breed(mean), "age": age(mean)})
    for layer, weight in ((body, BODY[None, None]), (breed, BREED), (age, AGE)):
        layer.set_weights([weight])
    return model, np.moveaxis(X, 1, -1)


def in_onnx():
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    stored = {"body": BODY.T[:, :, None, None], "breeds": BREED, "ages": AGE}
    nodes = [
        ("Conv", ["x", "body"], "conv"),
        ("Tanh", ["conv"], "a"),
        ("GlobalAveragePool", ["a"], "pooled"),
        ("Flatten", ["pooled"], "mean"),
        ("MatMul", ["mean", "breeds"], "scores"),
        ("Softmax", ["scores"], "breed"),
        ("MatMul", ["mean", "ages"], "age"),
    ]
    made = onnx.helper
    graph = made.make_graph(
        [made.make_node(kind, given, [out], name=out) for kind, given, out in nodes],
        "heads",
        [made.make_tensor_value_info("x", 1, ["n", 3, 8, 8])],
        [made.make_tensor_value_info(name, 1, ["n", k]) for name, k in (("breed", 4), ("age", 1))],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    return made.make_model(graph, opset_imports=[made.make_opsetid("", 17)]), X


@pytest.fixture(params=[in_torch, in_keras, in_onnx])
def heads(request):
    return request.param()


def test_a_target_over_two_heads_is_their_sum(heads):
    model, x = heads
    network = xh.network(model, output=OUTPUTS)
    found = xh.maps(network, x, method="gradient", layer="input", target=SUM)
    np.testing.assert_allclose(found, by_hand(), atol=1e-6)


def test_every_number_has_the_name_of_its_output(heads):
    model, x = heads
    network = xh.network(model, output=OUTPUTS)
    named = xh.maps(network, x, method="gradient", layer="input", target="age")
    numbered = xh.maps(network, x, method="gradient", layer="input", target=4)
    alone = xh.network(model, output="age", answers="values")
    np.testing.assert_array_equal(named, numbered)
    found = xh.maps(alone, x, method="gradient", layer="input", target=0)
    np.testing.assert_allclose(named, found, atol=1e-7)
    e = xh.explain(network, x[0], preprocess="ready", target="breed[1]", method="occlusion")
    assert e.target == "breed[1]"
    assert e.score == pytest.approx(float(network.record(X).scores[0, 1]), abs=1e-6)


def test_the_order_is_the_one_that_was_said(heads):
    model, _ = heads
    there, back = (xh.network(model, output=order).record(X) for order in (OUTPUTS, OUTPUTS[::-1]))
    np.testing.assert_array_equal(np.roll(there.scores, 1, axis=1), back.scores)


def test_without_a_target_the_names_are_said(heads):
    model, x = heads
    with pytest.raises(UnknownTarget, match=r"0 to 4, or its name, such as 'breed\[0\]'"):
        xh.maps(xh.network(model, output=OUTPUTS), x)


def test_maps_side_by_side_are_named_by_their_places():
    torch = pytest.importorskip("torch", reason="needs PyTorch")

    class Pyramid(torch.nn.Module):
        def forward(self, x):
            return x[:, :2, :2, :2] ** 2, x.mean((2, 3))

    network = xh.network(Pyramid().eval(), output=[0, 1])
    found = xh.maps(network, X, method="gradient", layer="input", target="0[1,0,1]")
    assert found[0, 0, 1] == pytest.approx(2 * X[0, 1, 0, 1])
    assert np.count_nonzero(found[0]) == 1


@pytest.mark.parametrize("output", [[], ["age", "age"], [True], [["age"]]])
def test_what_names_no_outputs_is_refused(output):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    with pytest.raises(BadOption, match="named by their keys"):
        xh.network(torch.nn.Identity(), output=output)


def test_an_output_that_is_not_there_is_refused(heads):
    model, x = heads
    with pytest.raises(NoScores, match="weight"):
        xh.maps(xh.network(model, output=["age", "weight"]), x, target=0)


def test_outputs_side_by_side_are_values():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    with pytest.raises(BadOption, match="are values"):
        xh.network(torch.nn.Identity(), output=OUTPUTS, answers="classes")
