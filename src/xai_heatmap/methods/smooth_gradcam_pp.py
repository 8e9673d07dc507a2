"""Smooth Grad-CAM++: Grad-CAM++ with gradients averaged over noisy pictures."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Input, Map
from xai_heatmap.core.evidence import Rerun
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._noise import noisy


@method(
    cite="omeiza2019smoothgradcampp",
    use_when="gradcam_pp is wanted, and its map hangs on the grain of the picture",
    passes="`samples` x (1 forward + 1 backward through the head)",
)
def smooth_gradcam_pp(
    activation: Activation,
    image: Input,
    again: Rerun,
    *,
    noise: Annotated[float, Within(0)] = 0.15,
    samples: Annotated[int, Within(1)] = 25,
    seed: Annotated[int, Within(0)] = 0,
) -> Map:
    """ReLU(Σ_k w_k A_k),  w_k = Σ_ij α_kij ReLU(D₁_kij),  α = D₂ / (2D₂ + D₃ Σ_ab A_kab).

    D_n = mean_i G_i^n, the powers of the gradient at the pictures x + ε_i, ε_i normal with
    deviation σ = noise · (max x - min x); A is that of the picture itself. The paper prints D₁ as
    the numerator of α, which without noise would not be Grad-CAM++; D₂ is what it comes from.
    Where D₂ is 0 or the denominator is not above 0, which a negative D₃ can make it, the place has
    no weight. A negative ΣA counts as 0, as in ``gradcam_pp``.

    Examples
    --------
    >>> import numpy as np
    >>> from xai_heatmap.core.evidence import Evidence
    >>> activation = np.array([[[1, 2]], [[3, 0]]], np.float32)
    >>> known = Evidence(gradient=np.array([[[1, 1]], [[-1, 0]]], np.float32))
    >>> again = lambda pictures, needs: (known for _ in pictures)
    >>> smooth_gradcam_pp(activation, np.zeros((3, 1, 2), np.float32), again)
    array([[0.4, 0.8]], dtype=float32)
    """
    rows = activation.reshape(len(activation), -1)
    powers = np.zeros((3, *rows.shape))
    pictures = noisy(image, noise=noise, samples=samples, seed=seed)
    found = (known.gradient for known in again(pictures, {"gradient"}))
    for gradient in (np.float64(own).reshape(rows.shape) for own in found if own is not None):
        powers += np.stack([gradient, gradient**2, gradient**3])
    first, second, third = powers / samples
    sums = np.maximum(np.einsum("kp->k", rows), 0)
    denominator = 2 * second + third * sums[:, None]
    usable = (second > 0) & (denominator > 0)
    alphas = np.divide(second, denominator, out=np.zeros_like(second), where=usable)
    weights = np.einsum("kp,kp->k", alphas, np.maximum(first, 0)).astype(np.float32)
    return np.maximum(np.einsum("k,k...->...", weights, activation), 0)
