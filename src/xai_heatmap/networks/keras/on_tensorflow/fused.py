"""Scores and maps in one TensorFlow function: forward, choice, backward and formulas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from xai_heatmap.core.errors import LayerNotReached
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.networks.keras.formulas import mapped, seed
from xai_heatmap.networks.keras.on_tensorflow.graph import cut_out, traced
from xai_heatmap.networks.keras.on_tensorflow.held import holding, specs
from xai_heatmap.networks.keras.on_tensorflow.program import Taps, running, scores_of
from xai_heatmap.networks.opening.fusing import Mapped, Ran, result
from xai_heatmap.networks.opening.interfaces import Adapter, Undo
from xai_heatmap.networks.opening.taps import tapped


@dataclass(frozen=True)
class FusedProgram:
    """A function from pictures, held inputs and seeds to scores, cotangent, maps and what judges
    them.
    """

    function: Callable[..., Sequence[tf.Tensor]]
    judged: bool

    def __call__(self, image: tf.Tensor, held: Sequence[tf.Tensor], seeds: Seeds) -> Ran:
        """Run the function."""
        classes, weights = tf.constant(seeds.classes, tf.int32), tf.constant(seeds.weights)
        with tf.init_scope():
            found = self.function(image, *held, classes, weights)
        return result([np.asarray(one) for one in found], judged=self.judged)


def fused_program(
    adapter: Adapter,
    shape: Sequence[int | None],
    maps: Sequence[Mapped],
    undo: Undo,
    link: Link,
    *,
    judged: bool,
) -> FusedProgram:
    """Build the function for pictures of `shape`.

    Raises
    ------
    LayerNotReached
        If a layer does not run.
    """
    taps, cut = Taps(), dict[str, Any]()
    sites = {own.site: f"{number}" for number, own in enumerate(maps)}

    def forward(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        inner = {name: site for site, name in sites.items()}
        with running(adapter, undo), tapped(inner, adapter.method, taps.at):
            scores = scores_of(holding(adapter, held), image, undo)
        if not set(inner) <= set(taps.names):
            raise LayerNotReached("A layer of this program did not run.")
        classes = tf.compat.v1.placeholder(tf.int32, [None, None])
        weights = tf.compat.v1.placeholder(tf.float32, [None, None])
        pulled = seed(scores, classes, weights, link)
        found = tf.gradients(scores, taps.taps, pulled)
        fetched = [scores, pulled]
        for own in maps:
            tap = taps.names[sites[own.site]]
            activation = taps.taps[tap]
            gradient = tf.zeros_like(activation) if found[tap] is None else found[tap]
            made = mapped(activation, gradient, own.layout, own.formula, judged=judged)
            fetched += [tf.convert_to_tensor(one) for one in made]
        cut.update(fed=[image, *held, classes, weights], fetched=fetched)
        return scores

    with tf.init_scope():
        graph = traced(forward, shape, specs(adapter, shape[0])).graph
        return FusedProgram(cut_out(graph, cut["fed"], cut["fetched"]), judged)
