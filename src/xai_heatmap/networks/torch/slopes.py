"""Slopes between two runs in PyTorch: DeepLIFT's rules for one call of a function.

By the Rescale rule of Shrikumar et al. 2017 a function of one number passes on Δv/Δu; what other
functions do is said by their rule here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch.autograd import forward_ad

from xai_heatmap.networks.rules import DEEPLIFT, named, treated
from xai_heatmap.networks.torch.bias_terms import prepare
from xai_heatmap.networks.torch.canonical import OPERATORS

NEAR, NEAREST = 1e-3, 1e-6
"""Least relative distance of two numbers for a slope between them: for functions, which otherwise
get the mean slope of both ends, and for maxima, whose slope may jump."""
SAME = 1e-4
"""Tolerance of a linear function, as a share of the largest output."""

STRAIGHT = named(OPERATORS, "straight", "sum") | {
    *("masked_fill", "masked_fill_", "copy_", "dim", "size"),
}
"""Functions whose derivative is the slope between any two runs."""
BILINEAR = named(OPERATORS, "product", "affine")


@dataclass(frozen=True)
class Call:
    """Call of a function in the second run, with the same call in the first run.

    Parameters
    ----------
    run
        The function of those arguments that move.
    given, answer, before, answered
        Those arguments and the answer, in the second run and in the first.
    options
        The other arguments by name, as far as a rule reads them.
    """

    run: Callable[[Sequence[torch.Tensor]], torch.Tensor]
    given: Sequence[torch.Tensor]
    answer: torch.Tensor
    before: Sequence[torch.Tensor]
    answered: torch.Tensor
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def pulled(self, at: Sequence[torch.Tensor], g: torch.Tensor) -> list[torch.Tensor]:
        """Gradients of the function at the arguments `at`, for the cotangent `g`."""
        with torch.enable_grad():
            leaves = [own.detach().clone().requires_grad_() for own in at]
            one = (self.run(leaves) * g).sum()
            found = torch.autograd.grad(one, leaves, allow_unused=True)
        return [
            torch.zeros_like(own) if pulled is None else pulled
            for own, pulled in zip(leaves, found, strict=True)
        ]


Rule = Callable[[Call, torch.Tensor], Sequence[torch.Tensor]]
"""Function from a call and the cotangent of its output to the cotangents of its arguments."""


def _pointwise(call: Call, g: torch.Tensor) -> list[torch.Tensor]:
    """g · Δv/Δu; where both runs gave the same, the mean of both derivatives."""
    (u,), (u0,) = call.given, call.before
    return [_divided(g * (call.answer - call.answered), u, u0, _product(call, g)[0], NEAR)]


def _product(call: Call, g: torch.Tensor) -> list[torch.Tensor]:
    """The mean of both runs' derivatives."""
    both = zip(call.pulled(call.given, g), call.pulled(call.before, g), strict=True)
    return [(one + other) / 2 for one, other in both]


def normalised(call: Call, g: torch.Tensor) -> list[torch.Tensor]:
    """Of c · r: g · r to c, where r is that of the second run, and g · c₀ to r; of quotients."""
    return call.pulled([call.before[0], call.given[1]], g)


def _extremum(call: Call, g: torch.Tensor, *, up: bool) -> list[torch.Tensor]:
    """g · Δv to the winner of the run that reaches further, divided by that one's Δu."""
    rise = call.answer - call.answered
    above, below = rise.clamp(min=0), rise.clamp(max=0)
    own = call.pulled(call.given, g * (above if up else below))
    other = call.pulled(call.before, g * (below if up else above))
    alike = call.pulled(call.given, g)
    return [
        _divided(one + two, u, u0, slope, NEAREST)
        for one, two, u, u0, slope in zip(own, other, call.given, call.before, alike, strict=True)
    ]


def _softmax(call: Call, g: torch.Tensor) -> list[torch.Tensor]:
    """L ⊙ (g - Σ L g / Σ L), L the logarithmic mean of what both runs answer."""
    axis = call.options["dim"]
    mean = _logarithmic_mean(call.answer, call.answered)
    return [mean * (g - (g * mean).sum(axis, keepdim=True) / mean.sum(axis, keepdim=True))]


def _log_softmax(call: Call, g: torch.Tensor) -> list[torch.Tensor]:
    """g - L Σ g / Σ L."""
    axis = call.options["dim"]
    mean = _logarithmic_mean(call.answer.exp(), call.answered.exp())
    return [g - mean * g.sum(axis, keepdim=True) / mean.sum(axis, keepdim=True)]


def _divided(
    contributed: torch.Tensor,
    u: torch.Tensor,
    u0: torch.Tensor,
    slope: torch.Tensor,
    share: float,
) -> torch.Tensor:
    """contributed / Δu; `slope` where Δu is nothing but rounding."""
    gap = u - u0
    apart = gap.abs() > share * torch.maximum(u.abs(), u0.abs())
    return torch.where(apart, contributed / torch.where(apart, gap, 1), slope)


def _logarithmic_mean(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(a - b) / (log a - log b), as ½ (a + b) tanh z / z with z half of that difference."""
    least = torch.finfo(a.dtype).tiny
    half = (a.clamp(min=least).log() - b.clamp(min=least).log()) / 2
    same = half == 0
    return (a + b) / 2 * torch.where(same, 1, half.tanh() / torch.where(same, 1, half))


_HOW: Mapping[str, Rule] = {
    "slope": _pointwise,
    "mean of both": _product,
    "winner": partial(_extremum, up=True),
}
RULES: Mapping[str, Rule] = {
    **{own: _HOW[how] for own, how in treated(OPERATORS, DEEPLIFT).items() if how in _HOW},
    "amin": partial(_extremum, up=False),
    "minimum": _pointwise,
    **dict.fromkeys(("softmax", "special_softmax"), _softmax),
    **dict.fromkeys(("log_softmax", "special_log_softmax"), _log_softmax),
}
"""Rules of the functions that a cotangent does not pass by the derivative."""
ALONE = frozenset({_pointwise, _softmax, _log_softmax})
"""Rules for functions of a single argument that depends on the image."""


def alone(call: Call) -> bool:
    """Whether one argument depends on the image, and the output has the shape of that argument."""
    return len(call.given) == 1 and call.given[0].shape == call.answer.shape


def straight(call: Call) -> bool:
    """Whether a call is linear between both runs: the directional derivative is the rise."""
    prepare()
    try:
        with torch.no_grad(), forward_ad.dual_level():
            dual = [
                forward_ad.make_dual(own.clone(), own - before)
                for own, before in zip(call.given, call.before, strict=True)
            ]
            along = forward_ad.unpack_dual(call.run(dual)).tangent
    except (NotImplementedError, RuntimeError):
        return False
    rise = call.answer - call.answered
    lacking = rise if along is None else rise - along
    largest = max(float(call.answer.abs().max()), float(call.answered.abs().max()))
    return bool(lacking.abs().max() <= SAME * largest)
