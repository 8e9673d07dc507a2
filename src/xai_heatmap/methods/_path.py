"""Gradients along the straight way from one activation to another."""

from collections.abc import Iterable

import numpy as np

from xai_heatmap.core.affine import affine
from xai_heatmap.core.arrays import Activation, Gradient
from xai_heatmap.core.evidence import Differentiated
from xai_heatmap.core.registry import MethodResult
from xai_heatmap.methods._channels import Channels, added

RESIDUAL = "completeness residual"
"""How far the map is from adding up to the score's rise, as a share of that."""


def along(
    head: Differentiated,
    start: Activation,
    stop: Activation,
    *,
    steps: int,
    channels: Channels = "joined",
) -> MethodResult:
    """Σ_k (stop - start)_k ⊙ mean over the way of ∂y/∂A_k, by the midpoint rule; each k alone where
    channels are not joined.
    """
    way = stop - start
    known = affine(head)
    midpoints = (start + np.float32((step + 0.5) / steps) * way for step in range(steps))
    mean = _mean(head.gradients(midpoints), steps) if known is None else known.slopes
    joined = channels == "joined"
    map_ = np.einsum("k...,k...->...", mean, way) if joined else added(mean * way, channels)
    before, after = map(float, head([start, stop]) if known is None else known.between(start, stop))
    return MethodResult(
        map_, {RESIDUAL: residual(float(map_.sum(dtype=np.float64)), before, after)}
    )


def _mean(found: Iterable[tuple[float, Gradient]], steps: int) -> Gradient:
    """Mean of so many gradients."""
    total = np.zeros((), np.float64)
    for _, gradient in found:
        total = total + gradient
    return (total / steps).astype(np.float32)


def residual(total: float, before: float, after: float) -> float:
    """|total - rise| / |rise|, where a rise that is nothing but rounding is not divided by."""
    scale = max(abs(after - before), 1e-6 * max(abs(before), abs(after)))
    return abs(total - (after - before)) / scale if scale else abs(total)
