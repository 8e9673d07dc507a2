"""Attention in PyTorch, written out: every softmax of a pass is kept, and differentiated from there
on.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.opening.taps import intercepted

SOFTMAX = ("softmax", "special_softmax", "_softmax")
FUSED = "scaled_dot_product_attention"
NESTED = "multi_head_attention_forward"
"""Python function whose inner calls a mode does not see, so that they are replaced."""

Kept = Callable[[torch.Tensor], torch.Tensor]


class Attending(TorchFunctionMode):
    """Within the block, attention is written out, and the output of each softmax is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, torch.Tensor] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name == FUSED:
            return written_out(self._keep, *args, **kwargs)
        if name == NESTED:
            with calling(softmax=self._softmax, scaled_dot_product_attention=self._attention):
                return func(*args, **kwargs)
        output = func(*args, **kwargs)
        return self._keep(output) if name in SOFTMAX else output

    def _attention(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        return written_out(self._keep, *args, **kwargs)

    def _softmax(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return self._keep(torch.softmax(x, *args, **kwargs))

    def _keep(self, weights: torch.Tensor) -> torch.Tensor:
        """Keep attention weights with several rows per image; the first become an autograd leaf."""
        if weights.ndim < 3:
            return weights
        if not weights.requires_grad:
            weights = weights.detach().requires_grad_()
        self.found[f"softmax {len(self.found)}"] = weights
        return weights.clone()  # a model may write into it


def written_out(
    keep: Kept,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """keep(softmax(QKᵀ·scale + mask)) V, as `torch.nn.functional.scaled_dot_product_attention`."""
    if enable_gqa:
        times = query.shape[-3] // key.shape[-3]
        key, value = (x.repeat_interleave(times, -3) for x in (key, value))
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, float("-inf"))
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = keep(torch.softmax(scores, -1))
    return torch.dropout(weights, dropout_p, train=dropout_p > 0) @ value


@contextmanager
def calling(**functions: Callable[..., object]) -> Iterator[None]:
    """Within the block, `functions` replace those of `torch.nn.functional` by name."""
    with ExitStack() as stack:
        for name, function in functions.items():
            stack.enter_context(intercepted([functional], name, lambda _, __, own=function: own))
        yield
