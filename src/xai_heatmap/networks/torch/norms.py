"""PyTorch's normalisations in two steps: the division, which a backward rule may replace, and the
learnt affine part.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch

Divided = Callable[[torch.Tensor, tuple[int, ...], float], torch.Tensor]
"""Function from x, axes and ε to x / √(mean x² + ε) over the axes."""


def layer_norm(
    divided: Divided,
    func: Any,
    x: torch.Tensor,
    normalized_shape: Any,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> torch.Tensor:
    """Layer normalisation: over the last axes, minus the mean; contiguous, as PyTorch's own."""
    axes = tuple(range(-len(normalized_shape), 0))
    own = divided(x - x.mean(axes, keepdim=True), axes, eps)
    return _affine(own, weight, bias).contiguous()


def rms_norm(
    divided: Divided,
    func: Any,
    x: torch.Tensor,
    normalized_shape: Any,
    weight: torch.Tensor | None = None,
    eps: float | None = None,
) -> torch.Tensor:
    """RMS normalisation: over the last axes, not centred; contiguous, as PyTorch's own."""
    least = torch.finfo(x.dtype).eps if eps is None else eps
    own = divided(x, tuple(range(-len(normalized_shape), 0)), least)
    return _affine(own, weight, None).contiguous()


def group_norm(
    divided: Divided,
    func: Any,
    x: torch.Tensor,
    num_groups: int,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
    *_: Any,
) -> torch.Tensor:
    """Group normalisation: over each group of channels, minus the mean."""
    groups = x.reshape(len(x), num_groups, -1)
    own = divided(groups - groups.mean(-1, keepdim=True), (-1,), eps)
    grid = (1,) * (x.ndim - 2)
    learnt = (None if one is None else one.reshape(-1, *grid) for one in (weight, bias))
    return _affine(own.reshape(x.shape), *learnt)


def instance_norm(
    divided: Divided,
    func: Any,
    x: torch.Tensor,
    running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *rest: Any,
) -> torch.Tensor:
    """Instance normalisation: over each channel; linear with stored statistics, left to `func`."""
    if use_input_stats:
        return group_norm(divided, func, x, x.shape[1], weight, bias, eps)
    return func(x, running_mean, running_var, weight, bias, use_input_stats, momentum, eps, *rest)


def _affine(
    x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None
) -> torch.Tensor:
    """Affine part of a normalisation: x · weight + bias."""
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


NORMS: Mapping[str, Callable[..., torch.Tensor]] = {
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
}
"""Normalisations by the names of PyTorch's functions."""
