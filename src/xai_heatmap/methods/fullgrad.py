"""FullGrad: what the pixels and every bias of the network contributed, added up on the picture."""

from collections.abc import Sequence

import numpy as np

from xai_heatmap.core.arrays import Activation, ForAndAgainst, Gradient
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._path import RESIDUAL
from xai_heatmap.methods._resize import resized, shared_out

OFF_THE_GRID = "off the grid"
"""What biases without a place contributed, such as those of the classifier, as a share of y."""


@method(
    cite="srinivas2019fullgrad",
    use_when="all layers at once, not one: pixels and biases together explain the whole score",
    auto="input",
)
def fullgrad(
    activation: Activation,
    gradient: Gradient,
    score: float,
    biases: Sequence[ForAndAgainst],
    *,
    signed: bool = False,
) -> MethodResult:
    """Σ_c |x_c ⊙ ∂y/∂x_c| + Σ_l Σ_k ψ(|b_lk ⊙ ∂y/∂v_lk|),  ψ draws out to the picture.

    b_l is all that an operation from u to v adds: v - Σ J u, J its derivative. Of a convolution,
    a linear layer or a batch normalisation that is its bias, of a ReLU 0, of any other activation
    what the paper calls its implicit bias, of a product of two paths -v. So x·∂y/∂x and all b·∂y/∂v
    add up to the score whatever the network is made of, and what they lack, as a share of it, is
    the completeness residual in the verdict. Biases that belong to no place, such as the
    classifier's, are in that sum and not in the map; the verdict says how much of the score is off
    the grid. ``signed=True`` takes no magnitudes and shares every place's part out among its
    pixels, so that the map sums to the score less what is off the grid. The published code also
    scales every layer to 1, so that each is seen as much as any other; here a layer is seen as much
    as it contributed.

    Examples
    --------
    >>> import numpy as np
    >>> x, gradient = np.array([[[1, -2]]], np.float32), np.array([[[1, 1]]], np.float32)
    >>> bias = np.array([[[3]], [[-1]]], np.float32)  # 3 for and 1 against, on a grid of 1
    >>> classifier = np.array([0.5, 0], np.float32)
    >>> fullgrad(x, gradient, 1.5, [bias, classifier]).map
    array([[5., 6.]], dtype=float32)
    >>> found = fullgrad(x, gradient, 1.5, [bias, classifier], signed=True)
    >>> found.map, found.figures["completeness residual"]
    (array([[ 2., -1.]], dtype=float32), 0.0)
    """
    grid = gradient.shape[1:]
    product = activation * gradient
    placed = [own for own in biases if own.ndim > 1]
    if signed:
        map_ = product.sum(axis=0)
        for own in placed:
            map_ = map_ + shared_out(own.sum(axis=0), grid)
    else:
        map_ = np.abs(product).sum(axis=0)
        for own in placed:
            map_ = map_ + resized(own[0] - own[1], grid)
    total = float(product.sum(dtype=np.float64)) + sum(_total(own) for own in biases)
    off = sum(_total(own) for own in biases if own.ndim == 1)
    scale = abs(score) or 1.0
    return MethodResult(map_, {RESIDUAL: abs(total - score) / scale, OFF_THE_GRID: off / scale})


def _total(contribution: ForAndAgainst) -> float:
    return float(contribution.sum(dtype=np.float64))
