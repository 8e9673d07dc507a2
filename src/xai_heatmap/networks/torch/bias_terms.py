"""Bias terms of PyTorch functions: b = v - Σ J u, for the arguments u that depend on the image."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.autograd import forward_ad
from torch.overrides import TorchFunctionMode

from xai_heatmap.networks.opening.taps import mapped
from xai_heatmap.networks.rules import BIASES, TORCH, implements, named
from xai_heatmap.networks.torch.canonical import OPERATORS

Give = Callable[[str, torch.Tensor], None]
"""Function that takes the name of a bias, and the gradient of the value with that bias."""

HOMOGENEOUS = named(OPERATORS, "straight", "rectifier") | (
    named(OPERATORS, "maximum", "minimum") - {"maximum", "minimum"}
)
"""Homogeneous functions: without bias term, as twice the arguments give twice the output."""
SUMS = OPERATORS["sum"]
PRODUCTS = OPERATORS["product"]
QUOTIENTS = OPERATORS["quotient"] - {"__rtruediv__", "__rdiv__"}
CONVOLUTIONS = OPERATORS["affine"] - {"linear"}


@implements(BIASES, TORCH)
class Biases(TorchFunctionMode):
    """Within the block, records the bias terms of all functions of values that autograd follows.

    What moves is what autograd follows. A gradient is caught by a hook on the value, so that
    nothing needs to be kept of it, and what later overwrites the value changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, torch.Tensor] = {}
        self._give: Give | None = None

    @contextmanager
    def giving(self, give: Give) -> Iterator[None]:
        """Within the block, gradients that arrive are handed on."""
        self._give = give
        try:
            yield
        finally:
            self._give = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        moving = [] if name in HOMOGENEOUS or not torch.is_grad_enabled() else _moving(args, kwargs)
        if not moving or _adds_nothing(name, moving, args):
            return func(*args, **kwargs)
        biases = _added(func, name, args, kwargs)
        output = func(*args, **kwargs)
        for value, bias in zip(_tensors(output), biases, strict=False):
            if bias is not None and value.requires_grad:
                self._note(value, bias)
        return output

    def _note(self, value: torch.Tensor, bias: torch.Tensor) -> None:
        name = f"bias {len(self.found)}"
        self.found[name] = bias

        def arrived(gradient: torch.Tensor | None) -> None:
            # None: the way back ended at a gradient of zero, to which a bias adds nothing
            if self._give is not None and gradient is not None:
                self._give(name, gradient)

        value.register_hook(arrived)


def _added(
    func: Any, name: str, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[torch.Tensor | None]:
    """Bias term of each output of a function; None, or an empty list, where none is known."""
    if name in CONVOLUTIONS and not _moves(
        kwargs.get("weight", args[1] if len(args) > 1 else None)
    ):
        bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
        axes = int(name[-2])
        return [None if bias is None else bias.detach().reshape(1, -1, *[1] * axes)]
    if name == "linear" and not _moves(kwargs.get("weight", args[1] if len(args) > 1 else None)):
        bias = kwargs.get("bias", args[2] if len(args) > 2 else None)
        return [None if bias is None else bias.detach()[None]]
    if name == "batch_norm":
        nothing = torch.zeros_like(args[0].detach()[:1, :, *[slice(1)] * (args[0].ndim - 2)])
        return [func(nothing, *args[1:], **kwargs).detach()]
    prepare()
    try:
        return _by_derivative(func, args, kwargs)
    except (NotImplementedError, RuntimeError):
        return []  # without a derivative along a direction; the residual will tell


@cache
def prepare() -> None:
    """Run a first forward-mode derivative, for which torch imports modules it deprecates itself."""
    with warnings.catch_warnings(), forward_ad.dual_level():
        warnings.simplefilter("ignore", DeprecationWarning)
        forward_ad.make_dual(torch.zeros(1), torch.zeros(1))


def _by_derivative(
    func: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[torch.Tensor | None]:
    """v - Σ J u, the derivative taken along the arguments themselves."""

    def doubled(value: torch.Tensor) -> torch.Tensor:
        if not _moves(value):
            return value
        own = value.detach()
        return forward_ad.make_dual(own.clone(), own)

    with (
        torch.no_grad(),
        forward_ad.dual_level(),
        nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH),
    ):
        output = func(*mapped(tuple(args), doubled), **mapped(kwargs, doubled))
        found = [forward_ad.unpack_dual(value) for value in _tensors(output)]
        biases = [v if along is None else v - along for v, along in found]
    return [bias if bool(bias.any()) else None for bias in biases]


def _adds_nothing(name: str, moving: Sequence[torch.Tensor], args: Sequence[Any]) -> bool:
    if name in SUMS:
        return len(moving) > 1
    if name in QUOTIENTS:
        return len(moving) == 1 and moving[0] is args[0]  # a divisor that moves bends
    return name in PRODUCTS and len(moving) == 1


def _moving(args: Any, kwargs: Any) -> list[torch.Tensor]:
    return [value for value in _tensors((args, kwargs)) if value.requires_grad]


def _moves(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.requires_grad


def _tensors(output: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    mapped(output, lambda value: (found.append(value), value)[1])
    return [value for value in found if isinstance(value, torch.Tensor)]
