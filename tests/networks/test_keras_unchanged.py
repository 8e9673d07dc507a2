"""A Keras model stays its user's, on every backend that Keras runs on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xai_heatmap.testing.conformance import unchanged as conformance_unchanged

pytest.importorskip("keras", reason="needs Keras")

import keras
from keras import layers, ops

from xai_heatmap.testing.conformance import CLASSES
from xai_heatmap.testing.kits.keras_kit import array_function, built, mean

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


class Looking(keras.Model):
    """Looks around between its layers, and ends in a layer that owns its softmax."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self.conv = layers.Conv2D(5, 3, activation="relu", name="conv")
        self.fc = layers.Dense(CLASSES, activation="softmax", name="fc")
        self.__dict__["look"] = look

    def call(self, x: Any) -> Any:
        features = self.conv(x)
        self.__dict__["look"]()
        return self.fc(mean(features))


class Writing(keras.Model):
    """Counts, keeps a mean and draws, in inference too."""

    def __init__(self, write: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.conv = layers.Conv2D(5, 3, name="conv")
        self.fc = layers.Dense(CLASSES, name="fc")
        self.total = self.add_weight(shape=(5,), initializer="zeros", trainable=False)
        self.seeds = keras.random.SeedGenerator(3)
        self.chance = np.random.default_rng(2)
        self.calls = 0
        self.__dict__["write"] = write

    def call(self, x: Any) -> Any:
        return self.fc(mean(self.__dict__["write"](self, self.conv(x))))


def variable(model: Any, a: Any) -> Any:
    model.total.assign(model.total + ops.mean(a, axis=(0, 1, 2)))
    return a


def counted(model: Any, a: Any) -> Any:
    model.calls += 1
    model.latest = tuple(a.shape)
    return a


def drawing(model: Any, a: Any) -> Any:
    own = keras.random.uniform((), seed=model.seeds)
    return a + 0 * own + 0 * model.chance.random()


class KerasUnchanged:
    def looking(self, look: Callable[[], None]) -> keras.Model:
        return built(Looking(look))

    def answer(self, model: keras.Model, x: np.ndarray) -> np.ndarray:
        return array_function(lambda own: model(own, training=False))(x)

    def writing(self) -> dict[str, keras.Model]:
        return {write.__name__: built(Writing(write)) for write in (variable, counted, drawing)}

    def state(self, model: keras.Model) -> object:
        variables = [ops.convert_to_numpy(own.value).tobytes() for own in model.variables]
        names = sorted(name for name in vars(model) if name in ("latest", "calls"))
        return variables, names, model.calls, str(model.chance.bit_generator.state)


@pytest.mark.parametrize("check", conformance_unchanged.CHECKS, ids=lambda check: check.__name__)
def test_conforms(check):
    check(KerasUnchanged())
