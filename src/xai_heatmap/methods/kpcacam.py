"""KPCA-CAM: the strongest pattern in the feature maps, found with a kernel."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.options import Within
from xai_heatmap.core.product import product
from xai_heatmap.core.registry import method
from xai_heatmap.core.shapes import Float64
from xai_heatmap.methods._principal import first_of, turned

LANDMARKS = 1024
"""Places among which the component is found; a larger grid is projected on it."""

Vectors = Float64[np.ndarray, "_ k"]


@method(
    cite="karmani2024kpcacam",
    use_when="eigencam mixes object and background: patterns that are no straight line",
)
def kpcacam(activation: Activation, *, gamma: Annotated[float, Within(1e-6)] = 1.0) -> Map:
    """√λ₁ u₁, with λ₁ u₁ the first eigenpair of the centred kernel exp(-γ‖a_p - a_q‖²/d²).

    a_p are the k values at place p, d² is their mean squared distance, so that `gamma` means the
    same at every layer. The paper leaves the choice of kernel open: the radial one and its scale
    are ours. Not about any class: where the background is what is most active, that is what it
    shows. The sign is the one that agrees with the mean activation, and the map has mean 0, so that
    much of the picture comes out negative.
    On more than 1024 places the component is found among 1024 of them, evenly spread, and all are
    projected on it.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[0, 0, 0, 4]], [[0, 0, 0, 4]]], np.float32)
    >>> kpcacam(activation).round(2)
    array([[-0.34, -0.34, -0.34,  1.02]], dtype=float32)
    """
    places = np.moveaxis(activation.reshape(len(activation), -1), 0, -1).astype(np.float64)
    spread = places.var(axis=0).sum()
    if spread == 0:
        return np.zeros(activation.shape[1:], np.float32)
    width = gamma / (2 * spread)  # the mean squared distance is twice the variance
    chosen = places[np.linspace(0, len(places) - 1, min(len(places), LANDMARKS)).astype(int)]
    kernel = _kernel(chosen, chosen, width)
    mean = kernel.mean(axis=0)
    value, vector = first_of(kernel - mean - mean[:, None] + mean.mean())
    if value <= 0:
        return np.zeros(activation.shape[1:], np.float32)
    across = kernel if len(chosen) == len(places) else _kernel(places, chosen, width)
    centred = across - across.mean(axis=1, keepdims=True) - mean + mean.mean()
    pattern = np.einsum("pq,q->p", centred, vector) / np.sqrt(value)
    found = turned(pattern, places.T)
    return found.reshape(activation.shape[1:]).astype(np.float32)


def _kernel(some: Vectors, others: Vectors, width: float) -> Float64[np.ndarray, "some others"]:
    lengths = [np.einsum("pk,pk->p", side, side) for side in (some, others)]
    squared = lengths[0][:, None] + lengths[1] - 2 * product(some, others.T)
    return np.exp(-width * np.maximum(squared, 0))
