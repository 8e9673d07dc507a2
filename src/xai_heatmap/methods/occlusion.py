"""Occlusion: what the score loses when a window is covered."""

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation, Map
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.evidence import Scored
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import method
from xai_heatmap.methods._baseline import Baseline, baseline

Window = tuple[slice, ...]

PARTS = 8
"""Windows along the longest axis where their size is left open."""


@method(
    cite="zeiler2014occlusion",
    use_when="you want what anyone can check by hand: cover it, and see what the score does",
    signed=True,
    passes="1 for every window",
    auto="input",
)
def occlusion(
    activation: Activation,
    head: Scored,
    *,
    window: Annotated[int, Within(0)] = 0,
    stride: Annotated[int, Within(0)] = 0,
    fill: Baseline = "zero",
) -> Map:
    """mean of y(x) - y(x with window W covered) over the windows W that cover a place.

    `window` and `stride` count places of the grid; 0 stands for an eighth of the longest axis and
    for half a window, which are 225 passes for any square picture. Covered places show `fill`:
    ``zero`` is 0 after preprocessing, ``mean`` the picture's mean colour, ``blur`` the picture
    without detail. What stands twice in the picture can be covered once without loss.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 2, 0, 5]], np.float32)
    >>> head = lambda many: np.array([x.sum() for x in many])
    >>> occlusion(x, head, window=2, stride=1)
    array([3. , 2.5, 3.5, 5. ], dtype=float32)
    """
    grid = activation.shape[1:]
    window = window or max(round(max(grid) / PARTS), 1)
    stride = stride or max(window // 2, 1)
    if stride > window:
        raise BadOption(
            f"occlusion's windows leave gaps: stride {stride} is more than window {window}. Take a "
            "stride of at most the window."
        )
    windows = list(_windows(grid, window, stride))
    covers = baseline(activation, fill)
    covered = (_covered(activation, covers, each) for each in windows)
    whole, *values = head(chain([activation], covered))
    losses, times = np.zeros(grid), np.zeros(grid)
    for each, value in zip(windows, values, strict=True):
        losses[each] += float(whole) - float(value)
        times[each] += 1
    return (losses / times).astype(np.float32)


def _windows(grid: Sequence[int], window: int, stride: int) -> Iterator[Window]:
    """Every window, the last of a row flush with the edge."""
    starts = [
        sorted({*range(0, max(length - window, 0), stride), max(length - window, 0)})
        for length in grid
    ]
    for corner in product(*starts):
        yield tuple(slice(start, start + window) for start in corner)


def _covered(activation: Activation, covers: Activation, window: Window) -> Activation:
    changed = activation.copy()
    changed[:, *window] = covers[:, *window]
    return changed
