"""Arrays under a Gaussian: what stays of a picture without its detail."""

import numpy as np

from xai_heatmap.core.arrays import Activation

WIDTH = 1 / 20
"""Standard deviation of the blur, as a share of each axis; a place at least."""


def blurred(activation: Activation) -> Activation:
    """Every feature map under a Gaussian; beyond its edges it goes on as it ends."""
    for axis in range(1, activation.ndim):
        length = activation.shape[axis]
        deviation = max(WIDTH * length, 1)
        radius = int(np.ceil(3 * deviation))
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / deviation) ** 2)
        weights = (weights / weights.sum()).astype(np.float32)
        around = [(radius, radius) if a == axis else (0, 0) for a in range(activation.ndim)]
        padded = np.moveaxis(np.pad(activation, around, mode="edge"), axis, -1)
        total = np.zeros(np.moveaxis(activation, axis, -1).shape, np.float32)
        for start, weight in enumerate(weights):
            total += weight * padded[..., start : start + length]
        activation = np.moveaxis(total, -1, axis)
    return activation
