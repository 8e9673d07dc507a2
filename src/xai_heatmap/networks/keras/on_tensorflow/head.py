"""The network behind one layer in TensorFlow, for one image, as two functions of a graph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import NoRule
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.keras.on_tensorflow.graph import (
    array,
    cut_out,
    operations,
    read_by,
    spread_to,
    traced,
)
from xai_heatmap.networks.keras.on_tensorflow.held import fed, holding, specs
from xai_heatmap.networks.keras.on_tensorflow.passes import Passes
from xai_heatmap.networks.keras.on_tensorflow.program import (
    Opened,
    Taps,
    opened,
    running,
    scores_of,
    with_gradients,
)
from xai_heatmap.networks.opening import replay
from xai_heatmap.networks.opening.compile_cache import WITHOUT_SECANT, main_tensor, undo_key
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo
from xai_heatmap.networks.opening.taps import Site, answered, mapped, tapped
from xai_heatmap.networks.rules import BackwardRule


class TensorflowHead:
    """The network behind one layer, for one image."""

    def __init__(
        self,
        passes: Passes,
        adapter: Adapter,
        x: Native,
        name: str,
        site: Site,
        undo: Undo,
        *,
        whole: bool,
    ) -> None:
        self._passes, self._adapter, self._name, self._site, self._undo = (
            passes,
            adapter,
            name,
            site,
            undo,
        )
        self._shape, self._whole = x.shape, whole
        self._frontier: Sequence[tf.Tensor] = ()
        if name == INPUT:
            self.output = x
            return
        with tf.init_scope():
            given = tf.constant(x, tf.float32), *fed(adapter)
            own, *self._frontier = self._program(1).way(*given)
        self._dtype = own.dtype
        self.output = array(own)

    def __call__(self, output: Native) -> Recorded:
        """Scores for other outputs of the layer, opened at the layer."""
        if self._name == INPUT:
            site = {INPUT: self._site}
            return self._passes.record(self._adapter, output, site, self._undo)
        activation = tf.cast(tf.constant(output), self._dtype)
        return self._program(len(output)).opened(activation, *self._frontier)

    def between(self, other: Native, rule: BackwardRule) -> Recorded:
        """Always refused: the TensorFlow engine has no slopes between two runs.

        Raises
        ------
        NoRule
            Always.
        """
        raise NoRule(WITHOUT_SECANT)

    def _program(self, images: int) -> "_HeadProgram":
        """The way to the layer and the way on; compiled once for a model and a shape."""
        site, undo, shape, adapter = self._site, self._undo, self._shape, self._adapter
        layer = self._name, id(site.part), site.call
        key = self._passes.key_of("head", adapter, layer, undo_key(undo), shape, self._whole)
        return self._passes.program(
            key,
            lambda n: _heading(
                adapter, shape, (self._name, site), undo, images=n, whole=self._whole
            ),
            images,
        )


@dataclass(frozen=True)
class _HeadProgram:
    """Programs of a head: image to layer and frontier, then layer and frontier to scores."""

    way: Callable[..., Sequence[tf.Tensor]]
    opened: Opened


def _heading(
    adapter: Adapter,
    shape: Sequence[int],
    layer: tuple[str, Site],
    undo: Undo,
    *,
    images: int | None,
    whole: bool,
) -> _HeadProgram:
    """Programs of the network up to a layer, for one image, and from the layer on."""
    name, site = layer
    taps = Taps()
    cut: dict[str, Any] = {}

    def forward(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        parts, model = adapter.parts(), holding(adapter, held)
        with running(adapter, undo):
            memory = replay.remember(parts, adapter.method, site, lambda: model.scores(image))
        if memory is None:
            raise ValueError(name)
        own = main_tensor(memory.output)
        way = operations(image.graph)
        activation = tf.compat.v1.placeholder(own.dtype, (images, *own.shape[1:]))
        spread = spread_to(tf.shape(activation)[0] if images is None else images)
        tap = taps.at(name, activation)

        def answer() -> Any:
            return answered(mapped(memory.output, spread), lambda _: tap)

        with running(adapter, undo):
            if whole:
                with tapped({name: site}, adapter.method, lambda _, __: tap):
                    scores = scores_of(model, spread(image), undo)
            else:
                scores = replay.replay(
                    parts,
                    adapter.method,
                    memory,
                    answer,
                    spread=lambda output: mapped(output, spread),
                    run=lambda: scores_of(model, spread(image), undo),
                )
        cut.update(with_gradients(scores, taps.taps), own=own, activation=activation)
        cut["frontier"] = read_by([scores], within=way)
        return scores

    with tf.init_scope():
        made = traced(forward, shape, specs(adapter, 1))
        graph, given = made.graph, made.inputs[: 1 + len(specs(adapter, 1))]
        way = cut_out(graph, given, [cut["own"], *cut["frontier"]])
        return _HeadProgram(way, opened(graph, [cut["activation"], *cut["frontier"]], taps, cut))
