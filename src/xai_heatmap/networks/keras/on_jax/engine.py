"""Engine of Keras on JAX: surveys a model by the trace, differentiates and replays."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.fused import Seeds
from xai_heatmap.networks.keras.attention import WrittenOut, softmaxes
from xai_heatmap.networks.keras.on_jax.fused import FusedProgram, MappedProgram, Run
from xai_heatmap.networks.keras.on_jax.head import JaxHead
from xai_heatmap.networks.keras.on_jax.passes import Passes
from xai_heatmap.networks.keras.on_jax.program import Values
from xai_heatmap.networks.keras.on_jax.survey import sightings
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.compile_cache import compiled, undo_key
from xai_heatmap.networks.opening.fusing import Mapped, MappedPass, Ran, told_apart, unique
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, overheard, tapped

FEW = 8
"""Layers of one jitted function there and back, at most."""


class JaxEngine(Passes):
    """Follows, differentiates and replays values in jitted JAX functions."""

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """Trace once and read the trace; no number is computed."""
        self._keras.turned(adapter.axes).holding(adapter.held).build(x)
        seen: list[tuple[str, int, tuple[int, ...]]] = []
        last: list[str] = []

        def watched(values: Values, image: jax.Array) -> tuple[list[jax.Array], jax.Array]:
            watch: list[tuple[str, int, jax.Array]] = []

            def at(path: str, call: int, value: jax.Array) -> jax.Array:
                watch.append((path, call, value))
                return value

            with (
                self.running(adapter, values, Undo()) as model,
                overheard(adapter.parts(), adapter.method, at),
            ):
                scores = model.scores(image)
            last.extend(path for path, _, value in reversed(watch) if value is scores)
            seen.extend((path, call, tuple(value.shape)) for path, call, value in watch)
            return [value for *_, value in watch], scores

        closed = jax.make_jaxpr(watched)(self.values(adapter), jnp.asarray(x, jnp.float32))
        return sightings(closed.jaxpr, adapter.parts(), seen, last)

    def consumed(self, adapter: Adapter, shape: tuple[int, ...]) -> Consumed:
        """Channel axis of an input, by the layers of the model."""
        del adapter
        return self._keras.consumed(shape)

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """Output of every site, in one forward pass."""
        return self.record(adapter, x, sites, Undo()).outputs

    def fused(
        self,
        adapter: Adapter,
        x: Native,
        maps: Sequence[Mapped],
        undo: Undo,
        seeds: Seeds,
        *,
        judged: bool,
    ) -> Ran | None:
        """Scores and maps of one call of one jitted function, compiled once and kept; None of many
        layers, for which the compiler makes slower code than for the two ways apart.
        """
        sites, names = unique(maps)
        if len(sites) > FEW:
            return None
        key = self._key("fused", adapter, x, maps, undo), seeds.link, judged, seeds.classes.shape
        program = compiled(
            self.programs, key, lambda: FusedProgram(maps, names, seeds.link, judged=judged)
        )
        given = self.values(adapter), np.asarray(x, np.float32), seeds
        return program(self._runs(adapter, sites, undo), *given, leave_out=undo.mark)

    def mapping(
        self, adapter: Adapter, x: Native, maps: Sequence[Mapped], undo: Undo, *, judged: bool
    ) -> MappedPass:
        """One forward pass by a jitted function, of which a second one runs back to the maps."""
        del judged
        sites, names = unique(maps)
        key = self._key("mapped", adapter, x, maps, undo)
        program = compiled(self.programs, key, lambda: MappedProgram(maps, names))
        given = self.values(adapter), np.asarray(x, np.float32)
        return program(self._runs(adapter, sites, undo), *given, leave_out=undo.mark)

    def _key(
        self, kind: str, adapter: Adapter, x: Native, maps: Sequence[Mapped], undo: Undo
    ) -> Hashable:
        held = adapter.held.key, adapter.axes
        return kind, told_apart(maps), undo_key(undo), x.shape, self.structure(), held

    def _runs(self, adapter: Adapter, sites: Mapping[str, Site], undo: Undo) -> Run:
        def run(values: Values, image: jax.Array, at: Callable[[str, Any], Any]) -> jax.Array:
            with self.running(adapter, values, undo) as model, tapped(sites, adapter.method, at):
                return model.scores(image)

        return run

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of one forward pass, opened at the softmax layers of attention layers."""
        return self.record(WrittenOut(adapter), x, softmaxes(adapter), undo)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> JaxHead:
        """Head behind `site` for the one image `x`."""
        return JaxHead(self, adapter, x, name, site, undo, whole=whole)
