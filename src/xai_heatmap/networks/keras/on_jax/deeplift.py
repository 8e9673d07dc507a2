"""DeepLIFT in JAX: one trace run from two starts at once, with slopes between both runs.

By the Rescale rule of Shrikumar et al. 2017 a function of one number passes on Δv/Δu; what other
steps do is said by their rule here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.keras.on_jax.canonical import OPERATORS
from xai_heatmap.networks.keras.on_jax.steps import Step, literal, steps, value
from xai_heatmap.networks.rules import DEEPLIFT, JAX, implements, named, treated

NEAR, NEAREST = 1e-3, 1e-6
"""Least relative distance of two numbers for a slope between them: for functions, which otherwise
get the mean slope of both ends, and for maxima, whose slope may jump."""

STRAIGHT = named(OPERATORS, "straight", "sum")
"""Steps whose derivative is the slope between any two runs."""
TREATED = treated(OPERATORS, DEEPLIFT)
POINTWISE = frozenset(own for own, how in TREATED.items() if how == "slope")
PRODUCTS = frozenset(own for own, how in TREATED.items() if how == "mean of both")
"""Operations that are linear if a single operand depends on the layer."""

SCALING = named(OPERATORS, "straight", "rectifier", "maximum", "minimum") | {"mul"}

Pair = tuple[Any, Any]
"""Value in the explained run, and in the run from the reference."""


@dataclass(frozen=True)
class _Seen:
    """One step in both runs, with the operands that depend on the layer.

    Parameters
    ----------
    step, moving
        The step, and the variables that it reads and that move.
    given, before
        What all that it reads is, in the run that is explained and in the one from the reference.
    """

    step: Step
    moving: Sequence[Any]
    given: Mapping[Any, Any]
    before: Mapping[Any, Any]

    def along(self, at: Mapping[Any, Any], live: Mapping[Any, jax.Array]) -> jax.Array:
        """Derivative of the step at the values `at` along the directions `live`."""

        def run(*moved: Any) -> Any:
            known = {**at, **dict(zip(self.moving, moved, strict=True))}
            return self.step(*(known[own] for own in self.step.variables))[0]

        point = tuple(jax.lax.stop_gradient(at[own]) for own in self.moving)
        return jax.jvp(run, point, tuple(live[own] for own in self.moving))[1]

    @property
    def live(self) -> dict[Any, jax.Array]:
        """Zeros that carry the gradients of the operands in `moving`."""
        return {own: self.given[own] - _still(self.given[own]) for own in self.moving}

    @property
    def rises(self) -> dict[Any, jax.Array]:
        """Differences Δu of the operands in `moving` between the two runs."""
        return {own: _still(self.given[own]) - self.before[own] for own in self.moving}


_still = jax.lax.stop_gradient
Rule = Callable[[_Seen, jax.Array, jax.Array], jax.Array]
"""Function of a step and its outputs in both runs; returns 0 with the gradient of the rule."""


def _pointwise(seen: _Seen, answer: jax.Array, answered: jax.Array) -> jax.Array:
    """Δv/Δu; where both runs gave the same, the mean of both derivatives."""
    (own,) = seen.moving
    u, u0, live = _still(seen.given[own]), seen.before[own], seen.live[own]
    ones = {own: jnp.ones_like(u)}
    mean = (seen.along(seen.given, ones) + seen.along(seen.before, ones)) / 2
    near = jnp.abs(u - u0) <= NEAR * jnp.maximum(jnp.abs(u), jnp.abs(u0))
    return live * _still(jnp.where(near, mean, (answer - answered) / jnp.where(near, 1, u - u0)))


def _product(seen: _Seen, answer: jax.Array, answered: jax.Array) -> jax.Array:
    """The derivative at the mean of both runs, which is the mean of both derivatives."""
    mean = {own: (value + seen.before[own]) / 2 for own, value in seen.given.items()}
    return seen.along(mean, seen.live)


def _largest(seen: _Seen, answer: jax.Array, answered: jax.Array) -> jax.Array:
    """Δv to the winner of the run with the larger maximum, divided by that one's Δu."""
    rise = _still(answer - answered)
    shares = {}
    for own in seen.moving:
        gap = seen.rises[own]
        largest = jnp.maximum(jnp.abs(_still(seen.given[own])), jnp.abs(seen.before[own]))
        near = jnp.abs(gap) <= NEAREST * largest
        shares[own] = jnp.where(near, 0, seen.live[own] / jnp.where(near, 1, gap))
    up, down = seen.along(seen.given, shares), seen.along(seen.before, shares)
    return jnp.where(rise > 0, rise * up, rise * down)


