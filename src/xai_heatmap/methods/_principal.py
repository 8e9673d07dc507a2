"""The strongest pattern among rows over a grid, the right way round."""

import numpy as np
from jaxtyping import Float, Float64

Rows = Float64[np.ndarray, "k places"]
Pattern = Float64[np.ndarray, " places"]


def principal(rows: Rows) -> Pattern:
    """R^T u₁, with R = Σ_i σ_i u_i v_i^T.

    v₁ comes from the smaller of the two Gram matrices, places x places or k x k; no full
    decomposition is made. It points as the mean of the rows does.
    """
    k, places = rows.shape
    gram = rows.T @ rows if places <= k else rows @ rows.T
    leading = np.linalg.eigh(gram)[1][:, -1]
    direction = rows @ leading if places <= k else leading
    pattern = rows.T @ direction / max(np.linalg.norm(direction), np.finfo(np.float64).tiny)
    return turned(pattern, towards=rows.mean(axis=0))


def turned(pattern: Pattern, *, towards: Float[np.ndarray, " places"]) -> Pattern:
    """The pattern or its negative, whichever correlates with `towards`: a singular vector has no
    sign of its own.
    """
    correlation = (pattern - pattern.mean()) @ (towards - towards.mean())
    return float(np.sign(correlation) or np.sign(pattern @ towards) or 1) * pattern
