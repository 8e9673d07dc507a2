"""Keras on TensorFlow, as a `tf.function`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks import peers
from benchmarks.framework import Framework


class Tensorflow(Framework):
    """Graphs, without XLA."""

    title = "Keras on TensorFlow"
    rivals = peers.TENSORFLOW

    def bare(self, model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
        """One compiled forward pass."""
        forward = tf.function(lambda picture: model(picture, training=False))
        return lambda: forward(tf.constant(x)).numpy()

    def versions(self) -> list[str]:
        """What ran."""
        return [f"TensorFlow {tf.__version__}", f"Keras {keras.__version__}"]


FRAMEWORK = Tensorflow()
