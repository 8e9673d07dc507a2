"""Keras on PyTorch, eager."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch

from benchmarks.framework import Framework


class KerasTorch(Framework):
    """A Keras model that is a `torch.nn.Module` too."""

    title = "Keras on PyTorch"

    def bare(self, model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
        """One forward pass without gradients."""

        def forward() -> np.ndarray:
            with torch.no_grad():
                return keras.ops.convert_to_numpy(
                    model(keras.ops.convert_to_tensor(x), training=False)
                )

        return forward

    def versions(self) -> list[str]:
        """What ran."""
        return [
            f"PyTorch {torch.__version__} ({torch.get_num_threads()} threads)",
            f"Keras {keras.__version__}",
        ]


FRAMEWORK = KerasTorch()
