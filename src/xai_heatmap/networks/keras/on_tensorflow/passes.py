"""Passes in TensorFlow: one graph for each set of taps, cut into a forward and a backward function.

The graph holds the forward pass and the gradients of ⟨cotangent, scores⟩ by the taps. Cut out of
it, the forward function answers the scores, the taps and what the way back reads; the backward
function reads that. Neither tape nor second pass is needed, nothing in front of the first tap is
differentiated, and no weight gets a gradient.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.network import INPUT
from xai_heatmap.networks.keras.attention import WrittenOut
from xai_heatmap.networks.keras.on_tensorflow.graph import traced
from xai_heatmap.networks.keras.on_tensorflow.held import fed, holding, specs
from xai_heatmap.networks.keras.on_tensorflow.program import (
    Opened,
    Taps,
    opened,
    running,
    scores_of,
    with_gradients,
)
from xai_heatmap.networks.opening.compile_cache import MOST, Built, compiled, undo_key
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo
from xai_heatmap.networks.opening.recent import Recent
from xai_heatmap.networks.opening.taps import Site, tapped
from xai_heatmap.networks.rules import GRADIENT, TENSORFLOW, BackwardRule, implemented_by


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
        self._kept = kept
        self._programs: OrderedDict[Any, Any] = kept.setdefault("programs", OrderedDict())

    def record(
        self,
        adapter: Adapter,
        x: Native,
        sites: Mapping[str, Site],
        undo: Undo,
        *,
        rule: BackwardRule = GRADIENT,
    ) -> Recorded:
        """Recording of one forward pass, opened at `sites`.

        TensorFlow carries a backward rule out by a function such as `tf.gradients`, from scores,
        taps and a cotangent to the cotangents of the taps; a rule of bias terms by a function such
        as `bias_terms.biases`.
        """
        adapter = WrittenOut(adapter) if rule.opens_attention else adapter
        taps = tuple((name, id(site.part), site.call) for name, site in sites.items())
        key = self.key_of("record", adapter, taps, undo_key(undo), x.shape[1:], rule)

        def build(images: int | None) -> Opened:
            shape = (images, *x.shape[1:])
            return _recording(adapter, shape, sites, undo, rule)

        program = self.program(key, build, len(x))
        return program(tf.constant(x, tf.float32), *fed(adapter))

    def key_of(self, kind: str, adapter: Adapter, *facts: Hashable) -> Hashable:
        """Cache key of a program; equal keys share one program."""
        return kind, self.structure(), (adapter.held.key, adapter.axes), *facts

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


def _recording(
    adapter: Adapter,
    shape: Sequence[int | None],
    sites: Mapping[str, Site],
    undo: Undo,
    rule: BackwardRule,
) -> Opened:
    """The whole network, from the image on, opened at `sites`."""
    carried_out = None if rule is GRADIENT else implemented_by(rule, TENSORFLOW)
    terms, way = (carried_out, None) if rule.kind == "terms" else (None, carried_out)
    taps = Taps()
    cut: dict[str, Any] = {}

    def forward(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        inner = {name: site for name, site in sites.items() if name != INPUT}
        with running(adapter, undo), tapped(inner, adapter.method, taps.at):
            start = taps.at(INPUT, image) if INPUT in sites else image
            scores = scores_of(holding(adapter, held), start, undo)
        added = list(terms(taps.taps)) if terms else []
        cut.update(
            with_gradients(scores, taps.taps, added, way=way or tf.gradients), fed=[image, *held]
        )
        return scores

    with tf.init_scope():
        graph = traced(forward, shape, specs(adapter, shape[0])).graph
        return opened(graph, cut["fed"], taps, cut)
