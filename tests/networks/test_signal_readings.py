"""Layers of signals whose axes are equally long are read by what changes in the signal."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import NoGrid

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

STEPS = 24


class Mixer(nn.Module):
    """Steps embedded, mixed along the axis of steps, then along the features."""

    def __init__(self, features):
        super().__init__()
        torch.manual_seed(0)
        self.embedded = nn.Linear(5, features)
        self.steps, self.bent = nn.Linear(STEPS, STEPS), nn.GELU()
        self.features, self.last = nn.Linear(features, features), nn.Linear(features, 3)

    def forward(self, x):
        z = self.embedded(x)
        z = z + self.bent(self.steps(z.transpose(1, 2))).transpose(1, 2)
        return self.last((z + self.features(z)).mean(1))


def in_keras(features):
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    taken = keras.Input((STEPS, 5))
    z = keras.layers.Dense(features, name="embedded")(taken)
    turned = keras.layers.Permute((2, 1), name="turned")(z)
    turned = keras.layers.Dense(STEPS, name="steps")(turned)
    z = keras.layers.Add()([z, keras.layers.Permute((2, 1), name="back")(turned)])
    z = keras.layers.Dense(features, name="features")(z)
    z = keras.layers.GlobalAveragePooling1D()(z)
    return keras.Model(taken, keras.layers.Dense(3)(z))


class Attends(nn.Module):
    """As many steps as features, which attend to each other or are read one after the other."""

    def __init__(self, recurrent):
        super().__init__()
        torch.manual_seed(0)
        self.embedded = nn.Linear(5, STEPS)
        self.block = (
            nn.LSTM(STEPS, STEPS, batch_first=True)
            if recurrent
            else nn.TransformerEncoderLayer(STEPS, 2, 32, batch_first=True)
        )
        self.wide, self.bent, self.last = nn.Linear(STEPS, STEPS), nn.ReLU(), nn.Linear(STEPS, 3)

    def forward(self, x):
        z = self.block(self.embedded(x))
        return self.last(self.bent(self.wide(z[0] if isinstance(z, tuple) else z)).mean(1))


def opened(model):
    return xh.network(model, image_shape=(STEPS, 5), axes="tc")


def signal():
    return np.random.default_rng(0).normal(size=(1, STEPS, 5)).astype(np.float32)


@pytest.mark.parametrize("make", [lambda width: Mixer(width).eval(), in_keras])
@pytest.mark.parametrize("features", [STEPS, STEPS + 8])
def test_rows_of_features_are_no_steps(make, features):
    """With 8 more, rows were 8 tokens of no place before as many steps."""
    network = opened(make(features))
    with pytest.raises(NoGrid, match=r"either of its axes could be the steps"):
        xh.maps(network, signal(), layer="steps", target=0)


@pytest.mark.parametrize("make", [lambda width: Mixer(width).eval(), in_keras])
@pytest.mark.parametrize("features", [STEPS, STEPS + 8])
def test_steps_are_steps_beside_them(make, features):
    network, x, layer = opened(make(features)), signal(), "embedded"
    moved = x.copy()
    moved[0, 7] += 3
    one, other = (xh.maps(network, own, layer=layer, method="fem")[0] for own in (x, moved))
    assert one.shape == other.shape == (STEPS,)
    both = np.concatenate([x, moved]).transpose(0, 2, 1)
    found = network.record(both, [layer]).activations[layer]
    assert found.shape == (2, features, STEPS)
    assert np.abs(found[1] - found[0]).sum(axis=0).argmax() == 7


@pytest.mark.parametrize("layer", ["embedded", "block", "wide", "bent"])
@pytest.mark.parametrize("recurrent", [False, True])
def test_as_many_steps_as_features_are_kept(layer, recurrent):
    network, x = opened(Attends(recurrent).eval()), signal()
    moved = x.copy()
    moved[0, 7] += 3
    both = np.concatenate([x, moved]).transpose(0, 2, 1)
    found = network.record(both, [layer]).activations[layer]
    assert found.shape == (2, STEPS, STEPS)
    assert np.abs(found[1] - found[0]).sum(axis=0).argmax() == 7
