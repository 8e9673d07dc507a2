"""Scores and maps in jitted JAX functions: forward, choice, backward and formulas in one, or the
way back in one of its own, for several targets of one pass.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import LayerNotReached
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.networks.keras.formulas import Pieces, at_taps, seed
from xai_heatmap.networks.keras.on_jax.program import Opened, Taps, Values, array
from xai_heatmap.networks.keras.on_jax.survey import without_closing
from xai_heatmap.networks.opening.fusing import Mapped, MappedPass, Ran

Run = Callable[[Values, jax.Array, Callable[[str, Any], Any]], jax.Array]
"""From the values of a model, a picture and what stands at its taps to scores."""


class _Maps:
    """Maps at taps, inside a function that is traced.

    Parameters
    ----------
    maps
        The maps.
    names
        Names of the taps that they are made at, in the same order.
    judged
        Whether what a verdict needs comes out too.
    """

    def __init__(self, maps: Sequence[Mapped], names: Sequence[str], *, judged: bool) -> None:
        self._asked = [
            (name, own.layout, own.formula) for own, name in zip(maps, names, strict=True)
        ]
        self.judged = judged
        self.pieces = Pieces((), (), ())

    def made(
        self,
        activations: Mapping[str, jax.Array],
        gradients: Mapping[str, jax.Array],
        taps: Mapping[str, str],
    ) -> list[jax.Array]:
        """The maps of activations and gradients by the names of taps, given the tap of each name.

        Raises
        ------
        LayerNotReached
            If a layer did not run.
        """
        if not {name for name, *_ in self._asked} <= set(taps):
            raise LayerNotReached("A layer of this program did not run.")
        asked = [(taps[name], layout, formula) for name, layout, formula in self._asked]
        found, self.pieces = at_taps(asked, activations, gradients, judged=self.judged)
        return found

    def apart(self, found: Sequence[Any]) -> Any:
        """What came out of `made`, map by map."""
        return self.pieces.apart([np.asarray(one) for one in found], judged=self.judged)


class FusedProgram:
    """A jitted function of one shape; what runs is handed in with every call and dropped after it,
    so that a program keeps no model.

    Parameters
    ----------
    maps, names, judged
        The maps, the taps of each, and whether what a verdict needs comes out too.
    link
        As of a seed.
    """

    def __init__(
        self, maps: Sequence[Mapped], names: Sequence[str], link: Link, *, judged: bool
    ) -> None:
        self._maps = _Maps(maps, names, judged=judged)
        self._link: Link = link
        self._run: Any = None
        self._leave_out: Any = None
        self._function = jax.jit(self._traced)

    def __call__(
        self, run: Run, values: Values, image: Any, seeds: Seeds, *, leave_out: Any
    ) -> Ran:
        """Run the function."""
        self._run, self._leave_out = run, leave_out
        classes = seeds.classes.astype(np.int32)
        try:
            scores, pulled, *found = self._function(values, image, classes, seeds.weights)
        finally:
            self._run = None
        return Ran(np.asarray(scores), np.asarray(pulled), *self._maps.apart(found))

    def _traced(self, values: Values, image: jax.Array, classes: Any, weights: Any) -> list[Any]:
        """Runs in Python once for each shape."""
        taps = Taps()

        def scored(zeros: Mapping[str, jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
            taps.start(zeros)
            scores = self._run(values, image, taps.at)
            return scores, list(taps.values.values())

        jax.eval_shape(scored, {})
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
        return [scores, pulled, *self._maps.made(activations, gradients, names)]


class MappedProgram:
    """A jitted forward pass of one shape, and a jitted way back from it to maps.

    Its maps always come with their strongest places: one program serves both, and XLA's code for
    the maps alone takes longer.

    Parameters
    ----------
    maps, names
        As of a `FusedProgram`.
    """

    def __init__(self, maps: Sequence[Mapped], names: Sequence[str]) -> None:
        self._maps = _Maps(maps, names, judged=True)
        self._opened = Opened(list(dict.fromkeys(names)))
        self._taps: Sequence[str] = ()
        self._names: Mapping[str, str] = {}
        self._backward = jax.jit(self._traced)

    def __call__(self, run: Run, values: Values, image: Any, *, leave_out: Any) -> MappedPass:
        """Run forwards."""
        passed = self._opened.passed(run, values, image, leave_out=leave_out)
        self._taps, self._names = passed.traced.taps, passed.traced.names
        scores = array(passed.scores)

        def pull(cotangent: Native) -> Ran:
            seeds = np.asarray(cotangent, np.float32)
            found = self._backward(passed.pull, seeds, passed.taps)
            return Ran(scores, cotangent, *self._maps.apart(found))

        return MappedPass(scores, pull)

    def _traced(self, pull: Any, cotangent: jax.Array, taps: Sequence[jax.Array]) -> Any:
        """Runs in Python once."""
        gradients, activations = pull(cotangent)[0], dict(zip(self._taps, taps, strict=True))
        return self._maps.made(activations, gradients, self._names)
