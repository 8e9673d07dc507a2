"""Activations and gradients of layers that have no grid: features, steps of a sequence."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, NoGrid

pytestmark = pytest.mark.usefixtures("unchecked")

X = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
STEPS, LAST = (
    np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    for seed, shape in enumerate([(24, 5), (5, 4)])
)


def by_hand(x=X):
    """Steps (n, 8, 5), their squares' mean (n, 5), and the gradients of score 1 by both."""
    rows = x.transpose(0, 2, 1, 3).reshape(len(x), 8, 24).astype(np.float64)
    steps = rows @ STEPS
    mean = (steps**2).mean(1)
    by_mean = np.broadcast_to(LAST[:, 1], mean.shape)
    return steps, mean, by_mean, 2 * steps / 8 * LAST[:, 1]


def in_torch():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    nn = torch.nn

    class Mean(nn.Module):
        def forward(self, steps):
            return (steps**2).mean(1)

    class Rows(nn.Module):
        def forward(self, x):
            return x.permute(0, 2, 1, 3).flatten(2)

    model = nn.Sequential(Rows(), nn.Linear(24, 5, bias=False), Mean(), nn.Linear(5, 4, bias=False))
    model[1].weight.data, model[3].weight.data = torch.tensor(STEPS.T), torch.tensor(LAST.T)
    return model.eval(), X, ("1", "2"), (model[1], model[2])


def in_keras():
    keras = pytest.importorskip("keras", reason="needs Keras")

    class Mean(keras.layers.Layer):
        def call(self, steps):
            return keras.ops.mean(steps**2, axis=1)

    taken = keras.Input((8, 8, 3))
    rows = keras.layers.Reshape((8, 24))(keras.layers.Permute((1, 3, 2))(taken))
    steps = keras.layers.Dense(5, use_bias=False, name="steps")
    mean, last = Mean(name="mean"), keras.layers.Dense(4, use_bias=False)
    model = keras.Model(taken, last(mean(steps(rows))))
    steps.set_weights([STEPS])
    last.set_weights([LAST])
    return model, np.moveaxis(X, 1, -1), ("steps", "mean"), (steps, mean)


def in_onnx():
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    made = onnx.helper
    nodes = [
        made.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1, 3]),
        made.make_node("Reshape", ["t", "shape"], ["rows"]),
        made.make_node("MatMul", ["rows", "W"], ["steps"], name="steps"),
        made.make_node("Mul", ["steps", "steps"], ["squares"]),
        made.make_node("ReduceMean", ["squares"], ["mean"], name="mean", axes=[1], keepdims=0),
        made.make_node("MatMul", ["mean", "V"], ["scores"], name="last"),
    ]
    stored = {"W": STEPS, "V": LAST, "shape": np.array([0, 8, 24])}
    graph = made.make_graph(
        nodes,
        "sequence",
        [made.make_tensor_value_info("x", 1, ["n", 3, 8, 8])],
        [made.make_tensor_value_info("scores", 1, ["n", 4])],
        [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
    )
    model = made.make_model(graph, opset_imports=[made.make_opsetid("", 17)])
    return model, X, ("steps", "mean"), ()


@pytest.fixture(params=[in_torch, in_keras, in_onnx])
def sequence(request):
    return request.param()


def test_a_recording_opens_them(sequence):
    model, _, names, _ = sequence
    recording = xh.network(model, image_shape=(3, 8, 8)).record(X, names)
    steps, mean, by_mean, by_steps = by_hand()
    found = [recording.activations[name] for name in names]
    for own, right in zip(found, (steps, mean), strict=True):
        np.testing.assert_allclose(own, right, atol=1e-4)
    pulled = recording.pullback(np.eye(4, dtype=np.float32)[[1, 1]])
    np.testing.assert_allclose(pulled[names[0]], by_steps, atol=1e-4)
    np.testing.assert_allclose(pulled[names[1]], by_mean, atol=1e-5)


@pytest.mark.parametrize("made", [in_torch, in_keras])
def test_the_object_names_its_layer(made):
    model, _, names, objects = made()
    network = xh.network(model, image_shape=(3, 8, 8))
    assert list(network.record(X, objects[1]).activations) == [names[1]]


def test_their_heads_run_again(sequence):
    model, _, names, _ = sequence
    recording = xh.network(model, image_shape=(3, 8, 8)).record(X, names)
    other = np.random.default_rng(7).normal(size=(3, 5)).astype(np.float32)
    found = recording.replay(names[1], other, row=1).scores
    np.testing.assert_allclose(found, other @ LAST, atol=1e-4)


@pytest.mark.parametrize("method", ["gradient", "input_x_gradient", "integrated_gradients"])
def test_maps_of_each_feature(sequence, method):
    model, x, names, _ = sequence
    network = xh.network(model, image_shape=(3, 8, 8))
    options = {"channels": "each"}
    found = xh.maps(network, x, method=method, layer=[*names], target=1, options=options)
    steps, mean, by_mean, by_steps = by_hand()
    right = {
        "gradient": (by_steps, by_mean),
        "input_x_gradient": (by_steps * steps, by_mean * mean),
        "integrated_gradients": (by_steps * steps / 2, by_mean * mean),  # y = Σ c s²
    }[method]
    for name, own in zip(names, right, strict=True):
        np.testing.assert_allclose(found[name], own, atol=1e-4)


def test_a_map_in_one_piece_needs_a_grid(sequence):
    model, x, names, _ = sequence
    network = xh.network(model, image_shape=(3, 8, 8))
    with pytest.raises(NoGrid, match="no grid"):
        xh.maps(network, x, method="gradient", layer=names[1], target=1)
    with pytest.raises(NoGrid, match="no grid"):
        xh.explain(network, x[0], preprocess="ready", layer=names[1], target=1)


def test_each_feature_is_covered_alone(sequence):
    model, x, names, _ = sequence
    network = xh.network(model, image_shape=(3, 8, 8))
    options = {"channels": "each", "window": 1, "stride": 1}
    found = xh.maps(network, x, method="occlusion", layer=[*names], target=1, options=options)
    steps, mean, by_mean, _ = by_hand()
    np.testing.assert_allclose(found[names[1]], mean * by_mean, atol=1e-4)
    np.testing.assert_allclose(found[names[0]], steps**2 / 8 * LAST[:, 1], atol=1e-4)


def test_a_recording_takes_floats_of_any_width():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    network = xh.network(in_torch()[0], image_shape=(3, 8, 8))
    wanted = network.record(X, ["1"]).activations["1"]
    given: list[Any] = [X.astype(np.float64), torch.tensor(X, requires_grad=True)]
    for x in given:
        np.testing.assert_array_equal(network.record(x, ["1"]).activations["1"], wanted)
    with pytest.raises(BadArray):
        network.record((X * 9).astype(np.int64), ["1"])
