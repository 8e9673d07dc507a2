"""Networks of several inputs in Keras, on whichever backend KERAS_BACKEND names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras")
pytest.importorskip("torch", reason="needs PyTorch, which says what is right")

import keras
from keras import layers, ops

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.testing.conformance import held as held_checks
from xai_heatmap.testing.conformance.held import alone, case, close, maps, pictures, random
from xai_heatmap.testing.networks.held import CLASSES, MAPS, META, SHAPE, Late, Net, Numbers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NATIVE = (*SHAPE[1:], SHAPE[0])


class KerasKit:
    channels_last = True

    def made(self, net: Net) -> keras.Model:
        model = {"Late": late, "Early": early, "Pair": pair}[type(net).__name__]()
        return filled(model, net.numbers())

    @contextmanager
    def runs(self, model: keras.Model) -> Iterator[Any]:
        calls: list[int] = []
        layer = model.get_layer("conv")
        call = layer.call
        layer.call = lambda *args, **kwargs: (calls.append(1), call(*args, **kwargs))[1]
        try:
            yield lambda: len(calls)
        finally:
            layer.call = call


def filled(model: keras.Model, numbers: Numbers) -> keras.Model:
    for layer in model._flatten_layers():
        if layer.name + ".weight" in numbers:
            weight = numbers[f"{layer.name}.weight"]
            own = weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T
            layer.set_weights([own, numbers[f"{layer.name}.bias"]])
    return model


def image() -> Any:
    return keras.Input(NATIVE, name="image")


def late() -> keras.Model:
    x, metadata = image(), keras.Input((META,), name="metadata")
    a = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(MAPS, 3, name="conv")(x)))
    read = layers.Dense(MAPS, activation="tanh", name="read")(metadata)
    mixed = layers.Dense(MAPS, activation="tanh", name="mix")(layers.Concatenate()([a, read]))
    return keras.Model([x, metadata], layers.Dense(CLASSES, name="fc")(mixed))


def early() -> keras.Model:
    x, metadata = image(), keras.Input((META,), name="metadata")
    gain, shift = (
        layers.Reshape((1, 1, MAPS))(layers.Dense(MAPS, name=name)(metadata))
        for name in ("gain", "shift")
    )
    a = layers.Add()([layers.Multiply()([layers.Conv2D(MAPS, 3, name="conv")(x), gain]), shift])
    a = layers.ReLU()(layers.Conv2D(MAPS, 3, name="conv2")(layers.Activation("tanh")(a)))
    scores = layers.Dense(CLASSES, name="fc")(layers.GlobalAveragePooling2D()(a))
    return keras.Model({"metadata": metadata, "image": x}, scores)


def pair() -> keras.Model:
    x, second = image(), keras.Input(NATIVE, name="second")
    conv = layers.Conv2D(MAPS, 3, name="conv")
    both = layers.Multiply()([ops.tanh(conv(x)), ops.tanh(conv(second))])
    scores = layers.Dense(CLASSES, name="fc")(layers.GlobalAveragePooling2D()(both))
    return keras.Model([second, x], scores)


@pytest.mark.parametrize("check", held_checks.CHECKS, ids=lambda check: check.__name__)
def test_holds(check):
    check(KerasKit())


class Written(keras.Model):
    """A model that is Python; how its inputs come in is said by `call`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(MAPS, 3, name="conv")
        self.read = layers.Dense(MAPS, activation="tanh", name="read")
        self.mix = layers.Dense(MAPS, activation="tanh", name="mix")
        self.fc = layers.Dense(CLASSES, name="fc")

    def of(self, image: Any, metadata: Any) -> Any:
        a = ops.mean(ops.relu(self.conv(image)), axis=(1, 2))
        return self.fc(self.mix(ops.concatenate([a, self.read(metadata)], axis=1)))


class Twofold(Written):
    def call(self, image: Any, metadata: Any) -> Any:
        return self.of(image, metadata)


