"""A head small enough to be known: its scores and gradients as plain sums."""

import numpy as np


class ToyHead:
    """y(A) = (Σ W A)² + Σ V A³ + b, which is no linear function of A anywhere."""

    def __init__(self, shape, seed=0):
        random = np.random.default_rng(seed)
        self.first, self.third = random.normal(size=(2, *shape)) / np.prod(shape) ** 0.5
        self.seen = []

    def score(self, activation) -> float:
        a = np.asarray(activation, np.float64)
        return float((self.first * a).sum() ** 2 + (self.third * a**3).sum() + 0.5)

    def slope(self, activation) -> np.ndarray:
        a = np.asarray(activation, np.float64)
        return 2 * (self.first * a).sum() * self.first + 3 * self.third * a**2

    def hessian(self, activation) -> np.ndarray:
        """∂²y/∂A², k·h·w x k·h·w."""
        a, first = np.asarray(activation, np.float64).ravel(), self.first.ravel()
        return 2 * np.outer(first, first) + np.diag(6 * self.third.ravel() * a)

    def __call__(self, activations):
        given = [a.copy() for a in activations]
        self.seen += given
        return np.array([self.score(a) for a in given], np.float32)

    def gradients(self, activations):
        for a in activations:
            self.seen.append(a.copy())
            yield self.score(a), self.slope(a).astype(np.float32)
