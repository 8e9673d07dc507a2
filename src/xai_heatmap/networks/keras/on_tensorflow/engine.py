"""Values in TensorFlow: one graph for each set of taps, cut into a forward and a backward function.

The graph holds the forward pass and the gradients of ⟨cotangent, scores⟩ by the taps. Cut out of
it, the forward function answers the scores, the taps and what the way back reads; the backward
function reads that. Neither tape nor second pass is needed, nothing in front of the first tap is
differentiated, and no weight gets a gradient.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import NoRule
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.keras.attention import WrittenOut, softmaxes
from xai_heatmap.networks.keras.on_tensorflow.bias_terms import biases
from xai_heatmap.networks.keras.on_tensorflow.graph import (
    array,
    cut_out,
    operations,
    read_by,
    spread_to,
    traced,
)
from xai_heatmap.networks.keras.on_tensorflow.held import fed, holding, specs
from xai_heatmap.networks.keras.on_tensorflow.libragrad import balanced
from xai_heatmap.networks.keras.on_tensorflow.program import (
    Opened,
    Taps,
    Way,
    opened,
    running,
    scores_of,
    with_gradients,
)
from xai_heatmap.networks.keras.on_tensorflow.survey import Watch, shapes
from xai_heatmap.networks.opening import replay
from xai_heatmap.networks.opening.axes_found import Consumed
from xai_heatmap.networks.opening.compile_cache import (
    MOST,
    WITHOUT_SECANT,
    Built,
    compiled,
    main_tensor,
    undo_key,
)
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Sightings, Undo
from xai_heatmap.networks.opening.recent import Recent
from xai_heatmap.networks.opening.taps import Site, answered, mapped, overheard, tapped


class TensorflowEngine:
    """Follows, differentiates and replays values in TensorFlow graphs.

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
        self._kept = kept
        self._programs: OrderedDict[Any, Any] = kept.setdefault("programs", OrderedDict())

    def survey(self, adapter: Adapter, x: Native) -> Sightings:
        """Build one graph and read it; no number is computed."""
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
        """As the layers of the model say."""
        del adapter
        return self._keras.consumed(shape)

    def answers(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site]
    ) -> Mapping[str, np.ndarray]:
        """What every site says, in one forward pass."""
        return self.record(adapter, x, sites, Undo()).outputs

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        biases: bool = False,
    ) -> Recorded:
        """One forward pass, opened at `sites`."""
        return self._recorded(adapter, x, sites, undo, with_biases=biases)

    def _recorded(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        with_biases: bool = False,
        way: Way = tf.gradients,
    ) -> Recorded:
        taps = tuple((name, id(site.part), site.call) for name, site in sites.items())
        kind = with_biases, way is balanced
        key = self._key("record", adapter, taps, undo_key(undo), x.shape[1:], kind)

        def build(images: int | None) -> Opened:
            shape = (images, *x.shape[1:])
            return _recording(adapter, shape, sites, undo, with_biases=with_biases, way=way)

        program = self.program(key, build, len(x))
        return program(tf.constant(x, tf.float32), *fed(adapter))

    def _key(self, kind: str, adapter: Adapter, *facts: Hashable) -> Hashable:
        """Equal where one and the same program does."""
        return kind, self.structure(), (adapter.held.key, adapter.axes), *facts

    def attend(self, adapter: Adapter, x: Native, undo: Undo) -> Recorded:
        """One forward pass, opened at the softmax layers of its attention layers."""
        return self.record(WrittenOut(adapter), x, softmaxes(adapter), undo)

    def balance(
        self, adapter: Adapter, x: Native, sites: Mapping[str, Site], undo: Undo
    ) -> Recorded:
        """As `record`, with LibraGrad's way back."""
        return self._recorded(WrittenOut(adapter), x, sites, undo, way=balanced)

    def head(
        self, adapter: Adapter, x: Native, name: str, site: Site, undo: Undo, *, whole: bool
    ) -> "TensorflowHead":
        """What lies behind `site` for the one image `x`."""
        return TensorflowHead(self, adapter, x, name, site, undo, whole=whole)

    def program(self, key: Hashable, build: Callable[[int | None], Any], images: int) -> Any:
        """A program for any number of images; for this number where the model's Python asks."""
        fixed: Recent[Hashable, bool] = self._kept.setdefault("fixed", Recent(16 * MOST))
        if key not in fixed:
            try:
                return compiled(self._programs, key, lambda: build(None))
            except (TypeError, ValueError, tf.errors.OpError) as problem:
                failure = problem
        else:
            failure = None
        program = compiled(self._programs, (key, images), lambda: build(images))
        if failure is not None:
            fixed[key] = True
        return program


class TensorflowHead:
    """The network behind one layer, for one image."""

    def __init__(
        self,
        engine: TensorflowEngine,
        adapter: Adapter,
        x: Native,
        name: str,
        site: Site,
        undo: Undo,
        *,
        whole: bool,
    ) -> None:
        self._engine, self._adapter, self._name, self._site, self._undo = (
            engine,
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
            return self._engine.record(self._adapter, output, site, self._undo)
        activation = tf.cast(tf.constant(output), self._dtype)
        return self._program(len(output)).opened(activation, *self._frontier)

    def between(self, other: Native) -> Recorded:
        """There is none.

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
        key = self._engine._key("head", adapter, layer, undo_key(undo), shape, self._whole)  # noqa: SLF001 - engine and head are one thought
        return self._engine.program(
            key,
            lambda n: _heading(
                adapter, shape, (self._name, site), undo, images=n, whole=self._whole
            ),
            images,
        )


@dataclass(frozen=True)
class _HeadProgram:
    """From an image to a layer and what the head reads beside it; from there to the scores."""

    way: Callable[..., Sequence[tf.Tensor]]
    opened: Opened


def _recording(
    adapter: Adapter,
    shape: Sequence[int | None],
    sites: Mapping[str, Site],
    undo: Undo,
    *,
    with_biases: bool,
    way: Way,
) -> Opened:
    """The whole network, from the image on, opened at `sites`."""
    taps = Taps()
    cut: dict[str, Any] = {}

    def forward(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        inner = {name: site for name, site in sites.items() if name != INPUT}
        with running(adapter, undo), tapped(inner, adapter.method, taps.at):
            start = taps.at(INPUT, image) if INPUT in sites else image
            scores = scores_of(holding(adapter, held), start, undo)
        added = list(biases(taps.taps)) if with_biases else []
        cut.update(with_gradients(scores, taps.taps, added, way=way), fed=[image, *held])
        return scores

    with tf.init_scope():
        graph = traced(forward, shape, specs(adapter, shape[0])).graph
        return opened(graph, cut["fed"], taps, cut)


def _heading(
    adapter: Adapter,
    shape: Sequence[int],
    layer: tuple[str, Site],
    undo: Undo,
    *,
    images: int | None,
    whole: bool,
) -> _HeadProgram:
    """The network up to a layer for one image, and from it on for others of its outputs."""
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
