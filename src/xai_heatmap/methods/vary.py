"""VarGrad of any method: how much its map changes with noise on the picture."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MapsOf, MethodResult, modifier
from xai_heatmap.methods._moments import moments
from xai_heatmap.methods._noise import noisy


@modifier(
    cite="adebayo2018vargrad",
    use_when="you ask where a map can't be relied on, not where the evidence is",
    passes="`samples`",
    signed=False,
)
def vary(
    maps_of: MapsOf,
    image: Input,
    *,
    noise: Annotated[float, Within(0)] = 0.15,
    samples: Annotated[int, Within(2)] = 25,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """Var_i M(x + ε_i),  ε_i normal with deviation σ = noise · (max x - min x).

    As ``smooth:``, with the variance of the maps in place of their mean: in units of the map,
    squared. The verdict holds its standard error (root mean square over the grid).

    Examples
    --------
    >>> import numpy as np
    >>> square = lambda pictures: ((x**2).sum(axis=0) for x in pictures)
    >>> found = vary(square, np.array([[0, 1]], np.float32), noise=0.1, samples=400)
    >>> bool(found.map[1] > 50 * found.map[0] > 0)
    True
    """
    found = moments(maps_of(noisy(image, noise=noise, samples=samples, seed=seed)))
    return MethodResult(
        found.second.astype(np.float32), {"standard error": found.error_of_variance()}
    )
