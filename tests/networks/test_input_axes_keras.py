"""Axes of a Keras model's input, said or found in its first layers."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="needs Keras")

import keras
from keras import layers

import xai_heatmap as xh
from xai_heatmap.core.errors import NoGrid

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def video():
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        layers.Input((6, 3, 16, 16)), layers.Permute((1, 3, 4, 2)),
        layers.Conv3D(4, 2, strides=2, activation="relu", data_format="channels_last"),
        layers.GlobalAveragePooling3D(data_format="channels_last"), layers.Dense(2),
    ])  # fmt: skip


def wave():
    keras.utils.set_random_seed(0)
    return keras.Sequential([
        layers.Input((64,)), layers.Reshape((64, 1)),
        layers.Conv1D(4, 4, strides=4, activation="relu", data_format="channels_last"),
        layers.GlobalAveragePooling1D(data_format="channels_last"), layers.Dense(2),
    ])  # fmt: skip


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("method", ["hirescam", "saliency"])
def test_frames_first(method, said):
    x = np.zeros((1, 6, 3, 16, 16), np.float32)
    x[0, 2:4, :, 8:10, 4:6] = 1
    network = xh.network(video(), axes="tchw" if said else None)
    found = xh.maps(network, x, method=method, target=0)[0]
    at = np.unravel_index(np.abs(found).argmax(), found.shape)
    scale = found.shape[0] // 3
    assert found.shape == (3 * scale, 8 * scale, 8 * scale)
    assert tuple(int(place) // scale for place in at) == (1, 4, 2)


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("method", ["hirescam", "saliency"])
def test_no_channels(method, said):
    x = np.zeros((1, 64), np.float32)
    x[0, 20:24] = 1
    found = xh.maps(xh.network(wave(), axes="t" if said else None), x, method=method, target=0)[0]
    assert int(np.abs(found).argmax()) * 64 // len(found) in range(20, 24)


def test_parts_that_run_frame_by_frame_are_left_out_with_the_reason():
    cnn = keras.Sequential([
        layers.Input((8, 8, 3)), layers.Conv2D(4, 4, strides=4, data_format="channels_last"),
        layers.GlobalAveragePooling2D(data_format="channels_last"),
    ])  # fmt: skip
    model = keras.Sequential([
        layers.Input((3, 8, 8, 3)), layers.TimeDistributed(cnn), layers.LSTM(4), layers.Dense(2)
    ])  # fmt: skip
    with pytest.raises(NoGrid, match="TimeDistributed"):
        xh.explain(model, np.zeros((3, 8, 8, 3), np.float32), method="hirescam", target=0)
