"""RISE: how the score goes along with what random masks leave visible."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.filling import Regions
from xai_heatmap.core.options import PerAxis, Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.core.shapes import Float32
from xai_heatmap.core.so_far import so_far
from xai_heatmap.methods._areas import Areas, Shares
from xai_heatmap.methods._baseline import Baseline, baseline
from xai_heatmap.methods._cells import Cells, cells_of
from xai_heatmap.methods._resize import resized
from xai_heatmap.methods._visible import Visible, reliability

AT_ONCE = 50
"""Masks between two looks at whether the map has settled."""

Mask = Float32[np.ndarray, "*grid"]


@method(
    cite="petsiuk2018rise",
    use_when="nothing of the network is known but its scores, and there is time",
    signed=True,
    passes="`samples` forward",
    auto="input",
)
def rise(
    activation: Activation,
    head: Scored,
    *,
    samples: Annotated[int, Within(2)] = 2000,
    cells: Annotated[int | tuple[int, ...], Within(1), PerAxis()] = 7,
    visible: Annotated[float, Within(0.01, 0.99)] = 0.5,
    stable: Annotated[float, Within(0, 1)] = 0.0,
    fill: Baseline = "zero",
    regions: Annotated[Shares | None, Regions()] = None,
    seed: Annotated[int, Within(0)] = 0,
) -> MethodResult:
    """Σ_i y(x ⊙ M_i) M_i / Σ_i M_i - mean_i y(x ⊙ M_i).

    M_i is a coarse grid of `cells` along each axis (one number, or one for each; along an axis that
    is short beside another every place is a cell), each 1 with probability `visible`, drawn out
    smoothly and shifted at random, as in the paper. The paper divides by N·E[M]; dividing by what
    the masks really left visible, and taking the mean score off, removes most of the chance. It
    also gives 0 a meaning: a place that makes no difference to the score. The paper explains the
    probability; that is ``target=probability(...)``. Of a detector's box it is D-RISE (Petsiuk et
    al. 2021), with ``target=box(..., held=False)`` or a network made by ``detector``.

    What a mask hides is `fill`, 0 as in the paper. With `regions`, a label image or masks, each of
    them is visible with that probability, in place of cells; what lies in none always is.

    The verdict holds the map's standard error (root mean square over the grid, in units of the
    score) and its reliability: the correlation between the maps of every other mask, stepped up to
    all of them. With `stable` above 0 no more masks are run once the reliability reaches it.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 1, 5, 1]], np.float32)
    >>> head = lambda many: np.array([x[0, 2] for x in many])
    >>> found = rise(x, head, samples=400, cells=4)
    >>> int(found.map.argmax()), bool(found.figures["reliability"] > 0.8)
    (2, True)
    """
    grid = activation.shape[1:]
    random = np.random.default_rng(seed)
    areas = None if regions is None else Areas(regions)
    masks = (
        _masks(cells_of(grid, cells), visible, random)
        if areas is None
        else _of_areas(areas, visible, random)
    )
    hidden = baseline(activation, fill)
    halves = Visible(grid), Visible(grid)
    for start in range(0, samples, AT_ONCE):
        some = [next(masks) for _ in range(min(AT_ONCE, samples - start))]
        values = head(hidden + mask * (activation - hidden) for mask in some)
        for place, half in enumerate(halves):
            half.take(some[place::2], values[place::2])
        so_far(lambda: (halves[0] + halves[1]).map().astype(np.float32))
        if stable and start and reliability(*halves) >= stable:
            break
    whole = halves[0] + halves[1]
    map_ = whole.map().astype(np.float32)
    return MethodResult(
        map_,
        {
            "standard error": whole.error(),
            "reliability": reliability(*halves),
            "masks": float(whole.count),
        },
        () if areas is None else areas.gathered(map_),
    )


def _of_areas(areas: Areas, visible: float, random: np.random.Generator) -> Iterator[Mask]:
    """Regions that are shown whole or not at all."""
    while True:
        yield areas.drawn((random.random(areas.count) < visible).astype(np.float64))


def _masks(blocks: Cells, visible: float, random: np.random.Generator) -> Iterator[Mask]:
    """Coarse grids drawn out by one cell more than is needed, and cut out at a shift of their own;
    along an axis whose cells are its places there is nothing to draw out or to shift.
    """
    sizes = [-(-length // many) for length, many in zip(blocks.grid, blocks.along, strict=True)]
    drawn = [
        length if length == many else (many + 1) * size
        for length, many, size in zip(blocks.grid, blocks.along, sizes, strict=True)
    ]
    while True:
        coarse = (random.random(blocks.along) < visible).astype(np.float32)
        fine = resized(coarse, drawn)
        shifts = [int(random.integers(size)) for size in sizes]
        yield fine[
            tuple(slice(s, s + length) for s, length in zip(shifts, blocks.grid, strict=True))
        ]
