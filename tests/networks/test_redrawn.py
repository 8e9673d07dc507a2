"""Copies of networks with weights drawn again, and models' own calls: the model itself stays."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "runners"))

from audited import network as small

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining.auditing.preparations import moved, spoken
from xai_heatmap.explaining.auditing.weights import Shuffling, parts_of
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.runners.audit.summary import preparations

X = np.random.default_rng(0).normal(size=(2, 3, 32, 32)).astype(np.float32)


def in_torch():
    torch = pytest.importorskip("torch", reason="needs torch")
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.BatchNorm2d(6), torch.nn.ReLU(),
        torch.nn.Conv2d(6, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(), torch.nn.Linear(8, 5),
    )  # fmt: skip


def check(network, layers, numbers):
    """A copy with weights of the second part drawn differs there and nowhere else; `numbers` are
    all weights and statistics of the model.
    """
    before = [np.array(own) for own in numbers()]
    own = network.record(X, layers)
    parts = parts_of(network.survey((3, 32, 32)), layers)
    draw = Shuffling(parts, frozenset({1}))
    other = network.redrawn(draw).record(X, layers)
    assert draw.drawn >= 1
    first, second = layers
    np.testing.assert_allclose(other.activations[first], own.activations[first], atol=1e-6)
    assert np.abs(other.activations[second] - own.activations[second]).max() > 1e-3
    assert np.abs(other.scores - own.scores).max() > 1e-4
    again = network.record(X, layers)
    np.testing.assert_array_equal(again.scores, own.scores)
    for was, now in zip(before, numbers(), strict=True):
        np.testing.assert_array_equal(was, np.array(now))


def test_weights_of_an_onnx_graph_are_drawn_in_a_copy():
    model = small()
    kept = model.SerializeToString()
    check(xh.network(model), ["act1", "act2"], list)
    assert model.SerializeToString() == kept


@pytest.mark.slow
def test_weights_of_a_torch_module_are_drawn_in_a_copy():
    model = in_torch()
    network = xh.network(model, image_shape=(3, 32, 32))
    check(network, ["2", "4"], lambda: [w.detach().numpy() for w in model.state_dict().values()])
    other = network.redrawn(Shuffling(parts_of(network.survey((3, 32, 32)), ["2"]), frozenset({0})))
    statistics = other._adapter._module.state_dict()["1.running_var"]
    np.testing.assert_array_equal(statistics, model.state_dict()["1.running_var"])
    assert model.training


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_weights_of_a_keras_model_are_drawn_in_a_copy():
    keras = pytest.importorskip("keras", reason="needs keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    network = xh.network(model)
    check(network, ["first", "second"], model.get_weights)
    own = network.own_call(X)
    expected = keras.ops.convert_to_numpy(model(np.moveaxis(X, 1, -1)))
    np.testing.assert_allclose(own, expected, atol=1e-6)


def test_the_own_call_is_what_the_framework_answers():
    import onnxruntime

    model = small("softmax")
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (expected,) = session.run(None, {"x": X})
    np.testing.assert_allclose(xh.network(model).own_call(X), expected, atol=1e-6)
    torch_model = in_torch().eval()
    own = xh.network(torch_model, image_shape=(3, 32, 32)).own_call(X)
    import torch

    np.testing.assert_allclose(own, torch_model(torch.from_numpy(X)).detach(), atol=1e-6)


def test_a_function_has_no_weights():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 8, 8))
    assert network.own_call(X) is None
    with pytest.raises(BadOption, match="no weights"):
        network.redrawn(lambda owner, name, values: values)


def test_answers_that_are_read_as_logarithms_are_replayed_so_once():
    """What ends in a softmax of a softmax answers the same to the same input run again."""
    recording = xh.network(small("twice")).record(X[:1])
    again = recording.replay("input", X[:1], row=0)
    assert recording.meaning == again.meaning == "log-probabilities"
    np.testing.assert_allclose(again.scores, recording.scores, rtol=1e-4, atol=1e-4)


@pytest.mark.reference
@pytest.mark.parametrize("model", ["squeezenet1_1.onnx", "mobilenet_v1_025_224.onnx"])
def test_swapped_channels_are_found_and_right_ones_are_not(reference, model):
    """24 photographs, as they should be prepared and with channels in the other order."""
    network = xh.network(str(reference / "models" / model))
    how = "imagenet" if model.startswith("squeeze") else "tf"
    found = []
    for path in sorted((reference / "more_images").glob("*"))[::5]:
        x = prepare(str(path), how, network).x
        own = {}
        for name, each in (("", x), ("swapped", np.ascontiguousarray(x[::-1]))):
            seen = network.record(np.stack([each, moved(each)]))
            own[name] = {"answers": [spoken(seen, row) for row in (0, 1)], "sure": 0.0}
        found.append(own)
    right, _ = preparations([{"prepared": one} for one in found])
    wrong = [{"prepared": {"": one["swapped"], "other": one[""]}} for one in found]
    _, better = preparations(wrong)
    _, worse = preparations([{"prepared": one} for one in found])
    assert len(found) == 24
    assert better["p"] <= 0.001
    assert better["better"] > better["worse"]
    assert worse["worse"] > worse["better"]
    assert better["apart"] - right["apart"] == pytest.approx(0)
    assert right["apart"] - worse["apart"] >= 0.02
