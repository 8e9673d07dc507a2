"""Survey of a model by tracing a JAX function; no number is computed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.extend import core as jax_core

from xai_heatmap.core.layers.placing import Window, read_by
from xai_heatmap.networks.keras.on_jax.windows import windows_of
from xai_heatmap.networks.opening.interfaces import Closing, LayerCall, ModelTrace
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.opening.shifting import may_shift

SUMS = ("add", "add_any")
PASSING = ("broadcast_in_dim", "stop_gradient", "copy")
"""Primitives that pass every value on unchanged."""


def sightings(
    jaxpr: Any,
    parts: Mapping[str, object],
    seen: Sequence[tuple[str, int, tuple[int, ...]]],
    last: Sequence[str],
) -> ModelTrace:
    """Model trace of a jaxpr whose outputs are the outputs of every part, then the scores."""
    numbers: dict[Any, int] = {}

    def number(value: Any) -> int:
        return numbers.setdefault(
            id(value) if isinstance(value, jax_core.Literal) else value, len(numbers)
        )

    sources: dict[int, list[int]] = {}
    sums, passing = set[int](), set[int]()
    windows: dict[int, list[Window]] = {}
    for equation in jaxpr.eqns:
        made_of = [number(v) for v in equation.invars if not isinstance(v, jax_core.Literal)]
        for out in equation.outvars:
            sources[number(out)] = made_of
            if _name(equation) in SUMS:
                sums.add(number(out))
            if not mixes(_name(equation)):
                passing.add(number(out))
        if found := read_by(windows_of, equation):
            windows |= dict.fromkeys(map(number, equation.outvars), found)
    *values, scores = jaxpr.outvars
    known = {*jaxpr.invars, *(out for e in jaxpr.eqns for out in e.outvars)}
    calls = [
        LayerCall(path, call, type(parts[path]).__name__, shape, number(value))
        for (path, call, shape), value in zip(seen, values, strict=True)
        if isinstance(value, jax_core.Literal) or value in known  # not so inside of a loop
    ]
    closing, _ = _closing(jaxpr, scores)
    return ModelTrace(
        calls,
        sources,
        number(jaxpr.invars[-1]),
        number(scores),
        frozenset(sums),
        last,
        closing,
        "left out" if closing else None,
        tuple(scores.aval.shape),
        passing=frozenset(passing),
        shifting=any(map(_may_shift, jaxpr.eqns)),
        windows=windows,
    )


def without_closing(
    scored: Callable[..., Any], zeros: Mapping[str, jax.Array]
) -> Callable[..., Any]:
    """`scored` with the scores before the final activation, which the last steps compute."""
    closed, shapes = jax.make_jaxpr(scored, return_shape=True)(zeros)
    jaxpr = closed.jaxpr
    _, before = _closing(jaxpr, jaxpr.outvars[0])
    opened = jaxpr.replace(outvars=[before, *jaxpr.outvars[1:]])
    run = jax_core.jaxpr_as_fun(jax_core.ClosedJaxpr(opened, closed.consts))
    tree = jax.tree.structure(shapes)
    return lambda zeros: jax.tree.unflatten(tree, run(*jax.tree.leaves(zeros)))


def _closing(jaxpr: Any, output: Any) -> tuple[Closing | None, Any]:
    """Final activation that computed `output`, and the argument of that activation."""
    made = {out: equation for equation in jaxpr.eqns for out in equation.outvars}

    def step(value: Any, *names: str) -> Any:
        """Equation that made `value`, if named in `names`; steps in `PASSING` are skipped."""
        equation = None if isinstance(value, jax_core.Literal) else made.get(value)
        while equation is not None and equation.primitive.name in PASSING:
            source = equation.invars[0]
            equation = None if isinstance(source, jax_core.Literal) else made.get(source)
        return equation if equation is not None and _name(equation) in names else None

    if last := step(output, "logistic", "log_softmax"):
        return ("sigmoid" if _name(last) == "logistic" else "softmax"), last.invars[0]
    divided = step(output, "div")
    power, total = (
        (step(divided.invars[0], "exp"), step(divided.invars[1], "reduce_sum"))
        if divided
        else (None, None)
    )
    shifted = step(power.invars[0], "sub") if power else None
    if total and shifted and step(total.invars[0], "exp") is power:
        return "softmax", shifted.invars[0]
    return None, output


def _may_shift(equation: Any) -> bool:
    """Whether a step of the trace, or a step of its inner jaxprs, may move places."""
    before, after = (
        getattr(ends[0].aval, "shape", None) if ends else None
        for ends in (equation.invars, equation.outvars)
    )
    if may_shift(equation.primitive.name, before, after):
        return True
    inner = [getattr(value, "jaxpr", value) for value in equation.params.values()]
    return any(_may_shift(step) for own in inner for step in getattr(own, "eqns", ()))


def _name(equation: Any) -> str:
    return (
        equation.params["name"]
        if equation.primitive.name in {"jit", "pjit"}
        else equation.primitive.name
    )


def upstream(jaxpr: Any) -> set[Any]:
    """Variables of a jaxpr on which the outputs depend."""
    used = {value for value in jaxpr.outvars if not isinstance(value, jax_core.Literal)}
    for equation in reversed(jaxpr.eqns):
        if any(out in used for out in equation.outvars):
            used.update(v for v in equation.invars if not isinstance(v, jax_core.Literal))
    return used
