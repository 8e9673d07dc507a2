"""The strongest pattern among rows over a grid, the right way round."""

import numpy as np
from jaxtyping import Float64

from xai_heatmap.core.rounding import OF_A_MEAN

Rows = Float64[np.ndarray, "k places"]
Pattern = Float64[np.ndarray, " places"]


def principal(rows: Rows) -> Pattern:
    """R^T u₁, with R = Σ_i σ_i u_i v_i^T.

    v₁ comes from the smaller of the two Gram matrices, places x places or k x k; no full
    decomposition is made. Its sign is that of `turned`.
    """
    k, places = rows.shape
    gram = rows.T @ rows if places <= k else rows @ rows.T
    leading = np.linalg.eigh(gram)[1][:, -1]
    direction = rows @ leading if places <= k else leading
    pattern = rows.T @ direction / max(np.linalg.norm(direction), np.finfo(np.float64).tiny)
    return turned(pattern, rows)


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
