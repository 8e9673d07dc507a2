"""What every JAX operation adds to its answer: v - Σ J u, for the operands u that move."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core as jax_core

HOMOGENEOUS = frozenset({
    *("add_any", "broadcast_in_dim", "concatenate", "convert_element_type", "copy", "copy_p"),
    *("cumsum", "dynamic_slice", "expand_dims", "gather", "leaky_relu", "neg", "pad", "real"),
    *("reduce_max", "reduce_min", "reduce_sum", "reduce_window_max", "reduce_window_sum", "relu"),
    *("reshape", "rev", "select_and_gather_add", "slice", "squeeze", "stop_gradient"),
    *("transpose", "reduce_window", "sharding_constraint"),
})  # fmt: skip
"""Operations that double their answer where all that moves is doubled: they add nothing."""
SUMS = frozenset({"add", "sub", "max", "min"})
"""Of two operands that move they add nothing."""
PRODUCTS = frozenset({"mul", "dot_general", "conv_general_dilated"})
"""Of one operand that moves they add nothing."""

Scored = Callable[[Mapping[str, jax.Array]], tuple[jax.Array, list[jax.Array]]]
"""From the zeros that are added at taps to the scores and the values at the taps."""
At = Callable[[str, jax.Array], jax.Array]


def noting(scored: Scored, zeros: Mapping[str, jax.Array]) -> Callable[..., Any]:
    """`scored`, taking the same zeros and a tap: every value that something is added to goes
    through ``at(name, value)``; answers the biases by those names too.
    """
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)
    jaxpr, tree = closed.jaxpr, jax.tree.structure(shapes)

    def noted(zeros: Mapping[str, jax.Array], at: At) -> tuple[Any, dict[str, jax.Array]]:
        read: dict[Any, jax.Array] = dict(zip(jaxpr.constvars, closed.consts, strict=True))
        read.update(zip(jaxpr.invars, jax.tree.leaves(zeros), strict=True))
        taps = {out for out in jaxpr.outvars[1:] if not isinstance(out, jax_core.Literal)}
        moving = set(jaxpr.invars)
        biases: dict[str, jax.Array] = {}
        for equation in jaxpr.eqns:
            own = _variables(equation)
            run, given = _alone(jaxpr, equation, own), [read[variable] for variable in own]
            answers, moves = run(*given), [variable in moving for variable in own]
            if any(moves):
                moving.update(equation.outvars)
            if any(moves) and not taps.intersection(equation.outvars):
                for place, bias in enumerate(_added(equation, run, given, moves)):
                    name = f"bias {len(biases)}"
                    biases[name] = bias
                    answers[place] = at(name, answers[place])
            read.update(zip(equation.outvars, answers, strict=True))
        found = [v.val if isinstance(v, jax_core.Literal) else read[v] for v in jaxpr.outvars]
        return jax.tree.unflatten(tree, found), biases

    return noted


def _variables(equation: Any) -> list[Any]:
    """What an equation reads, each once; numbers written into it left out."""
    return list(dict.fromkeys(v for v in equation.invars if not isinstance(v, jax_core.Literal)))


def _alone(jaxpr: Any, equation: Any, read: Sequence[Any]) -> Callable[..., list[Any]]:
    """One equation as a function of what it reads."""
    alone = jaxpr.replace(
        constvars=[], invars=list(read), outvars=list(equation.outvars), eqns=[equation]
    )
    return jax_core.jaxpr_as_fun(jax_core.ClosedJaxpr(alone, []))


def _added(
    equation: Any, run: Callable[..., list[Any]], given: Sequence[Any], moves: Sequence[bool]
) -> Sequence[jax.Array]:
    """What is added to each answer; empty where that is nothing."""
    operands = [own for own in equation.invars if not _still(own, equation, moves)]
    if _adds_nothing(_name(equation), equation.invars, operands):
        return []
    moved = tuple(own for own, moving in zip(given, moves, strict=True) if moving)
    if not all(jnp.issubdtype(own.dtype, jnp.floating) for own in moved):
        return []

    def of_those(*others: Any) -> list[Any]:
        rest = iter(others)
        return run(*(next(rest) if m else own for own, m in zip(given, moves, strict=True)))

    values, along = jax.jvp(of_those, moved, moved)
    if not all(jnp.issubdtype(value.dtype, jnp.floating) for value in values):
        return []
    return [value - change for value, change in zip(values, along, strict=True)]


def _still(operand: Any, equation: Any, moves: Sequence[bool]) -> bool:
    """Whether an operand is a constant here."""
    moving = dict(zip(_variables(equation), moves, strict=True))
    return isinstance(operand, jax_core.Literal) or not moving[operand]


def _adds_nothing(name: str, operands: Sequence[Any], moving: Sequence[Any]) -> bool:
    if name in SUMS and len(moving) > 1:
        return True
    if name in PRODUCTS:
        return len(moving) == 1
    if name == "div":
        return len(moving) == 1 and moving[0] is operands[0]
    numbers = [own.val for own in operands if isinstance(own, jax_core.Literal)]
    return name in HOMOGENEOUS or (name == "max" and numbers == [0])


def _name(equation: Any) -> str:
    """The primitive, or the function that was traced into a part of its own."""
    name = equation.primitive.name
    parts = {"jit", "pjit", "custom_jvp_call"}
    return equation.params.get("name", name) if name in parts else name
