"""Sizes of the small transformer of every backend, and pictures for it, in NumPy alone."""

import numpy as np

SHAPE = (3, 16, 24)
"""(c, H, W) of the pictures: 4 x 6 patches."""
WIDTH, HEADS, CLASSES, PATCH = 8, 2, 4, 4
GRID = (SHAPE[1] // PATCH, SHAPE[2] // PATCH)


def images(n: int = 3, seed: int = 0) -> np.ndarray:
    """Random pictures n c H W, float32."""
    return np.random.default_rng(seed).normal(size=(n, *SHAPE)).astype(np.float32)
