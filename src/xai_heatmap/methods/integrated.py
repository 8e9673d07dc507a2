"""Integrated contributions: HiResCAM, averaged on the way from nothing to what the layer said."""

from typing import Annotated

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.methods._baseline import Baseline
from xai_heatmap.methods._baseline import baseline as nothing
from xai_heatmap.methods._path import along


@method(
    cite="sundararajan2017integrated",
    use_when="the map has to add up to the score, whatever follows the layer",
    signed=True,
    passes="`steps` forward and backward through the head",
)
def integrated(
    activation: Activation,
    head: Differentiated,
    *,
    baseline: Baseline = "zero",
    steps: Annotated[int, Within(1)] = 32,
) -> MethodResult:
    """Σ_k (A - B)_k ⊙ ∫₀¹ ∂y/∂A_k(B + t(A - B)) dt, which sums to y(A) - y(B).

    Integrated gradients of a layer instead of the picture: only what lies behind the layer runs
    again. B is 0, or every feature map's mean (``baseline="mean"``), or A without detail
    (``blur``), a number, an array, or what the layer says of another picture (``activation_of``).
    With B = 0 and a linear head it is ``hirescam``. Behind a layer normalisation 0 is a
    jump that no path crosses: take ``mean`` there. The integral is taken by the midpoint rule over
    `steps`; what the map lacks to the sum is its completeness residual, in the verdict.

    Examples
    --------
    >>> import numpy as np
    >>> class Product:  # y = A₀ A₁, at a single place
    ...     def __call__(self, many):
    ...         return np.array([float(a[0, 0] * a[1, 0]) for a in many])
    ...     def gradients(self, many):
    ...         return ((0.0, a[::-1]) for a in many)
    >>> found = integrated(np.array([[2], [3]], np.float32), Product())
    >>> found.map, found.figures
    (array([6.], dtype=float32), {'completeness residual': 0.0})
    """
    return along(head, nothing(activation, baseline), activation, steps=steps)
