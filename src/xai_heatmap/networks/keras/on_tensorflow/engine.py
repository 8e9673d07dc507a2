"""Engine of Keras on TensorFlow: surveys a model by the graph, differentiates and replays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.networks.keras.attention import WrittenOut, softmaxes
from xai_heatmap.networks.keras.on_tensorflow.fused import fused_program, mapped_program
from xai_heatmap.networks.keras.on_tensorflow.graph import traced
from xai_heatmap.networks.keras.on_tensorflow.head import TensorflowHead
from xai_heatmap.networks.keras.on_tensorflow.held import fed, holding, specs
from xai_heatmap.networks.keras.on_tensorflow.passes import Passes
from xai_heatmap.networks.keras.on_tensorflow.program import running
from xai_heatmap.networks.keras.on_tensorflow.survey import Watch, shapes
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.compile_cache import undo_key
from xai_heatmap.networks.opening.fusing import Mapped, MappedPass, Ran, told_apart
from xai_heatmap.networks.opening.interfaces import Adapter, ModelTrace, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, overheard


class TensorflowEngine(Passes):
    """Follows, differentiates and replays values in TensorFlow graphs."""

    def survey(self, adapter: Adapter, x: Native) -> ModelTrace:
        """Survey the model by building one graph; no number is computed."""
        self._keras.turned(adapter.axes).holding(adapter.held).build(x)
        watch = Watch()

        def watched(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
            watch.image = image
            own = holding(adapter, held)
            with running(own, Undo()), overheard(own.parts(), own.method, watch.at):
                watch.scores = own.scores(image)
            return watch.scores

        with tf.init_scope():
            graph = traced(watched, x.shape, specs(adapter, None))
            given = [tf.constant(x, tf.float32), *fed(adapter)]
        return watch.sightings(adapter.parts(), shapes(watch.values, graph, given))

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
        """Scores and maps of one call of one function, compiled once and kept."""
        program = self._mapping("fused", adapter, x, maps, undo, seeds.link, judged)
        return program(tf.constant(x, tf.float32), fed(adapter), seeds)

    def mapping(
        self, adapter: Adapter, x: Native, maps: Sequence[Mapped], undo: Undo, *, judged: bool
    ) -> MappedPass:
        """One forward pass by a function, of which a second one runs back to the maps."""
        program = self._mapping("mapped", adapter, x, maps, undo, None, judged)
        return program(tf.constant(x, tf.float32), fed(adapter))

    def _mapping(
        self,
        kind: str,
        adapter: Adapter,
        x: Native,
        maps: Sequence[Mapped],
        undo: Undo,
        link: Link | None,
        judged: bool,
    ) -> Any:
        one = len(x) == 1  # whose shapes are all known: products of matrices and no batches
        how = undo_key(undo), x.shape[1:], link, judged, one

        def build(images: int | None) -> Any:
            shape = 1 if one else images, *x.shape[1:]
            if link is None:
                return mapped_program(adapter, shape, maps, undo, judged=judged)
            return fused_program(adapter, shape, maps, undo, link, judged=judged)

        return self.program(self.key_of(kind, adapter, told_apart(maps), *how), build, len(x))

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """Recording of one forward pass, opened at the softmax layers of attention layers."""
        return self.record(WrittenOut(adapter), x, softmaxes(adapter), undo)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> TensorflowHead:
        """Head behind `site` for the one image `x`."""
        return TensorflowHead(self, adapter, x, name, site, undo, whole=whole)
