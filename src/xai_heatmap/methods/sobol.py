"""Sobol indices: the share of the score's variance that hangs on a part of the picture."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.filling import Regions
from xai_heatmap.core.options import PerAxis, Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.core.shapes import Float64
from xai_heatmap.methods._areas import Shares
from xai_heatmap.methods._baseline import Baseline, baseline
from xai_heatmap.methods._cells import Design, blocks_of, covered, latin_hypercube
from xai_heatmap.methods._visible import agreement


@method(
    cite="fel2021sobol",
    use_when="parts of the picture matter only together, and you have nothing but scores; whether "
    "a part speaks for or against is not told",
    passes="`samples` x (`cells`² + 2) forward",
    auto="input",
)
def sobol(
    activation: Activation,
    head: Scored,
    *,
    samples: Annotated[int, Within(4, 100_000)] = 32,
    cells: Annotated[int | tuple[int, ...], Within(1), PerAxis()] = 7,
    fill: Baseline = "zero",
    regions: Annotated[Shares | None, Regions()] = None,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """T_p = mean_j (y(x ⊙ M_j) - y(x ⊙ M_j^p))² / (2 Var y),  M_j^p is M_j but for one block p.

    The total Sobol index by Jansen's estimator: what of the variance is left when all blocks but p
    are known, with all that p does together with others. The picture is cut into `cells` blocks
    along each axis (one number, or one for each; every place of an axis that is short beside
    another is a block), and each is shown by a factor of its own, uniform in [0, 1]; what is not
    shown is `fill`. The paper draws a Sobol sequence over 11 x 11 blocks; this is a Latin
    hypercube, for which no table of direction numbers is needed, and 7 x 7. The indices are drawn
    out smoothly.

    An index is never below 0. The verdict holds the standard error of the indices (root mean square
    over blocks) and their reliability, as that of ``rise``. With `regions`, a label image or masks,
    each of them is a block, in place of cells; what lies in none is always shown.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 1, 2, 0]], np.float32)
    >>> head = lambda many: np.array([x.sum() for x in many])
    >>> sobol(x, head, samples=2000, cells=4).map.round(1)  # of a sum, as the squares
    array([0.2, 0.2, 0.7, 0. ], dtype=float32)
    """
    blocks = blocks_of(activation.shape[1:], cells, regions)
    both = latin_hypercube(samples, 2 * blocks.count, np.random.default_rng(seed))
    one, other = both[:, : blocks.count], both[:, blocks.count :]
    scores = head(covered(activation, baseline(activation, fill), blocks, _design(one, other)))
    rows = scores.astype(np.float64).reshape(-1, samples)
    halves = [_indices(rows[:, place::2])[0] for place in range(2)]
    indices, error = _indices(rows)
    drawn, own = blocks.spread(indices), () if regions is None else indices.tolist()
    return MethodResult(drawn, {"standard error": error, "reliability": agreement(*halves)}, own)


def _design(one: Design, other: Design) -> Iterator[np.ndarray]:
    """Both designs, then the one with a single block of the other, block by block."""
    yield from one
    yield from other
    for cell in range(one.shape[1]):
        for shown, another in zip(one, other, strict=True):
            changed = shown.copy()
            changed[cell] = another[cell]
            yield changed


def _indices(
    scores: Float64[np.ndarray, "designs samples"],
) -> tuple[Float64[np.ndarray, " cells"], float]:
    """The index of every block, and the standard error of all."""
    variance = scores[:2].var(ddof=1)
    if variance == 0:
        return np.zeros(len(scores) - 2), 0.0
    parts = (scores[0] - scores[2:]) ** 2 / (2 * variance)
    error = np.sqrt(parts.var(axis=1, ddof=1).mean() / parts.shape[1])
    return parts.mean(axis=1), float(error)
