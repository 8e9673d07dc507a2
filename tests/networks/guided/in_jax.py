"""In JAX: a trace in which what a ReLU answers goes through a function with another derivative."""

import jax
import jax.numpy as jnp

from guided import GUIDED
from xai_heatmap.networks.keras.on_jax.canonical import OPERATORS
from xai_heatmap.networks.keras.on_jax.steps import steps, value
from xai_heatmap.networks.rules import JAX, implements, treated

TREATED = treated(OPERATORS, GUIDED)


@jax.custom_vjp
def guided(x):
    return x


guided.defvjp(lambda x: (x, None), lambda _, gradient: (jnp.maximum(gradient, 0),))


@implements(GUIDED, JAX)
def guiding(scored, zeros):
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)

    def run(zeros):
        jaxpr = closed.jaxpr
        read = dict(zip(jaxpr.constvars, closed.consts, strict=True))
        read.update(zip(jaxpr.invars, jax.tree.leaves(zeros), strict=True))
        for step in steps(jaxpr):
            answers = step(*(read[own] for own in step.variables))
            if TREATED.get(step.function) == "positive":
                answers = [guided(own) for own in answers]
            read.update(zip(step.outs, answers, strict=True))
        found = [value(own, read) for own in jaxpr.outvars]
        return jax.tree.unflatten(jax.tree.structure(shapes), found)

    return run
