"""Feature maps as masks of the picture, and what the scores of those say of them."""

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.shapes import Float


def varying(activation: Activation, top: int) -> list[int]:
    """The feature maps that are not flat; the `top` that vary most, if that is above 0."""
    rows = activation.reshape(len(activation), -1)
    chosen = [int(k) for k in np.argsort(-rows.std(axis=1), kind="stable") if np.ptp(rows[k])]
    return chosen[: top or None]


def weighted(activation: Activation, used: list[int], weights: Float[np.ndarray, " used"]) -> Map:
    """ReLU(Σ_k α_k A_k) over the feature maps that were used, α_k as they are."""
    alphas = np.zeros(len(activation), np.float32)
    alphas[used] = weights
    return np.maximum(np.einsum("k,k...->...", alphas, activation), 0)
