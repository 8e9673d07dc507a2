"""LibraGrad in JAX: a traced function whose nonlinear factors are held constant.

Attention weights, the gates of activations and the deviations of normalisations are cut out; where
two values that both depend on the image are multiplied, each gets half.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.networks.keras.on_jax.canonical import OPERATORS
from xai_heatmap.networks.keras.on_jax.steps import Step, literal, steps, value
from xai_heatmap.networks.rules import JAX, LIBRAGRAD, implements, treated

TREATED = treated(OPERATORS, LIBRAGRAD)
AT_ZERO = {"hard_silu": 0.5, "hard_swish": 0.5, "mish": 0.6}
"""Gates at 0, gate(x) = f(x) / x, where other than 1."""
WHOLE = frozenset({"log_softmax", "logsumexp", "softplus"})
"""Functions that keep their derivative, whatever steps the functions consist of."""
SIGMOIDS = frozenset({"logistic", "sigmoid"})
POWERS = OPERATORS["power"]
NAMED = WHOLE | {own for own, how in TREATED.items() if how in ("constant", "held gate")}
"""Functions that are treated as one step."""

Scored = Callable[[Mapping[str, jax.Array]], Any]


@implements(LIBRAGRAD, JAX)
def balanced(scored: Scored, zeros: Mapping[str, jax.Array]) -> Scored:
    """`scored`, whose derivative by the zeros is LibraGrad's."""
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)
    tree = jax.tree.structure(shapes)

    def run(zeros: Mapping[str, jax.Array]) -> Any:
        given = jax.tree.leaves(zeros)
        closing = set(_answering(closed.jaxpr))
        found, _ = _run(closed.jaxpr, closed.consts, given, [True] * len(given), closing)
        return jax.tree.unflatten(tree, found)

    return run


def _run(
    jaxpr: Any,
    consts: Sequence[Any],
    given: Sequence[Any],
    moves: Sequence[bool],
    closing: Collection[Any] = (),
) -> tuple[list[Any], list[bool]]:
    """Outputs of a jaxpr by LibraGrad, and whether each output depends on the taps; `closing` are
    variables that keep their derivative.
    """
    read: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True))
    read.update(zip(jaxpr.invars, given, strict=True))
    moving = {variable for variable, own in zip(jaxpr.invars, moves, strict=True) if own}
    gates, closing = set(_gates(jaxpr)), {*closing, *_closing(jaxpr)}
    for step in steps(jaxpr):
        if moving.isdisjoint(step.variables):
            answers, kept = step(*(read[own] for own in step.variables)), False
        elif step.inner is not None and step.name not in NAMED:
            operands = [value(own, read) for own in step.equation.invars]
            active = [not literal(own) and own in moving for own in step.equation.invars]
            answers, each = _run(step.inner.jaxpr, step.inner.consts, operands, active)
            moving.update(out for out, own in zip(step.outs, each, strict=True) if own)
            kept = False
        elif closing.intersection(step.outs):
            answers, kept = step(*(read[own] for own in step.variables)), True
        elif TREATED.get(step.name) == "constant" or gates.intersection(step.outs):
            answers, kept = _held(step, read), False
        else:
            answers = _answered(step, read, [own for own in step.variables if own in moving])
            kept = answers is not None
            answers = answers or _held(step, read)
        moving.update(step.outs if kept else ())
        read.update(zip(step.outs, answers, strict=True))
    outs = jaxpr.outvars
    return [value(own, read) for own in outs], [not literal(o) and o in moving for o in outs]


def _answered(step: Step, read: Mapping[Any, Any], moving: Sequence[Any]) -> list[Any] | None:
    """Outputs of a step, with gradients by LibraGrad's rules; None for constant outputs."""
    change: dict[Any, Callable[[jax.Array], jax.Array]] = {}
    how = TREATED.get(step.name)
    if how == "held gate":
        return [_gated(step, read, moving[0])]
    if how == "held divisor" and step.equation.invars[1] in moving:
        if step.equation.invars[0] not in moving:
            return None
        change[step.equation.invars[1]] = jax.lax.stop_gradient
    factors = sum(own in moving for own in step.equation.invars if not literal(own))
    if how == "shared" and step.name not in POWERS and factors > 1:
        change = dict.fromkeys(moving, _shared)
    if step.name in POWERS:
        exponent = step.equation.params.get("y", 2)
        if step.name == "pow" or exponent not in (1, 2):
            return None
        change = dict.fromkeys(moving, _shared) if exponent == 2 else {}
    return step(*(change.get(own, _same)(read[own]) for own in step.variables))


def _held(step: Step, read: Mapping[Any, Any]) -> list[Any]:
    """Outputs of a step, as constants."""
    return [jax.lax.stop_gradient(own) for own in step(*(read[own] for own in step.variables))]


def _same(x: jax.Array) -> jax.Array:
    return x


def _shared(x: jax.Array) -> jax.Array:
    """Identity with half the gradient."""
    return x / 2 + jax.lax.stop_gradient(x) / 2


def _gated(step: Step, read: Mapping[Any, Any], own: Any) -> jax.Array:
    x, answer = read[own], _held(step, read)[0]
    known = jax.lax.stop_gradient(x)
    gate = answer / jnp.where(known == 0, 1, known)
    return x * jnp.where(known == 0, jnp.asarray(AT_ZERO.get(step.name, 1.0), gate.dtype), gate)


def _gates(jaxpr: Any) -> Iterator[Any]:
    """Outputs of tanh that are gates: with 1 added, as in GELU's approximation, or in Mish."""
    made = {step.outs[0]: step.name for step in steps(jaxpr) if step.outs}
    for step in steps(jaxpr):
        if step.name == "tanh" and made.get(step.variables[0]) == "softplus":
            yield from step.outs
        if step.name == "add" and any(np.all(number == 1) for number in step.numbers):
            yield from (own for own in step.variables if made.get(own) == "tanh")


def _answering(jaxpr: Any) -> Iterator[Any]:
    """Outputs of sigmoids that are part of what the trace answers, as they are: no gates."""
    answer = {own for own in jaxpr.outvars if not literal(own)}
    for step in reversed(list(steps(jaxpr))):
        if not answer.isdisjoint(step.outs):
            if step.name in OPERATORS["straight"]:
                answer.update(step.variables)
            elif step.name in SIGMOIDS:
                yield from step.outs


def _closing(jaxpr: Any) -> Iterator[Any]:
    """Outputs of the steps that form a softmax over the classes: exponentials and quotients."""
    powers = {
        step.outs[0]
        for step in steps(jaxpr)
        if step.name == "exp" and len(step.outs[0].aval.shape) <= 2
    }
    for step in steps(jaxpr):
        if step.name == "div" and step.equation.invars[0] in powers:
            yield from (step.equation.invars[0], *step.outs)
