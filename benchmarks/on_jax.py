"""Keras on JAX, as a jitted `stateless_call`."""

from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np

from benchmarks.framework import Framework


class Jax(Framework):
    """Jitted, with the weights as arguments."""

    title = "Keras on JAX"

    def bare(self, model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
        """One compiled forward pass."""

        @jax.jit
        def forward(trained: list[Any], fixed: list[Any], picture: Any) -> Any:
            return model.stateless_call(trained, fixed, picture, training=False)[0]

        trained = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return lambda: np.asarray(forward(trained, fixed, x))

    def versions(self) -> list[str]:
        """What ran."""
        return [f"JAX {jax.__version__}", f"Keras {keras.__version__}"]


FRAMEWORK = Jax()
