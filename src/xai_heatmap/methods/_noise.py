"""Gradients at activations with noise on them."""

from collections.abc import Iterator

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient
from xai_heatmap.core.evidence import Differentiated


def noisy_gradients(
    activation: Activation, head: Differentiated, *, noise: float, samples: int, seed: int
) -> Iterator[Gradient]:
    """∂y/∂A at A + ε, ε normal with a deviation of `noise` times the range of A."""
    random = np.random.default_rng(seed)
    deviation = np.float32(noise * np.ptp(activation))
    noisy = (
        activation + deviation * random.standard_normal(activation.shape, np.float32)
        for _ in range(samples)
    )
    for _, gradient in head.gradients(noisy):
        yield gradient
