"""Scores and maps in one jitted JAX function: forward, choice, backward and formulas."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.errors import LayerNotReached
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.networks.keras.formulas import mapped, seed
from xai_heatmap.networks.keras.on_jax.program import Taps, Values
from xai_heatmap.networks.keras.on_jax.survey import without_closing
from xai_heatmap.networks.opening.fusing import Mapped, Ran, result

Run = Callable[[Values, jax.Array, Callable[[str, Any], Any]], jax.Array]
"""From the values of a model, a picture and what stands at its taps to scores."""


class FusedProgram:
    """A jitted function of one shape; what runs is handed in with every call and dropped after it,
    so that a program keeps no model.

    Parameters
    ----------
    maps
        The maps.
    names
        Names of the taps that they are made at, in the same order.
    link, judged
        As of a seed, and whether what a verdict needs comes out too.
    """

    def __init__(
        self, maps: Sequence[Mapped], names: Sequence[str], link: Link, *, judged: bool
    ) -> None:
        self._asked = [
            (own.layout, own.formula, name) for own, name in zip(maps, names, strict=True)
        ]
        self._link: Link = link
        self._judged = judged
        self._run: Any = None
        self._leave_out: Any = None
        self._function = jax.jit(self._traced)

    def __call__(
        self, run: Run, values: Values, image: jax.Array, seeds: Seeds, *, leave_out: Any
    ) -> Ran:
        """Run the function."""
        self._run, self._leave_out = run, leave_out
        classes = seeds.classes.astype(np.int32)
        try:
            found = self._function(values, image, classes, seeds.weights)
        finally:
            self._run = None
        return result([np.asarray(one) for one in found], judged=self._judged)

    def _traced(self, values: Values, image: jax.Array, classes: Any, weights: Any) -> list[Any]:
        """Runs in Python once for each shape."""
        taps = Taps()

        def scored(zeros: Mapping[str, jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
            taps.start(zeros)
            scores = self._run(values, image, taps.at)
            return scores, list(taps.values.values())

        jax.eval_shape(scored, {})
        if not {name for *_, name in self._asked} <= set(taps.names):
            raise LayerNotReached("A layer of this program did not run.")
        zeros = {name: jnp.zeros(own.shape, own.dtype) for name, own in taps.values.items()}
        kept, names = list(taps.values), dict(taps.names)
        if self._leave_out is not None:
            scored = without_closing(scored, zeros)

        def differentiated(zeros: Mapping[str, jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
            scores, outputs = scored(zeros)
            return scores.astype(jnp.float32), outputs

        scores, pull, outputs = jax.vjp(differentiated, zeros, has_aux=True)
        pulled = seed(scores, classes, weights, self._link)
        gradients, activations = pull(pulled)[0], dict(zip(kept, outputs, strict=True))
        found = [scores, pulled]
        for layout, formula, name in self._asked:
            own = activations[names[name]], gradients[names[name]], layout, formula
            found += mapped(*own, judged=self._judged)
        return found
