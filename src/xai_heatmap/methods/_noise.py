"""Noise: gradients at activations with noise on them, and pictures with noise on them."""

from collections.abc import Iterator

import numpy as np

from xai_heatmap.core.arrays import Activation, Gradient
from xai_heatmap.core.evidence import Differentiated


def noisy_gradients(
    activation: Activation, head: Differentiated, *, noise: float, samples: int, seed: int
) -> Iterator[Gradient]:
    """∂y/∂A at A + ε, ε normal with a deviation of `noise` times the range of A."""
    for _, gradient in head.gradients(noisy(activation, noise=noise, samples=samples, seed=seed)):
        yield gradient


def noisy(activation: Activation, *, noise: float, samples: int, seed: int) -> Iterator[Activation]:
    """A + ε, ε normal with a deviation of `noise` times the range of A."""
    random = np.random.default_rng(seed)
    deviation = np.float32(noise * np.ptp(activation))
    for _ in range(samples):
        yield activation + deviation * random.standard_normal(activation.shape, np.float32)
