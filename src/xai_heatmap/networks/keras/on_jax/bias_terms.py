"""Bias terms of JAX operations: b = v - Σ J u, for the operands u that depend on the image."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from xai_heatmap.networks.keras.on_jax.canonical import OPERATORS
from xai_heatmap.networks.keras.on_jax.steps import Step, literal, steps, value
from xai_heatmap.networks.rules import BIASES, JAX, implements, named

HOMOGENEOUS = named(OPERATORS, "straight", "rectifier") | (
    named(OPERATORS, "maximum", "minimum") - {"max", "min"}
)
"""Homogeneous operations: without bias term, as twice the operands give twice the output."""
SUMS = OPERATORS["sum"] | {"max", "min"}
"""Operations without bias term if two operands depend on the image."""
PRODUCTS = named(OPERATORS, "product", "affine")
"""Operations without bias term if a single operand depends on the image."""

Scored = Callable[[Mapping[str, jax.Array]], tuple[jax.Array, list[jax.Array]]]
"""Function from the zeros added at taps to the scores and the values at the taps."""
At = Callable[[str, jax.Array], jax.Array]


@implements(BIASES, JAX)
def noting(scored: Scored, zeros: Mapping[str, jax.Array]) -> Callable[..., Any]:
    """`scored` with bias terms: every value that has a bias term goes through the tap
    ``at(name, value)``, and the function also returns the bias terms by name.
    """
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)
    jaxpr, tree = closed.jaxpr, jax.tree.structure(shapes)

    def noted(zeros: Mapping[str, jax.Array], at: At) -> tuple[Any, dict[str, jax.Array]]:
        read: dict[Any, jax.Array] = dict(zip(jaxpr.constvars, closed.consts, strict=True))
        read.update(zip(jaxpr.invars, jax.tree.leaves(zeros), strict=True))
        taps = {out for out in jaxpr.outvars[1:] if not literal(out)}
        moving = set(jaxpr.invars)
        biases: dict[str, jax.Array] = {}
        for step in steps(jaxpr):
            given = [read[variable] for variable in step.variables]
            answers, moves = step(*given), [variable in moving for variable in step.variables]
            if any(moves):
                moving.update(step.outs)
            if any(moves) and not taps.intersection(step.outs):
                for place, bias in enumerate(_added(step, given, moves)):
                    name = f"bias {len(biases)}"
                    biases[name] = bias
                    answers[place] = at(name, answers[place])
            read.update(zip(step.outs, answers, strict=True))
        found = [value(own, read) for own in jaxpr.outvars]
        return jax.tree.unflatten(tree, found), biases

    return noted


def _added(step: Step, given: Sequence[Any], moves: Sequence[bool]) -> Sequence[jax.Array]:
    """Bias term of each output of a step; empty for a step without bias terms."""
    moving = {own for own, moved in zip(step.variables, moves, strict=True) if moved}
    operands = [own for own in step.equation.invars if not literal(own) and own in moving]
    if _adds_nothing(step, operands):
        return []
    moved = tuple(own for own, moving in zip(given, moves, strict=True) if moving)
    if not all(jnp.issubdtype(own.dtype, jnp.floating) for own in moved):
        return []

    def of_those(*others: Any) -> list[Any]:
        rest = iter(others)
        return step(*(next(rest) if m else own for own, m in zip(given, moves, strict=True)))

    values, along = jax.jvp(of_those, moved, moved)
    if not all(jnp.issubdtype(v.dtype, jnp.floating) for v in values):
        return []
    return [v - change for v, change in zip(values, along, strict=True)]


def _adds_nothing(step: Step, moving: Sequence[Any]) -> bool:
    if step.name in SUMS and len(moving) > 1:
        return True
    if step.name in PRODUCTS:
        return len(moving) == 1
    if step.name == "div":
        return len(moving) == 1 and moving[0] is step.equation.invars[0]
    return step.name in HOMOGENEOUS or (step.name == "max" and step.numbers == [0])