def _quotient(seen: _Seen, answer: jax.Array, answered: jax.Array) -> jax.Array:
    """Δa / b, where b is that of the run that is explained, and a₀ Δ(1/b)."""
    a, b = seen.step.equation.invars
    live, zero = seen.live, jnp.zeros(())
    b1, b0 = _still(value(b, seen.given)), value(b, seen.before)
    a0 = value(a, seen.before)
    return live.get(a, zero) / b1 - live[b] * a0 / (b1 * b0)


@implements(DEEPLIFT, JAX)
def between(
    scored: Callable[..., Any], zeros: Mapping[str, jax.Array], far: Mapping[str, jax.Array]
) -> Callable[[Mapping[str, jax.Array]], Any]:
    """`scored` at `zeros` and at `far`, with both scores joined; the derivative of the scores at
    `zeros` is the slope between the two runs.
    """
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)
    tree = jax.tree.structure(shapes)

    def run(zeros: Mapping[str, jax.Array]) -> Any:
        pairs = list(zip(jax.tree.leaves(zeros), jax.tree.leaves(dict(far)), strict=True))
        found, _ = _run(closed.jaxpr, closed.consts, pairs, [True] * len(pairs))
        own, other = (jax.tree.unflatten(tree, [pair[n] for pair in found]) for n in (0, 1))
        scores = jnp.concatenate([own[0], _still(other[0])])
        return scores, own[1]

    return run


def _run(
    jaxpr: Any, consts: Sequence[Any], given: Sequence[Pair], moves: Sequence[bool]
) -> tuple[list[Pair], list[bool]]:
    """Outputs of a jaxpr in both runs, and whether each output depends on the layer."""
    one: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    other = dict(one)
    for variable, (own, before) in zip(jaxpr.invars, given, strict=True):
        one[variable], other[variable] = own, before
    moving = {variable for variable, own in zip(jaxpr.invars, moves, strict=True) if own}
    softmaxes = _softmaxes(jaxpr)
    turned: set[Any] = set()  # one over a deviation, and what that is scaled to
    for step in steps(jaxpr):
        active = [own for own in step.variables if own in moving]
        inner = step.inner or step.equation.params.get("call_jaxpr")
        if inner is not None and active and step.name not in POINTWISE:
            pairs = [(value(own, one), value(own, other)) for own in step.equation.invars]
            each = [not literal(own) and own in moving for own in step.equation.invars]
            found, kept = _run(inner.jaxpr, inner.consts, pairs, each)
            one.update((out, pair[0]) for out, pair in zip(step.outs, found, strict=True))
            other.update((out, pair[1]) for out, pair in zip(step.outs, found, strict=True))
            moving.update(out for out, own in zip(step.outs, kept, strict=True) if own)
            continue
        answers = step(*(one[own] for own in step.variables))
        answered = step(*(_still(other[own]) for own in step.variables)) if active else answers
        if active:
            moving.update(step.outs)
            if step.name == "rsqrt" or (step.name in SCALING and turned.issuperset(active)):
                turned.update(step.outs)
            read = {own: one[own] for own in step.variables}
            seen = _Seen(step, active, read, {own: other[own] for own in step.variables})
            rule = _rule(step, active, turned)
            out = step.outs[0]
            if out in softmaxes:
                slope = _softmax(softmaxes[out], one, answers[0], answered[0])
                answers = [_still(answers[0]) + slope]
            elif step.name == "stop_gradient":
                answers = [one[active[0]]]
            elif rule is not None:
                plain = _still(answers[0])
                answers = [plain + rule(seen, plain, answered[0])]
        one.update(zip(step.outs, answers, strict=True))
        other.update(zip(step.outs, answered, strict=True))
    outs = jaxpr.outvars
    return [(value(own, one), value(own, other)) for own in outs], [
        not literal(own) and own in moving for own in outs
    ]


