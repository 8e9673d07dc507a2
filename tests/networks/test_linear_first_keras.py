"""A dense layer that is the first to mix anything in a Keras model's signal."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras")

import keras

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray

layers = keras.layers


def line(shape, *body):
    keras.utils.set_random_seed(0)
    return keras.Sequential([layers.Input(shape), *body])


PER_STEP = {
    "pooled": [layers.Dense(8), layers.GlobalAveragePooling1D(data_format="channels_last")],
    "recurrent": [layers.Dense(8), layers.ReLU(), layers.LSTM(4)],
    "convolution": [layers.Dense(8), layers.Conv1D(4, 3, data_format="channels_last"),
                    layers.Flatten()],
}  # fmt: skip


@pytest.mark.parametrize("shape", [(12, 20), (40, 6)])
@pytest.mark.parametrize("name", PER_STEP)
def test_features_at_the_end_are_found(name, shape):
    body = [layer.__class__.from_config(layer.get_config()) for layer in PER_STEP[name]]
    model = line(shape, *body, layers.Dense(3, name="scores"))
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    assert xh.network(model).axes_of(shape).word == "tc"
    assert xh.maps(model, x, method="occlusion", target=0).shape == (1, shape[0])


DOUBTFUL = {
    "DLinear": ((24, 6), lambda: [layers.Permute((2, 1)), layers.Dense(4), layers.Flatten()]),
    "DLinear, time last": ((6, 24), lambda: [layers.Dense(4), layers.Flatten()]),
    "forecast": ((24, 6), lambda: [layers.Permute((2, 1)), layers.Dense(4), layers.Permute((2, 1)),
                                   layers.Flatten()]),
    "mixer": ((24, 6), lambda: [layers.Permute((2, 1)), layers.Dense(24), layers.ReLU(),
                                layers.Permute((2, 1)), layers.Dense(6), layers.Flatten()]),
    "mixer of few steps": ((6, 24), lambda: [layers.Permute((2, 1)), layers.Dense(6),
                                             layers.Permute((2, 1)), layers.Dense(4),
                                             layers.Flatten()]),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_may_be_time_is_refused_with_the_word_to_say(name):
    shape, body = DOUBTFUL[name]
    model = line(shape, *body(), layers.Dense(3))
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    with pytest.raises(BadArray, match=r"axes='tc'.*axes='ct'"):
        xh.maps(model, x, method="occlusion", target=0)
    time = 0 if "few" in name else shape.index(24)
    network = xh.network(model, axes="tc" if time == 0 else "ct")
    assert xh.maps(network, x, method="occlusion", target=0).shape == (1, shape[time])
