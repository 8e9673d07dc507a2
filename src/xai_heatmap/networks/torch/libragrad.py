"""LibraGrad's way back in PyTorch: what makes a layer more than linear counts as a constant.

Attention weights, the gates of activations and the deviations of normalisations are cut out of the
graph; where two values that both depend on the image are multiplied, each gets half.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.torch.attention import FUSED, NESTED, SOFTMAX, calling
from xai_heatmap.networks.torch.norms import NORMS

CUT = frozenset({
    *("sigmoid", "special_expit", "hardsigmoid", "erf", "special_erf", "exp", "sqrt", "rsqrt"),
    *("reciprocal", "__rtruediv__", "__rdiv__", "std", "var", "norm", "linalg_norm"),
    *("linalg_vector_norm", "vector_norm"),
})  # fmt: skip
"""Gates and deviations: their answers are constants on the way back."""

GATED = {
    "gelu": 0.5, "silu": 0.5, "hardswish": 0.5, "mish": 0.6, "tanh": 1.0, "elu": 1.0, "selu": 1.0,
    "celu": 1.0, "softsign": 1.0,
}  # fmt: skip
"""f(x) = x · gate(x): functions that are 0 at 0, and their gate there."""

PRODUCTS = frozenset({"mul", "multiply", "__mul__", "__rmul__", "matmul", "__matmul__", "bmm"})
QUOTIENTS = frozenset({"div", "divide", "true_divide", "__truediv__"})


class Balancing(TorchFunctionMode):
    """Within the block, a pass is recorded so that its gradients add up to its scores."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in RULES:
            return RULES[name](func, *args, **kwargs)
        if name in GATED and _active(args[0]):
            return _gated(func, GATED[name], *args, **kwargs)
        if name in PRODUCTS and _active(*args[:2]):
            return func(*(_shared(x, 2) for x in args[:2]), *args[2:], **kwargs)
        if name in QUOTIENTS and _active(args[1]):
            return func(args[0], args[1].detach(), *args[2:], **kwargs)
        output = func(*args, **kwargs)
        return output.detach() if name in CUT else output


def _active(*values: Any) -> bool:
    """Whether all of them are tensors on the way back."""
    return all(isinstance(value, torch.Tensor) and value.requires_grad for value in values)


def _shared(x: torch.Tensor, among: int) -> torch.Tensor:
    """The same numbers; of the gradient only a share."""
    return x / among + x.detach() * (1 - 1 / among)


def _gated(func: Any, at_zero: float, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    known = x.detach()
    gate = func(known, *args, **kwargs) / known.where(known != 0, 1)
    return x * gate.where(known != 0, at_zero)


def _softmax(func: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Attention and other weightings; one number for each class is a closing function."""
    return func(x.detach() if x.ndim > 2 else x, *args, **kwargs)


def _attention(func: Any, query: torch.Tensor, key: torch.Tensor, *rest: Any, **kwargs: Any) -> Any:
    return func(query.detach(), key.detach(), *rest, **kwargs)


def _nested(func: Any, *args: Any, **kwargs: Any) -> Any:
    fused = torch.nn.functional.scaled_dot_product_attention

    def attention(*args: Any, **kwargs: Any) -> torch.Tensor:
        return _attention(fused, *args, **kwargs)

    def softmax(*args: Any, **kwargs: Any) -> torch.Tensor:
        return _softmax(torch.softmax, *args, **kwargs)

    with calling(softmax=softmax, scaled_dot_product_attention=attention):
        return func(*args, **kwargs)


def _normalize(
    func: Any, x: torch.Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, **_: Any
) -> torch.Tensor:
    return x / x.detach().norm(p, dim, keepdim=True).clamp_min(eps)


def _glu(func: Any, x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    value, gate = x.chunk(2, dim)
    return value * torch.sigmoid(gate.detach())


def _power(func: Any, x: Any, exponent: Any, **kwargs: Any) -> Any:
    """A square is a product with itself; other powers are what deviations are made of."""
    if not _active(x) or isinstance(exponent, torch.Tensor) or exponent in (1, 2):
        halved = _active(x) and not isinstance(exponent, torch.Tensor) and exponent == 2
        return func(_shared(x, 2) if halved else x, exponent, **kwargs)
    return func(x.detach(), exponent, **kwargs)


def _einsum(func: Any, equation: str, *operands: Any) -> torch.Tensor:
    listed = list(operands[0]) if isinstance(operands[0], list | tuple) else list(operands)
    active = sum(map(_active, listed))
    return func(equation, *(_shared(x, active) if _active(x) else x for x in listed))


def _divided(x: torch.Tensor, axes: tuple[int, ...], eps: float) -> torch.Tensor:
    """x / √(mean x² + ε), whose divisor is a constant."""
    wide = x.detach().float()
    return x / (wide.square().mean(axes, keepdim=True) + eps).sqrt().to(x.dtype)


RULES: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(SOFTMAX, _softmax),
    FUSED: _attention,
    NESTED: _nested,
    **{name: partial(norm, _divided) for name, norm in NORMS.items()},
    "normalize": _normalize,
    "glu": _glu,
    "pow": _power,
    "__pow__": _power,
    "einsum": _einsum,
}
"""Functions that are written anew."""
