"""Passes in JAX: a jitted forward pass returns scores, taps and residuals of the backward pass.

The way back, `jax.vjp` by zeros added at the taps, is a pytree: it leaves the jitted forward pass
as an answer and enters the jitted backward pass as an argument. Weights are arguments too, so new
values need no new program; those that the way back reads are not copied out but put back from where
they are.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import repeat
from operator import attrgetter, is_not
from typing import Any

import jax
import jax.numpy as jnp
import keras

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.keras.attention import WrittenOut
from xai_heatmap.networks.keras.on_jax.program import Opened, Values
from xai_heatmap.networks.opening.compile_cache import Built, compiled, undo_key
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, tapped
from xai_heatmap.networks.rules import GRADIENT, BackwardRule


class Passes:
    """Passes through one model, each a cached program.

    Parameters
    ----------
    adapter
        The model whose programs these are.
    kept
        What is remembered of the model between calls; nothing in it refers to the model.
    """

    def __init__(self, adapter: Built, *, kept: dict[Any, Any]) -> None:
        self._keras = adapter
        self.structure = adapter.structure
        self.programs: OrderedDict[Any, Any] = kept.setdefault("programs", OrderedDict())

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
    ) -> Recorded:
        """Recording of one forward pass, opened at `sites`."""
        adapter = WrittenOut(adapter) if rule.opens_attention else adapter
        taps = tuple((name, id(site.part), site.call) for name, site in sites.items())
        own = (adapter.held.key, adapter.axes), rule
        key = "record", taps, undo_key(undo), x.shape, self.structure(), *own
        program = compiled(self.programs, key, lambda: Opened(list(sites), rule=rule))
        inner = {name: site for name, site in sites.items() if name != INPUT}

        def run(values: Values, image: jax.Array, at: Callable[[str, Any], Any]) -> jax.Array:
            with (
                self.running(adapter, values, undo) as model,
                tapped(inner, adapter.method, at),
            ):
                start = at(INPUT, image) if INPUT in sites else image
                return model.scores(start)

        return program(run, self.values(adapter), jnp.asarray(x, jnp.float32), leave_out=undo.mark)

    def values(self, adapter: Adapter) -> Values:
        """Current values of the variables, followed by the held inputs."""
        held = [jnp.asarray(array) for array in adapter.held.arrays]
        return [*_current(self._keras.variables()), *held]

    @contextmanager
    def running(self, adapter: Adapter, values: Values, undo: Undo) -> Iterator[Adapter]:
        """Context of a pass, in which the model reads `values` and writes no variable."""
        variables, held = self._keras.variables(), adapter.held
        own = held.with_arrays(values[len(variables) :])
        with ExitStack() as stack:
            stack.enter_context(adapter.ready())
            stack.enter_context(keras.StatelessScope(zip(variables, values, strict=False)))
            stack.enter_context(adapter.undone(undo.part))
            yield adapter.holding(own) if held else adapter


_VALUE = attrgetter("_value")


def _current(variables: Sequence[keras.Variable]) -> Values:
    """Values of variables. Each asks for the scopes around it, which takes longer than the call of
    a small model; where the first answers what it holds itself, there are none.
    """
    try:
        own: list[Any] = list(map(_VALUE, variables))
    except AttributeError:
        own = []
    if own and variables[0].value is own[0] and all(map(is_not, own, repeat(None))):
        return own
    return [variable.value for variable in variables]
