"""What `maps` takes as a batch, and what is told of anything else."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray

X = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers

    keras.utils.set_random_seed(0)
    image = keras.Input((16, 16, 3), name="pic")
    y = layers.Conv2D(4, 4, 4, activation="relu", name="conv")(image)
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))


class Data:
    """A data set that is gone through by numbers."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        return X, np.zeros(2)


class Array:
    """An object that numpy reads."""

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return X

    def __iter__(self):
        return iter(X)


@pytest.mark.parametrize(
    "given", [[X], (X,), list(X), Array()], ids=["list", "tuple", "each", "array"]
)
def test_a_batch_is_taken_as_predict_takes_it(model, given):
    np.testing.assert_array_equal(xh.maps(model, given, target=0), xh.maps(model, X, target=0))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pixel_values": X}, r"dict of 'pixel_values'.*x\['pixel_values'\].*held="),
        ({"pic": X, "meta": X[:, 0, 0]}, r"dict of 'pic', 'meta'.*x\['pic'\]"),
        ({}, "dict of nothing"),
        (Data(), r"received a Data.*batches one after the other.*xai_heatmap\.explain"),
        ((batch for batch in [X]), r"received a generator.*batches one after the other"),
        ((X, np.array([0, 1])), "picture with its class"),
        ((X * 255).astype(np.uint8), r"uint8.*x\.astype\('float32'\)"),
        (np.int64(X * 255), r"int64.*x\.astype\('float32'\)"),
    ],
)
def test_whatever_is_no_batch_is_told_what_to_write(model, given, said):
    with pytest.raises(BadArray, match=rf"(?s){said}"):
        xh.maps(model, given, target=0)
