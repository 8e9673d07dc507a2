"""LIFT-CAM: feature maps weighted by what they add to the score over the whole way from nothing."""

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Multipliers
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._path import RESIDUAL, residual


@method(
    cite="jung2021liftcam",
    use_when="several layers follow, as in VGG or MobileNetV3, where one gradient says too little",
    passes="2 forward and 1 backward through the head",
)
def liftcam(activation: Activation, secant: Multipliers, *, relu: bool = True) -> MethodResult:
    """ReLU(Σ_k α_k A_k),  α_k = Σ (S_k ⊙ A_k) over the grid,  Σ S ⊙ A = y(A) - y(0).

    S are DeepLIFT's multipliers by its Rescale rule (Shrikumar et al. 2017): on the way back every
    function of one number passes on its slope between A and 0, Δv/Δu, not its derivative. So α_k
    is what feature map k contributed, and all α add up to what the layer adds to the score; what
    they lack to it is the completeness residual in the verdict. As in the authors' code, α is not
    scaled. For what the paper says nothing about: of a maximum, the winner of the run with the
    larger one gets Δv; a product passes on the mean of its factors; a softmax is differentiated at
    p's logarithmic mean; a divisor, such as the deviation of a normalisation, is that of A. Other
    operations are refused by name. Behind an average and a linear layer S is the gradient, nothing
    is run again, and α_k is the sum of what ``hirescam`` adds up of feature map k. ``relu=False``
    keeps evidence against, as negative values.

    Examples
    --------
    >>> import numpy as np
    >>> activation = np.array([[[1, 3]], [[2, 0]]], np.float32)
    >>> slopes = np.array([[[1, 1]], [[-3, 1]]], np.float32)  # α = (4, -6)
    >>> found = liftcam(activation, Multipliers(slopes, before=1.0, after=-1.0))
    >>> found.map, found.figures
    (array([[ 0., 12.]], dtype=float32), {'completeness residual': 0.0})
    """
    weights = (secant.slopes * activation).reshape(len(activation), -1).sum(axis=1)
    total = np.einsum("k,k...->...", weights, activation)
    lacking = residual(float(weights.sum(dtype=np.float64)), secant.before, secant.after)
    return MethodResult(np.maximum(total, 0) if relu else total, {RESIDUAL: lacking})
