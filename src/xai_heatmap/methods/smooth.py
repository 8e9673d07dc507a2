"""SmoothGrad of any method: the mean of its maps of noisy pictures."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Input
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MapsOf, MethodResult, modifier
from xai_heatmap.methods._moments import moments
from xai_heatmap.methods._noise import noisy


@modifier(
    cite="smilkov2017smoothgrad",
    use_when="a map changes with every grain of the picture, or you want to know whether it does",
    passes="`samples`",
)
def smooth(
    maps_of: MapsOf,
    image: Input,
    *,
    noise: Annotated[float, Within(0)] = 0.15,
    samples: Annotated[int, Within(1)] = 25,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """mean_i M(x + ε_i),  ε_i normal with deviation σ = noise · (max x - min x).

    M is the map of the method named behind the colon, at the same layer, of the same target,
    computed anew for every noisy picture: also what the layer says is that of the noisy one. The
    mean is taken of whole maps, as they are, where ``smoothgrad`` and ``smooth_gradcam_pp`` take it
    of gradients before they go into a map. The verdict holds the standard error of the mean (root
    mean square over the grid, in units of the map). An option that the method has too is that of
    the mean.

    Examples
    --------
    >>> import numpy as np
    >>> square = lambda pictures: ((x**2).sum(axis=0) for x in pictures)
    >>> found = smooth(square, np.array([[0, 1]], np.float32), noise=0.1, samples=400)
    >>> found.map.round(1)
    array([0., 1.], dtype=float32)
    """
    found = moments(maps_of(noisy(image, noise=noise, samples=samples, seed=seed)))
    return MethodResult(found.mean.astype(np.float32), {"standard error": found.error_of_mean()})