def _rule(step: Step, active: Sequence[Any], turned: set[Any]) -> Rule | None:
    """DeepLIFT rule of a step, None for the derivative of the step."""
    name, operands = (
        step.name,
        [own for own in step.equation.invars if not literal(own) and own in active],
    )
    floating = all(jnp.issubdtype(out.aval.dtype, jnp.floating) for out in step.outs)
    alone = len(active) == 1 and active[0].aval.shape == step.outs[0].aval.shape
    if not floating or name in STRAIGHT or name == "stop_gradient":
        return None
    if name in PRODUCTS:
        if len(operands) == 1:
            return None
        return _normalised(turned) if turned.intersection(active) else _product
    if name == "div":
        return _quotient if step.equation.invars[1] in active else None
    if name == "select_n" and step.equation.invars[0] not in active:
        return None
    if name in ("reduce_max", "reduce_window_max"):
        return _largest
    if alone and (name in POINTWISE or name in ("max", "min")):
        return _pointwise
    raise NoRule(
        f"Slopes between what a layer said and 0 are needed, and there is no rule for {name} "
        "behind the layer. Choose a layer behind it, or `integrated`, which needs gradients only."
    )


def _normalised(turned: set[Any]) -> Rule:
    """Of c · r, r one over a deviation: Δc times the r that is explained, and c₀ Δr."""

    def rule(seen: _Seen, answer: jax.Array, answered: jax.Array) -> jax.Array:
        at = {
            own: value if own in turned else seen.before[own] for own, value in seen.given.items()
        }
        return seen.along(at, seen.live)

    return rule


def _softmaxes(jaxpr: Any) -> dict[Any, tuple[Any, Any]]:
    """Outputs of every softmax, each with the argument of the exponential and the axes."""
    made = {out: step for step in steps(jaxpr) for out in step.outs}
    found: dict[Any, tuple[Any, Any]] = {}
    for step in steps(jaxpr):
        if (
            step.name != "div"
            or literal(step.equation.invars[0])
            or literal(step.equation.invars[1])
        ):
            continue
        power, total = (made.get(own) for own in step.equation.invars)
        while total is not None and total.name in ("broadcast_in_dim", "reshape"):
            total = made.get(total.variables[0])
        if power is None or total is None or power.name != "exp" or total.name != "reduce_sum":
            continue
        if total.variables[0] is power.outs[0]:
            found[step.outs[0]] = power.variables[0], total.equation.params["axes"]
    return found


def _softmax(
    source: tuple[Any, Any], one: Mapping[Any, Any], answer: jax.Array, answered: jax.Array
) -> jax.Array:
    """L ⊙ (δ - Σ L δ / Σ L), L the logarithmic mean of what both runs answer."""
    own, axes = source
    live = one[own] - _still(one[own])
    least = jnp.finfo(answer.dtype).tiny
    a, b = _still(answer), _still(answered)
    half = (jnp.log(jnp.maximum(a, least)) - jnp.log(jnp.maximum(b, least))) / 2
    same = half == 0
    mean = (a + b) / 2 * jnp.where(same, 1, jnp.tanh(half) / jnp.where(same, 1, half))
    return mean * (live - (mean * live).sum(axes, keepdims=True) / mean.sum(axes, keepdims=True))
