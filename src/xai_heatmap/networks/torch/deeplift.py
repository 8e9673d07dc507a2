"""DeepLIFT in PyTorch: slopes between two runs in place of derivatives.

The head runs twice, in the same order: first from a reference, when what every function that bends
was given and answered is noted, then from the activation, when each of them gets a way back that
knows both runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.opening.taps import mapped
from xai_heatmap.networks.rules import DEEPLIFT, TORCH, implements
from xai_heatmap.networks.torch.attention import FUSED, NESTED, calling, written_out
from xai_heatmap.networks.torch.norms import NORMS
from xai_heatmap.networks.torch.slopes import (
    ALONE,
    BILINEAR,
    RULES,
    STRAIGHT,
    Call,
    Rule,
    alone,
    normalised,
    straight,
)


@dataclass(frozen=True)
class _Noted:
    """A call in the first run."""

    name: str
    given: Sequence[torch.Tensor]
    answer: torch.Tensor


@implements(DEEPLIFT, TORCH)
class Secants(TorchFunctionMode):
    """Within the block, two runs; the backward pass of the second has slopes between both.

    What moves is what autograd follows.
    """

    def __init__(self) -> None:
        super().__init__()
        self._noted: list[_Noted] = []
        self._rest: Any = None

    def rewind(self) -> None:
        """The second run begins."""
        self._rest = iter(self._noted)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        moving = _moving((args, kwargs)) if torch.is_grad_enabled() else []
        if name == NESTED:
            with self, calling(has_torch_function=lambda _: False):
                return func(*args, **kwargs)
        if not moving or name in STRAIGHT or (name in BILINEAR and len(moving) == 1):
            return func(*args, **kwargs)
        if name in REWRITTEN:
            return REWRITTEN[name](self, func, *args, **kwargs)
        return self.ruled(name, RULES.get(name), func, args, kwargs)

    def ruled(
        self, name: str, rule: Rule | None, func: Any, args: Any, kwargs: Mapping[str, Any]
    ) -> Any:
        """Output of a function, with the backward pass of `rule`; linear functions need no rule."""
        moving = _moving((args, kwargs))
        given = [own.detach().clone() for own in moving]
        with torch.no_grad():
            output = _with(func, args, kwargs, given)
        plain = _first(output)
        if plain is None or not plain.is_floating_point():
            return func(*args, **kwargs)
        if self._rest is None:
            self._noted.append(_Noted(name, given, plain))
            return func(*args, **kwargs)
        noted = next(self._rest, None)
        if noted is None or noted.name != name or noted.answer.shape != plain.shape:
            raise NoRule(
                "Slopes between what a layer said and 0 are needed, and from 0 the network takes "
                f"another way: {name} is called where it was not. Choose `integrated`."
            )
        call = Call(
            lambda own: _first(_with(func, args, kwargs, own)),
            given, plain, noted.given, noted.answer, _options(args, kwargs),
        )  # fmt: skip
        if rule is None or (rule in ALONE and not alone(call)):
            if not straight(call):
                raise _refused(name)
            return func(*args, **kwargs)
        answer = _Answered.apply(call, rule, *moving)
        if kwargs.get("inplace") or (name.endswith("_") and not name.endswith("__")):
            return args[0].copy_(answer)
        return answer if isinstance(output, torch.Tensor) else (answer, *output[1:])

    def normalised(
        self, centred: torch.Tensor, total: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """centred / √total(centred²)."""
        with self:
            turned = total(centred.square()).rsqrt()
        return self.ruled("normalised", normalised, torch.mul, (centred, turned), {})


class _Answered(torch.autograd.Function):
    """Autograd function with the output of a call and the backward pass of a rule."""

    @staticmethod
    def forward(ctx: Any, call: Call, rule: Rule, *moving: torch.Tensor) -> torch.Tensor:
        ctx.call, ctx.rule = call, rule
        return call.answer.clone()

    @staticmethod
    def backward(ctx: Any, *cotangents: torch.Tensor) -> Any:
        return None, None, *ctx.rule(ctx.call, cotangents[0])


def _refused(name: str) -> NoRule:
    return NoRule(
        f"Slopes between what a layer said and 0 are needed, and there is no rule for {name} "
        "behind the layer. Choose a layer behind it, or `integrated`, which needs gradients only."
    )


def _with(func: Any, args: Any, kwargs: Any, given: Sequence[torch.Tensor]) -> Any:
    """Output of a function with copies of `given` in place of the arguments with gradients."""
    rest = iter(given)

    def put(value: Any) -> Any:
        return next(rest).clone() if _moves(value) else value

    return func(*mapped(tuple(args), put), **mapped(dict(kwargs), put))


def _options(args: Any, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keyword arguments of a call, with the second positional argument as ``dim``."""
    axis = args[1] if len(args) > 1 else None
    return {"dim": axis, **kwargs}


def _moves(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


def _moving(values: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    mapped(values, lambda value: (found.append(value) if _moves(value) else None, value)[1])
    return found


def _first(output: Any) -> Any:
    """First tensor of an output."""
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return output if isinstance(output, torch.Tensor) else None


def _quotient(mode: Secants, func: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    if not _moves(b):
        return func(a, b, **kwargs)
    if kwargs.get("rounding_mode"):
        raise _refused("a division that rounds")
    with mode:
        turned = b.reciprocal()
        if not _moves(a):
            return a * turned
    return mode.ruled("quotient", normalised, torch.mul, (a, turned), {})


def _turned_quotient(mode: Secants, func: Any, b: Any, a: Any) -> Any:
    return _quotient(mode, torch.true_divide, a, b)


def _attention(mode: Secants, func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    with mode:
        return written_out(lambda weights: weights, *args, **kwargs)


def _norm(norm: Callable[..., torch.Tensor], mode: Secants, *args: Any, **kwargs: Any) -> Any:
    def divided(x: torch.Tensor, axes: tuple[int, ...], eps: float) -> torch.Tensor:
        return mode.normalised(x, lambda square: square.mean(axes, keepdim=True) + eps)

    return norm(divided, *args, **kwargs)


def _normalize(
    mode: Secants, func: Any, x: torch.Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12,
    **_: Any,
) -> torch.Tensor:  # fmt: skip
    if p != 2:
        raise _refused(f"a norm of order {p:g}")
    return mode.normalised(x, lambda square: square.sum(dim, keepdim=True).clamp_min(eps**2))


def _glu(mode: Secants, func: Any, x: torch.Tensor, dim: int = -1) -> torch.Tensor:
    value, gate = x.chunk(2, dim)
    with mode:
        return value * gate.sigmoid()


REWRITTEN: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("div", "divide", "true_divide", "__truediv__"), _quotient),
    **dict.fromkeys(("__rtruediv__", "__rdiv__"), _turned_quotient),
    FUSED: _attention,
    **{name: partial(_norm, norm) for name, norm in NORMS.items()},
    "normalize": _normalize,
    "glu": _glu,
}
"""Functions that are rewritten by other functions."""