class Paired(Written):
    def call(self, inputs: Any) -> Any:
        return self.of(*inputs)


class Named(Written):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.of(inputs["picture"], inputs["age"])


@pytest.mark.parametrize(
    ("kind", "name", "how"),
    [
        (Twofold, "metadata", {}),
        (Twofold, 1, {}),
        (Paired, 1, {}),
        (Named, "age", {"picture": "picture"}),
    ],
    ids=["name", "place", "tuple", "dict"],
)
def test_every_way_to_call_a_model(kind, name, how):
    held, x = random(1, META, seed=3), pictures(1)
    net = case(KerasKit(), Late).net
    model = kind()
    network = xh.network(model, image_shape=SHAPE, held={name: held}, **how)
    assert "read" not in network.layers
    filled(model, net.numbers())
    found = maps(network, np.moveaxis(x, 1, -1), layer="conv")
    close(found, maps(alone(net, held), x, layer="net.conv"))


def test_a_shape_is_checked_before_the_first_pass():
    own = case(KerasKit(), Late)
    with KerasKit().runs(own.model) as runs:
        with pytest.raises(BadArray, match=r"'metadata' \(any, 4\).*\(1, 5\)"):
            own.opened(random(1, 5, seed=0))
        with pytest.raises(BadArray, match=r"\(2, 2, 4\)"):
            own.opened(random(2, 2, META, seed=0))
        assert runs() == 0


def test_one_number_fills_a_row_and_a_row_may_come_without_its_axis():
    own, x = case(KerasKit(), Late), pictures(1)
    filled_, bare = np.full((1, META), 1.5, np.float32), random(META, seed=0)
    network = own.opened(filled_)
    wanted = own.maps(network, x, layer="conv")
    close(own.maps(network, x, layer="conv", held={"metadata": 1.5}), wanted)
    wanted = own.maps(network, x, layer="conv", held={"metadata": bare[None]})
    close(own.maps(network, x, layer="conv", held={"metadata": bare}), wanted)


def test_other_values_need_no_other_program():
    own, x = case(KerasKit(), Early := held_checks.Early), pictures(1)
    assert Early is type(own.net)
    network = own.opened(own.held())
    own.maps(network, x, method="ablationcam", layer="conv")
    kept = network._state.kept.get("programs", {})
    before = set(kept)
    for seed in range(5, 8):
        held = own.holding(own.held(seed=seed))
        own.maps(network, x, method="ablationcam", layer="conv", held=held)
    assert set(kept) == before


def test_an_embedded_whole_number_is_held():
    x, kind = image(), keras.Input((), dtype="int32", name="camera")
    a = layers.GlobalAveragePooling2D()(layers.Conv2D(MAPS, 3, activation="relu", name="conv")(x))
    both = layers.Multiply()([a, layers.Embedding(5, MAPS)(kind)])
    model = keras.Model([x, kind], layers.Dense(CLASSES)(layers.Activation("tanh")(both)))
    native = np.moveaxis(pictures(2), 1, -1)
    network = xh.network(model, held={"camera": 3})
    recording = network.record(pictures(2), ["conv"])
    scores = ops.convert_to_numpy(model([ops.array(native), ops.array([3, 3], "int32")]))
    np.testing.assert_allclose(recording.scores, scores, atol=1e-5)
    one, other = (maps(network, native, layer="conv", held={"camera": kind}) for kind in (3, 1))
    assert np.abs(one - other).max() > 0
    rows = maps(network, native, layer="conv", held={"camera": np.array([3, 1])})
    close(rows, np.stack([one[0], other[1]]))


def test_a_position_stands_for_a_name():
    own, x = case(KerasKit(), Late), pictures(1)
    network = xh.network(own.model, held={1: own.held()})
    close(own.maps(network, x, layer="conv"), own.maps(own.opened(own.held()), x, layer="conv"))
    with pytest.raises(BadOption, match="number 2"):
        xh.network(own.model, held={2: own.held()})
