"""LibraGrad in PyTorch: the nonlinear factors of a layer are held constant.

Attention weights, the gates of activations and the deviations of normalisations are cut out of the
graph; where two values that both depend on the image are multiplied, each gets half.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

from xai_heatmap.networks.rules import LIBRAGRAD, TORCH, implements, treated
from xai_heatmap.networks.torch.attention import FUSED, NESTED, SOFTMAX, calling
from xai_heatmap.networks.torch.canonical import OPERATORS
from xai_heatmap.networks.torch.norms import NORMS

SIGMOIDS = frozenset({"sigmoid", "special_expit"})
STRAIGHT = OPERATORS["straight"]
AT_ZERO = {"gelu": 0.5, "silu": 0.5, "hardswish": 0.5, "mish": 0.6}
"""Gates at 0, gate(x) = f(x) / x, where other than 1."""
TREATED = treated(OPERATORS, LIBRAGRAD)


@implements(LIBRAGRAD, TORCH)
class Balancing(TorchFunctionMode):
    """Within the block, a pass is recorded with LibraGrad, whose gradients add up to the scores.

    A sigmoid is a gate, which is constant, unless it is part of what the model answers, as it is:
    of each the value with its gradient is carried along beside the constant, as far as values are
    only moved.
    """

    def __init__(self) -> None:
        super().__init__()
        self._moving: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def of(self, scores: torch.Tensor) -> torch.Tensor:
        """Scores with the gradients of sigmoids that they end in."""
        moving = self._beside(scores)
        return moving if torch.equal(moving, scores) else scores  # the model wrote into them

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        answer = self._answer(name, func, args, kwargs)
        if name in SIGMOIDS:
            self._keep(answer, func(*args, **kwargs))
        elif name in STRAIGHT and self._moving:
            moved = tree_map_only(torch.Tensor, self._beside, (args, kwargs))
            pairs = zip(tree_leaves(moved), tree_leaves((args, kwargs)), strict=True)
            if any(one is not own for one, own in pairs):
                self._keep(answer, func(*moved[0], **moved[1]))
        return answer

    def _beside(self, value: torch.Tensor) -> torch.Tensor:
        constant, moving = self._moving.get(id(value), (value, value))
        return moving if constant is value else value

    def _keep(self, constant: Any, moving: Any) -> None:
        pairs = zip(tree_leaves(constant), tree_leaves(moving), strict=True)
        tensors = {id(own): (own, one) for own, one in pairs if isinstance(own, torch.Tensor)}
        self._moving.update(tensors)

    def _answer(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        how = REWRITTEN.get(name) or HOW.get(TREATED.get(name, ""))
        if how is None:
            return func(*args, **kwargs)
        if not _in_place(name, args, kwargs):
            return how(func, *args, **kwargs)
        first = args[0].clone() if isinstance(args[0], torch.Tensor) else args[0]
        return args[0].copy_(how(func, first, *args[1:], **kwargs))


def _in_place(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call writes in place, into an argument."""
    if name in MAY_WRITE:
        return kwargs.get("inplace") is True or any(own is True for own in args[1:])
    return (name.endswith("_") and not name.endswith("__")) or name in IN_PLACE


def _active(*values: Any) -> bool:
    """Whether all values are tensors that require a gradient."""
    return all(isinstance(value, torch.Tensor) and value.requires_grad for value in values)


def _shared(x: torch.Tensor, among: int) -> torch.Tensor:
    """Identity whose gradient is divided by `among`."""
    return x / among + x.detach() * (1 - 1 / among)


def _held(func: Any, *args: Any, **kwargs: Any) -> Any:
    """Output of a function, as a constant."""
    return func(*args, **kwargs).detach()


def _gated(func: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    if not _active(x):
        return func(x, *args, **kwargs)
    known = x.detach()
    written = _in_place(func.__name__, (x, *args), kwargs)
    answer = func(known.clone() if written else known, *args, **kwargs)
    gate = answer / known.where(known != 0, 1)
    return x * gate.where(known != 0, AT_ZERO.get(func.__name__, 1.0))


def _product(func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    if len(args) < 2 or not _active(*args[:2]):
        return func(*args, **kwargs)
    return func(*(_shared(x, 2) for x in args[:2]), *args[2:], **kwargs)


def _quotient(func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    a, b = args[:2]
    if func.__name__ in ("__rtruediv__", "__rdiv__"):
        a = a.detach()
    elif _active(b):
        b = b.detach()
    return func(a, b, *args[2:], **kwargs)


def _softmax(func: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """Softmax: constant, as attention weights, above two axes; else a final activation."""
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
    """Power: a square has half the gradient, as a product does; other powers are constant."""
    if not _active(x) or isinstance(exponent, torch.Tensor) or exponent in (1, 2):
        halved = _active(x) and not isinstance(exponent, torch.Tensor) and exponent == 2
        return func(_shared(x, 2) if halved else x, exponent, **kwargs)
    return func(x.detach(), exponent, **kwargs)


def _square(func: Any, x: torch.Tensor, **kwargs: Any) -> torch.Tensor:
    return func(_shared(x, 2) if _active(x) else x, **kwargs)


def _einsum(func: Any, equation: str, *operands: Any) -> torch.Tensor:
    listed = list(operands[0]) if isinstance(operands[0], list | tuple) else list(operands)
    active = sum(map(_active, listed))
    return func(equation, *(_shared(x, active) if _active(x) else x for x in listed))


def _divided(x: torch.Tensor, axes: tuple[int, ...], eps: float) -> torch.Tensor:
    """x / √(mean x² + ε), whose divisor is a constant."""
    wide = x.detach().float()
    return x / (wide.square().mean(axes, keepdim=True) + eps).sqrt().to(x.dtype)


HOW: Mapping[str, Callable[..., Any]] = {
    "constant": _held,
    "held gate": _gated,
    "shared": _product,
    "held divisor": _quotient,
}
REWRITTEN: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(SOFTMAX, _softmax),
    FUSED: _attention,
    NESTED: _nested,
    **{name: partial(norm, _divided) for name, norm in NORMS.items()},
    "normalize": _normalize,
    "glu": _glu,
    **dict.fromkeys(("pow", "__pow__"), _power),
    "square": _square,
    "einsum": _einsum,
}
"""Functions with a rule of their own, before any rule of their operator."""
IN_PLACE = frozenset({"__imul__", "__itruediv__"})
MAY_WRITE = frozenset({"celu", "elu", "hardsigmoid", "hardswish", "mish", "selu", "silu"})
"""Functions that write in place where their argument `inplace` says so."""
