"""The strongest pattern among rows over a grid, the right way round."""

import numpy as np

from xai_heatmap.core.product import product
from xai_heatmap.core.rounding import OF_A_MEAN
from xai_heatmap.core.shapes import Float64

Rows = Float64[np.ndarray, "k places"]
Pattern = Float64[np.ndarray, " places"]
Gram = Float64[np.ndarray, "n n"]

BLOCK = 12
"""Vectors that are multiplied at once where no eigenvalue stands out."""

STEPS, SURE = 40, 1e-11
"""Most multiplications by a Gram matrix, and the error of its first eigenvector that ends them."""


def principal(rows: Rows) -> Pattern:
    """R^T u₁, with R = Σ_i σ_i u_i v_i^T.

    v₁ comes from the smaller of the two Gram matrices, places x places or k x k, by `leading`. Its
    sign is that of `turned`.
    """
    k, places = rows.shape
    first = leading(product(rows.T, rows) if places <= k else product(rows, rows.T))
    direction = rows @ first if places <= k else first
    pattern = rows.T @ direction / max(np.linalg.norm(direction), np.finfo(np.float64).tiny)
    return turned(pattern, rows)


def leading(gram: Gram) -> Float64[np.ndarray, " n"]:
    """The first eigenvector of a Gram matrix, of either sign.

    One eigenvalue λ of more than half of the trace is the largest, and all others are below
    trace - λ: a vector that leaves a rest r when it is multiplied is then within |r| / (2λ - trace)
    of the eigenvector. Maps of features, which are mostly 0 or more, come so far in a few
    multiplications; a full decomposition is made of the others alone, whose threads wake up.
    """
    trace = gram.trace()
    if not 0 < trace < np.inf:
        return np.linalg.eigh(gram)[1][:, -1]
    shares = gram / trace
    found = np.full(len(gram), len(gram) ** -0.5)
    for _ in range(STEPS):
        along = shares @ found
        value = found @ along
        if np.linalg.norm(along - value * found) <= SURE * (2 * value - 1):
            return found
        size = np.linalg.norm(along)
        if not size:
            break
        found = along / size
    return np.linalg.eigh(gram)[1][:, -1]


def first_of(kernel: Gram) -> tuple[float, Float64[np.ndarray, " n"]]:
    """The largest eigenvalue of a symmetric matrix and its eigenvector, of either sign, where none
    need stand out as in `leading`.

    A block of vectors is multiplied and rotated until it holds the first one (Rayleigh-Ritz). The
    rest of the matrix can hold no larger eigenvalue than the root of what is left of its sum of
    squares, which with the residuals bounds the second eigenvalue of the whole, and so the error
    of the first vector (Davis-Kahan). A full decomposition is made where that proves nothing.
    """
    n = len(kernel)
    squares = float(np.einsum("ij,ij->", kernel, kernel))
    if n <= 2 * BLOCK or not 0 < squares < np.inf:
        return _decomposed(kernel)
    block = np.random.default_rng(0).normal(size=(n, BLOCK))
    for _ in range(STEPS):
        basis = np.linalg.qr(block)[0]
        images = product(kernel, basis)
        values, turns = np.linalg.eigh(basis.T @ images)
        block = images @ turns  # the next block, and the image of this one's best vectors
        rests = np.linalg.norm(block - (basis @ turns) * values, axis=0)
        within = float((values**2).sum() + 2 * (rests**2).sum())
        second = max(float(values[-2]), max(squares - within, 0.0) ** 0.5)
        gap = float(values[-1]) - second - float(np.linalg.norm(rests))
        if gap > 0 and rests[-1] <= SURE * gap:
            return float(values[-1]), basis @ turns[:, -1]
    return _decomposed(kernel)


def _decomposed(kernel: Gram) -> tuple[float, Float64[np.ndarray, " n"]]:
    values, vectors = np.linalg.eigh(kernel)
    return float(values[-1]), vectors[:, -1]


def turned(pattern: Pattern, rows: Rows) -> Pattern:
    """The pattern or its negative, for a singular vector has no sign of its own: whichever
    correlates with the mean of the rows.

    Behind a layer normalisation that mean is nothing but rounding. There, the side that stands out
    is the positive one: Σ p³ ≥ 0.
    """
    mean, size = rows.mean(axis=0), np.abs(rows).mean(axis=0)
    if np.abs(mean).max(initial=0) <= OF_A_MEAN * size.max(initial=0):
        return float(np.sign((pattern**3).sum()) or 1) * pattern
    correlation = (pattern - pattern.mean()) @ (mean - mean.mean())
    return float(np.sign(correlation) or np.sign(pattern @ mean) or 1) * pattern
