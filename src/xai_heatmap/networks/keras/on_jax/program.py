"""Forward and backward pass in JAX, as two jitted functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.networks.keras.on_jax.survey import without_closing
from xai_heatmap.networks.opening.interfaces import Recorded
from xai_heatmap.networks.rules import GRADIENT, JAX, BackwardRule, implemented_by

Values = list[jax.Array]
"""Values of all variables of a model, in the order of the model."""


class Opened:
    """Compiled forward and backward pass, one for each shape of the input.

    What runs is handed in with every call and dropped after it, so a program that is kept keeps no
    model.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        rule: BackwardRule = GRADIENT,
    ) -> None:
        self._names, self._rule = names, rule
        self._run: Any = None
        self._leave_out: Any = None
        self._shapes: dict[Any, _Traced] = {}
        self._forward = jax.jit(self._traced)
        self._backward = jax.jit(lambda pull, cotangent: pull(cotangent)[0])

    def __call__(
        self,
        run: Callable[..., jax.Array],
        values: Values,
        image: Any,
        *,
        leave_out: Any,
        images: int | None = None,
    ) -> Recorded:
        """Recording of one forward pass, cut to the first `images` rows."""
        passed = self.passed(run, values, image, leave_out=leave_out)
        scores, taps, traced = passed.scores, passed.taps, passed.traced
        added = {name: array(bias)[:images] for name, bias in passed.biases.items()}
        outputs = {name: array(tap)[:images] for name, tap in zip(traced.taps, taps, strict=True)}

        def pullback(cotangent: Native) -> dict[str, Native]:
            padded = np.zeros(scores.shape, np.float32)
            padded[: len(cotangent)] = cotangent
            gradients = self._backward(passed.pull, padded)
            if self._rule.kind == "slope":  # nothing goes back from the reference
                gradients = {
                    tap: jnp.concatenate([own, jnp.zeros_like(own)])
                    for tap, own in gradients.items()
                }
            pulled = {
                name: array(gradients[tap])[:images]
                if tap in gradients
                else np.zeros(outputs[tap].shape, np.float32)
                for name, tap in traced.names.items()
            }
            return pulled | {name: array(gradients[name])[:images] for name in added}

        named = {name: outputs[tap] for name, tap in traced.names.items()}
        return Recorded(array(scores)[:images], named, pullback, biases=added)

    def passed(
        self, run: Callable[..., jax.Array], values: Values, image: Any, *, leave_out: Any
    ) -> "Passed":
        """One forward pass, whose values stay where they are."""
        self._run, self._leave_out = run, leave_out
        try:
            scores, taps, biases, residuals = self._forward(values, image)
        finally:
            self._run = None
        traced = self._shapes[_shapes_of(image)]
        return Passed(scores, taps, biases, traced.pull(residuals, values), traced)

    def _traced(
        self, values: Values, image: Any
    ) -> tuple[jax.Array, list[jax.Array], dict[str, jax.Array], list[Any]]:
        """Runs in Python once for each shape."""
        taps = Taps()

        def scored(zeros: Mapping[str, jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
            taps.start(zeros)
            scores = self._run(values, image, taps.at)
            return scores, list(taps.values.values())

        jax.eval_shape(scored, {})
        zeros = {
            name: jnp.zeros(value.shape, value.dtype)
            for name, value in taps.values.items()
            if jnp.issubdtype(value.dtype, jnp.floating)
        }
        if self._leave_out is not None:
            scored = without_closing(scored, zeros)
        noted, zeros = _ruled(self._rule, scored, zeros, image)

        def differentiated(zeros: Mapping[str, jax.Array]) -> tuple[jax.Array, Any]:
            scores, *rest = noted(zeros)
            return scores.astype(jnp.float32), rest

        scores, pull, (outputs, *biases) = jax.vjp(differentiated, zeros, has_aux=True)
        leaves, tree = jax.tree.flatten(pull)
        lent = {id(value): number for number, value in enumerate(values)}
        places = [lent.get(id(leaf)) for leaf in leaves]
        self._shapes[_shapes_of(image)] = _Traced(tree, places, list(taps.values), dict(taps.names))
        return (
            scores,
            outputs,
            biases[0] if biases else {},
            [leaf for leaf, at in zip(leaves, places, strict=True) if at is None],
        )


def _ruled(
    rule: BackwardRule, scored: Callable[..., Any], zeros: Mapping[str, jax.Array], image: Any
) -> tuple[Callable[..., Any], Mapping[str, jax.Array]]:
    """`scored` with the derivative of a backward rule, and the zeros to differentiate by.

    JAX carries a backward rule out by a function of `scored` and the zeros that returns another
    `scored`, whose derivative follows the rule. The function of a rule of slopes also takes the
    zeros of the second run; the function of a rule of bias terms is like `bias_terms.noting`.
    """
    if rule is GRADIENT:
        return scored, zeros
    carried_out = implemented_by(rule, JAX)
    if rule.kind == "terms":
        return _noted(carried_out, scored, zeros)
    if rule.kind == "slope":
        return carried_out(scored, zeros, _apart(zeros, image)), zeros
    return carried_out(scored, zeros), zeros


def _apart(zeros: Mapping[str, jax.Array], given: Mapping[str, Any]) -> dict[str, jax.Array]:
    """Difference of reference and activation, to be added at each tap."""
    apart: jax.Array = given["reference"] - given["activation"]
    return dict.fromkeys(zeros, apart)


def _noted(
    noting: Callable[..., Any], scored: Callable[..., Any], zeros: Mapping[str, jax.Array]
) -> tuple[Callable[..., Any], dict[str, jax.Array]]:
    """`scored` that also returns bias terms, and all zeros: at taps and at bias terms."""
    inner = noting(scored, zeros)
    found: dict[str, jax.Array] = {}

    def noted(every: Mapping[str, jax.Array]) -> tuple[jax.Array, Any, dict[str, jax.Array]]:
        def at(name: str, value: jax.Array) -> jax.Array:
            found[name] = value
            return value + every[name] if name in every else value

        (scores, outputs), biases = inner({name: every[name] for name in zeros}, at)
        return scores, outputs, biases

    jax.eval_shape(noted, dict(zeros))
    beside = {name: jnp.zeros(value.shape, value.dtype) for name, value in found.items()}
    return noted, {**zeros, **beside}


@dataclass(frozen=True)
class Passed:
    """A forward pass in JAX.

    Parameters
    ----------
    scores, taps, biases
        As they came out; taps in the order of `traced.taps`.
    pull
        The way back, a pytree.
    traced
        Names of the taps.
    """

    scores: jax.Array
    taps: Sequence[jax.Array]
    biases: Mapping[str, jax.Array]
    pull: Any
    traced: "_Traced"


@dataclass(frozen=True)
class _Traced:
    """Result of tracing: structure of the backward pass, and the tap of every name."""

    tree: Any
    places: Sequence[int | None]
    taps: Sequence[str]
    names: Mapping[str, str]

    def pull(self, residuals: Sequence[Any], values: Values) -> Any:
        """Backward pass, rebuilt from the residuals of the forward pass and the weights."""
        rest = iter(residuals)
        return jax.tree.unflatten(
            self.tree, [next(rest) if place is None else values[place] for place in self.places]
        )


@dataclass
class Taps:
    """Values at every tap of one trace; layers with the same value share a tap."""

    values: dict[str, jax.Array] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    _zeros: Mapping[str, jax.Array] = field(default_factory=dict)

    def start(self, zeros: Mapping[str, jax.Array]) -> None:
        """Start a new trace, in which `zeros` are added at the taps."""
        self.values.clear()
        self.names.clear()
        self._zeros = zeros

    def at(self, name: str, value: jax.Array) -> jax.Array:
        """Add the zeros that the scores are differentiated by."""
        for tap, known in self.values.items():
            if known is value:
                self.names[name] = tap
                return value
        self.names[name] = name
        self.values[name] = value + self._zeros[name] if name in self._zeros else value
        return self.values[name]


def _shapes_of(given: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(leaf.shape) for leaf in jax.tree.leaves(given))


def array(value: jax.Array) -> np.ndarray:
    """Array as numpy: real numbers as float32; shares memory where possible."""
    values = np.asarray(value)
    return (
        values.astype(np.float32, copy=False)
        if jnp.issubdtype(value.dtype, jnp.floating)
        else values
    )
