"""A few methods of every kind on a network of each framework that is there.

Short, so that `make oldest` can ask it of the lowest versions that are allowed.
"""

import numpy as np
import pytest

import xai_heatmap as xh

METHODS = ("gradcam", "fullgrad", "libragrad", "saliency", "ablationcam", "occlusion")


def torch_network():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    ).eval()


def keras_network():
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    start = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(start))
    return keras.Model(start, layers.Dense(3)(x))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", [torch_network, keras_network])
def test_maps_come_out_and_belong_to_their_class(make, method):
    network = xh.network(make(), image_shape=(3, 16, 16))
    x = np.random.default_rng(0).random((2, 3, 16, 16), np.float32)
    x = np.moveaxis(x, 1, -1) if network.channels_last else x
    one, other = (xh.maps(network, x, method=method, target=target) for target in (0, 1))
    assert one.shape == other.shape
    assert len(one) == 2
    assert np.isfinite(one).all()
    assert not np.allclose(one, other)
