"""Engine of Keras on JAX: surveys a model by the trace, differentiates and replays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.fused import Seeds
from xai_heatmap.networks.keras.attention import WrittenOut, softmaxes
from xai_heatmap.networks.keras.on_jax.fused import FusedProgram
from xai_heatmap.networks.keras.on_jax.head import JaxHead
from xai_heatmap.networks.keras.on_jax.passes import Passes
from xai_heatmap.networks.keras.on_jax.program import Values
from xai_heatmap.networks.keras.on_jax.survey import sightings
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.compile_cache import compiled, undo_key
from xai_heatmap.networks.opening.fusing import Mapped, Ran
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, overheard, tapped


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
    ) -> Ran:
        """Scores and maps of one call of one jitted function, compiled once and kept."""
        sites = {(id(own.site.part), own.site.call): own.site for own in maps}
        names = [f"{[*sites].index((id(own.site.part), own.site.call))}" for own in maps]
        inner = {f"{number}": site for number, site in enumerate(sites.values())}
        asked = tuple((id(own.site.part), own.site.call, own.layout, own.formula) for own in maps)
        own_ = undo_key(undo), x.shape, self.structure(), adapter.held.key, adapter.axes
        key = "fused", asked, *own_, seeds.link, judged, seeds.classes.shape
        program = compiled(
            self.programs, key, lambda: FusedProgram(maps, names, seeds.link, judged=judged)
        )

        def run(values: Values, image: jax.Array, at: Callable[[str, Any], Any]) -> jax.Array:
            with self.running(adapter, values, undo) as model, tapped(inner, adapter.method, at):
                return model.scores(image)

        given = self.values(adapter), jnp.asarray(x, jnp.float32), seeds
        return program(run, *given, leave_out=undo.mark)

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of one forward pass, opened at the softmax layers of attention layers."""
        return self.record(WrittenOut(adapter), x, softmaxes(adapter), undo)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> JaxHead:
        """Head behind `site` for the one image `x`."""
        return JaxHead(self, adapter, x, name, site, undo, whole=whole)
