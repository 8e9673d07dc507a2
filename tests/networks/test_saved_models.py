"""What TensorFlow saves and loads, as a function of its one signature."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="needs TensorFlow")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NotAModel  # noqa: E402
from xai_heatmap.networks.loading.objects import opened_up  # noqa: E402

X = np.random.default_rng(0).random((1, 3, 16, 16)).astype(np.float32)


class Mean(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((None, 16, 16, 3), tf.float32)])
    def __call__(self, pictures):
        return {"scores": tf.reduce_mean(pictures, axis=(1, 2))}


def test_one_signature_is_a_function_of_pictures(tmp_path):
    model = Mean()
    tf.saved_model.save(model, str(tmp_path), signatures={"serve": model.__call__})
    network = xh.network(tf.saved_model.load(str(tmp_path)))
    np.testing.assert_allclose(network.record(X).scores, X.mean((2, 3)), atol=1e-6)


def test_several_signatures_are_refused(tmp_path):
    model = Mean()
    both = {"serve": model.__call__, "train": model.__call__}
    tf.saved_model.save(model, str(tmp_path), signatures=both)
    with pytest.raises(NotAModel, match="2 signatures"):
        xh.network(tf.saved_model.load(str(tmp_path)))


def test_a_module_of_tensorflow_stays_what_it_is():
    model = Mean()
    assert opened_up(model) is model


def test_a_keras_model_stays_what_it_is():
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.layers.Input((16, 16, 3)), keras.layers.Flatten()])
    assert opened_up(model) is model
