"""HSIC attribution: how much the score depends on whether a part of the picture is shown."""

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

Scores = Float64[np.ndarray, " samples"]
PerCell = Float64[np.ndarray, " cells"]


@method(
    cite="novello2022hsic",
    use_when="rise is wanted in fewer passes; whether a part speaks for or against is not told",
    passes="`samples` forward",
    auto="input",
)
def hsic(
    activation: Activation,
    head: Scored,
    *,
    samples: Annotated[int, Within(8, 10_000)] = 1000,
    cells: Annotated[int | tuple[int, ...], Within(1), PerAxis()] = 7,
    fill: Baseline = "zero",
    regions: Annotated[Shares | None, Regions()] = None,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """tr(K_p H L H) / (N - 1)² - chance,  K_p over whether block p is shown, L over the scores.

    The Hilbert-Schmidt independence criterion between a block and the score; H takes means off.
    The picture is cut into `cells` blocks along each axis (one number, or one for each; every
    place of an axis that is short beside another), each shown in half of N `samples` (a
    Latin hypercube); what is not shown is `fill`. As in the paper, k(m, m') = 1/2 - (m - m')² and
    l(y, y') = exp(-(y - y')² / 2σ²), where σ is the median of |y - y'|. The estimate is above 0 for
    blocks without any effect too: what it would be on average if the scores were dealt out anew is
    taken off, so that 0 means that.

    The verdict holds `chance` and the reliability of the map, as that of ``rise``. With `regions`,
    a label image or masks, each of them is a block, in place of cells; what lies in none is always
    shown.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 1, 5, 1]], np.float32)
    >>> head = lambda many: np.array([x[0, 2] for x in many])
    >>> found = hsic(x, head, samples=200, cells=4)
    >>> int(found.map.argmax()), bool(np.abs(found.map[:2]).max() < found.map[2] / 20)
    (2, True)
    """
    blocks = blocks_of(activation.shape[1:], cells, regions)
    shown = latin_hypercube(samples, blocks.count, np.random.default_rng(seed)) >= 0.5
    design = shown.astype(np.float64)
    scores = head(covered(activation, baseline(activation, fill), blocks, design))
    values = scores.astype(np.float64)
    halves = [_dependence(design[place::2], values[place::2])[0] for place in range(2)]
    dependence, chance = _dependence(design, values)
    drawn, own = blocks.spread(dependence), () if regions is None else dependence.tolist()
    return MethodResult(drawn, {"chance": chance, "reliability": agreement(*halves)}, own)


def _dependence(shown: Design, scores: Scores) -> tuple[PerCell, float]:
    """Of every block above chance, and the mean of what chance gives.

    Half the square of ±1 is k but for a constant, which centring takes off: no kernel matrix of a
    block is needed.
    """
    n = len(scores)
    apart = np.abs(scores[:, None] - scores)
    width = np.median(apart[np.triu_indices(n, 1)])
    if not width:
        return np.zeros(shown.shape[1]), 0.0
    kernel = np.exp(-((apart / width) ** 2) / 2)
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1, keepdims=True)
    signs = 2 * (shown - shown.mean(axis=0))
    found = np.einsum("ni,ni->i", signs, np.einsum("nm,mi->ni", kernel, signs)) / 2
    chance = np.einsum("ni,ni->i", signs, signs) / 2 * np.trace(kernel) / (n - 1)
    return (found - chance) / (n - 1) ** 2, float(chance.mean() / (n - 1) ** 2)
