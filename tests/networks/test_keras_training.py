"""The callback of Keras, on every backend: looks in a real training, which stays what it was."""

import keras
import numpy as np
import pytest

from xai_heatmap.training import Heatmaps

RNG = np.random.default_rng(0)
X, Y = RNG.random((12, 16, 16, 3), dtype=np.float32), np.arange(12) % 3


def trained(callbacks):
    """Weights after three epochs with dropout, batch normalisation and shuffled pictures."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.5),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks)
    return model, model.get_weights()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_keras_trains_on_as_it_would(capsys):
    pictures = [np.uint8(255 * one) for one in X[:2]]
    heatmaps = Heatmaps(pictures, every=2, targets=[0, 1], preprocess="unit")
    _, own = trained([heatmaps.keras()])
    model, plain = trained([])
    assert all(np.array_equal(one, other) for one, other in zip(own, plain, strict=True))
    assert [look.epoch for look in heatmaps.looks] == [1, 2, 3]
    assert "3 looks" in capsys.readouterr().err
    fresh = Heatmaps(pictures, targets=[0, 1], preprocess="unit")
    assert np.allclose(
        fresh.after(3, model).explanations[1].map, heatmaps.looks[-1].explanations[1].map, atol=1e-6
    )
