"""Guided integrated gradients: a way from baseline to picture that avoids steep places."""

from typing import Annotated

import numpy as np

from xai_heatmap.core.arrays import Activation
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.options import Within
from xai_heatmap.core.registry import MethodResult, method
from xai_heatmap.core.shapes import Float64
from xai_heatmap.methods._baseline import Baseline
from xai_heatmap.methods._baseline import baseline as nothing
from xai_heatmap.methods._channels import Channels, added
from xai_heatmap.methods._path import RESIDUAL, residual

Point = Float64[np.ndarray, "k *grid"]


@method(
    cite="kapishnikov2021guidedig",
    use_when="integrated_gradients is speckled where nothing is, and its map has to add up",
    signed=True,
    passes="`steps` + 1 forward and backward, one after the other",
    auto="input",
)
def guided_ig(
    activation: Activation,
    head: Differentiated,
    *,
    baseline: Baseline = "zero",
    steps: Annotated[int, Within(1)] = 64,
    anchors: Annotated[int, Within(1)] = 8,
    share: Annotated[float, Within(0.001, 1)] = 0.1,
    channels: Channels = "joined",
) -> MethodResult:
    """Σ_c ∫ ∂y/∂x_c dx_c along a way on which values of small gradient go first.

    Each of `steps` covers its part of the distance Σ |x' - x| that is left: the `share` of all
    values on which y hangs least, of those that are not yet there, goes to the end, then the next
    ones, until the step is done. So noise that the straight way picks up where it is steep has less
    to come from. As in the paper the way is tied to the straight one at `anchors`: with one it is
    free all the way, with as many as steps it is that of `integrated_gradients`. The integral is
    taken by the trapezoid rule, since the gradient at the end of a step is needed for the next one
    anyway; the paper's left sums lack more.

    Like any way it adds up to y(x) - y(b) but for the size of the steps: the completeness residual
    in the verdict. ``channels="each"`` leaves the sum over c out: a map for each.

    Examples
    --------
    >>> import numpy as np
    >>> class Square:  # y = Σ x²
    ...     def __call__(self, many):
    ...         return np.array([float((x**2).sum()) for x in many])
    ...     def gradients(self, many):
    ...         return ((float((x**2).sum()), 2 * x) for x in many)
    >>> x = np.array([[1, 3]], np.float32)
    >>> found = guided_ig(x, Square(), steps=8)
    >>> found.map, round(found.figures["completeness residual"], 6)
    (array([1., 9.], dtype=float32), 0.0)
    """
    start = nothing(activation, baseline).astype(np.float64)
    way, x, total = activation - start, start, np.zeros(activation.shape)
    most = max(round(share * x.size), 1)
    before, slope = _gradient(head, x)
    score = before
    for part in np.array_split(np.arange(steps), min(anchors, steps)):
        goal = start + (part[-1] + 1) / steps * way
        for left in range(len(part), 0, -1):
            moved = _moved(x, goal, np.abs(slope), share=1 / left, most=most)
            score, after = _gradient(head, moved)
            total += (slope + after) / 2 * (moved - x)
            x, slope = moved, after
    figures = {RESIDUAL: residual(float(total.sum()), before, score)}
    return MethodResult(added(total, channels), figures)


def _gradient(head: Differentiated, x: Point) -> tuple[float, Point]:
    ((score, gradient),) = head.gradients([x.astype(np.float32)])
    return float(score), gradient.astype(np.float64)


def _moved(x: Point, goal: Point, slope: Point, *, share: float, most: int) -> Point:
    """Nearer to the goal by a share of the distance: `most` values at a time, flat ones first; the
    last ones to go go part of their way.
    """
    way = (goal - x).ravel()
    apart = np.flatnonzero(way)
    order = apart[np.argsort(slope.ravel()[apart], kind="stable")]
    group = np.arange(len(order)) // most
    lengths = np.bincount(group, np.abs(way[order]))
    done = np.cumsum(lengths) - lengths
    parts = np.clip((share * lengths.sum() - done) / lengths, 0, 1)
    moved = x.ravel().copy()
    moved[order] += parts[group] * way[order]
    if share == 1:
        moved[order] = goal.ravel()[order]
    return moved.reshape(x.shape)
