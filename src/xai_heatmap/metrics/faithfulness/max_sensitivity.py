"""Max-sensitivity: how far a map changes while its picture changes by hardly anything."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Input
from xai_heatmap.core.metric import Again, metric
from xai_heatmap.core.options import Within


@metric(
    better="lower",
    cite="yeh2019infidelity",
    use_when="you ask whether a map hangs on what nobody sees; a map that never changes is best",
    passes="the method `draws` times more",
)
def max_sensitivity(
    relevance: DrawnOut,
    image: Input,
    again: Again,
    *,
    draws: Annotated[int, Within(1)] = 8,
    radius: Annotated[float, Within(0)] = 0.05,
    seed: Annotated[int, Within(0)] = 0,
) -> float:
    """max_δ ‖m(x + δ) - m(x)‖ / ‖m(x)‖,  |δ| ≤ `radius` of the picture's range everywhere.

    The largest of `draws` draws of δ, each even between both ends: the true maximum is no less.
    A steady map is not a right one: what does not look at the network does not change at all. 0 for
    a map of nothing.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0, 1]], np.float32)
    >>> same = lambda many: (one[0] for one in many)
    >>> 0 < max_sensitivity(x[0], x, same, radius=0.1) <= 0.1 * 2**0.5
    True
    """
    random, far = np.random.default_rng(seed), radius * float(np.ptp(image))
    near = (
        (image + random.uniform(-far, far, image.shape)).astype(np.float32) for _ in range(draws)
    )
    own = relevance.astype(np.float64)
    size = float(np.linalg.norm(own))
    changed = max(float(np.linalg.norm(one - own)) for one in again(near))
    return changed / size if size > 0 else 0.0
