"""Integrated contributions: HiResCAM, averaged on the way from nothing to what the layer said."""

from typing import Annotated

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import Found, method
from xai_heatmap.methods._baseline import baseline
from xai_heatmap.methods._path import along


@method(
    cite="sundararajan2017integrated",
    use_when="the map has to add up to the score, whatever follows the layer",
    signed=True,
    passes="`steps` forward and backward through the head",
)
def integrated(
    activation: Activation, head: Differentiated, *, steps: Annotated[int, Within(1)] = 32
) -> Found:
    """Σ_k A_k ⊙ ∫₀¹ ∂y/∂A_k(tA) dt, which sums to y(A) - y(0).

    Integrated gradients of a layer instead of the picture: only what lies behind the layer runs
    again. The integral is taken by the midpoint rule over `steps`; what the map then lacks to the
    sum is its completeness residual, in the verdict. With a linear head it is ``hirescam``.

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
    return along(head, baseline(activation, "zero"), activation, steps=steps)
