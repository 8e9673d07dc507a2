"""Scores and maps in TensorFlow functions: forward, choice, backward and formulas in one, or the
way back in one of its own, for several targets of one pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.core.errors import LayerNotReached
from xai_heatmap.core.fused import Link, Seeds
from xai_heatmap.networks.keras.formulas import Pieces, at_taps, seed
from xai_heatmap.networks.keras.on_tensorflow.graph import (
    array,
    cut_out,
    operations,
    read_by,
    traced,
)
from xai_heatmap.networks.keras.on_tensorflow.held import holding, specs
from xai_heatmap.networks.keras.on_tensorflow.program import Taps, running, scores_of
from xai_heatmap.networks.opening.fusing import Mapped, MappedPass, Ran, unique
from xai_heatmap.networks.opening.interfaces import Adapter, Undo
from xai_heatmap.networks.opening.taps import tapped

Function = Callable[..., Sequence[tf.Tensor]]


@dataclass(frozen=True)
class FusedProgram:
    """A function from pictures, held inputs and seeds to scores, cotangent, maps and what judges
    them.
    """

    function: Function
    pieces: Pieces
    judged: bool

    def __call__(self, image: tf.Tensor, held: Sequence[tf.Tensor], seeds: Seeds) -> Ran:
        """Run the function."""
        classes, weights = tf.constant(seeds.classes, tf.int32), tf.constant(seeds.weights)
        with tf.init_scope():
            found = self.function(image, *held, classes, weights)
        scores, pulled, *rest = map(np.asarray, found)
        return Ran(scores, pulled, *self.pieces.apart(rest, judged=self.judged))


@dataclass(frozen=True)
class MappedProgram:
    """A function from pictures and held inputs to scores and what the way back reads, and one from
    that and a cotangent to maps and what judges them.
    """

    forward: Function
    backward: Function
    pieces: Pieces
    judged: bool

    def __call__(self, image: tf.Tensor, held: Sequence[tf.Tensor]) -> MappedPass:
        """Run forwards."""
        with tf.init_scope():
            scores, *residuals = self.forward(image, *held)
        answered = array(scores)

        def pull(cotangent: Native) -> Ran:
            with tf.init_scope():
                found = self.backward(tf.constant(cotangent, tf.float32), *residuals)
            rest = [np.asarray(one) for one in found]
            return Ran(answered, cotangent, *self.pieces.apart(rest, judged=self.judged))

        return MappedPass(answered, pull)


@dataclass(frozen=True)
class _Run:
    """What a model answered in a graph, with taps at the layers of maps."""

    scores: tf.Tensor
    taps: Taps
    asked: Sequence[tuple[str, Mapped]]

    def maps(self, pulled: tf.Tensor, *, judged: bool) -> tuple[list[tf.Tensor], Pieces]:
        """Maps of a cotangent of the scores."""
        found = tf.gradients(self.scores, self.taps.taps, pulled)
        asked = [(self.taps.names[name], own.layout, own.formula) for name, own in self.asked]
        made, pieces = at_taps(
            asked, dict(enumerate(self.taps.taps)), dict(enumerate(found)), judged=judged
        )
        return [tf.convert_to_tensor(one) for one in made], pieces


def _ran(
    adapter: Adapter,
    image: tf.Tensor,
    held: Sequence[tf.Tensor],
    maps: Sequence[Mapped],
    undo: Undo,
) -> _Run:
    taps, (sites, names) = Taps(), unique(maps)
    with running(adapter, undo), tapped(sites, adapter.method, taps.at):
        scores = scores_of(holding(adapter, held), image, undo)
    if not set(sites) <= set(taps.names):
        raise LayerNotReached("A layer of this program did not run.")
    return _Run(scores, taps, list(zip(names, maps, strict=True)))


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
    cut = dict[str, Any]()

    def whole(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        ran = _ran(adapter, image, held, maps, undo)
        classes = tf.compat.v1.placeholder(tf.int32, [shape[0], None])
        weights = tf.compat.v1.placeholder(tf.float32, [shape[0], None])
        pulled = tf.convert_to_tensor(seed(ran.scores, classes, weights, link))
        made, pieces = ran.maps(pulled, judged=judged)
        fetched = [ran.scores, pulled, *made]
        cut.update(fed=[image, *held, classes, weights], fetched=fetched, pieces=pieces)
        return ran.scores

    with tf.init_scope():
        graph = traced(whole, shape, specs(adapter, shape[0])).graph
        return FusedProgram(cut_out(graph, cut["fed"], cut["fetched"]), cut["pieces"], judged)


def mapped_program(
    adapter: Adapter,
    shape: Sequence[int | None],
    maps: Sequence[Mapped],
    undo: Undo,
    *,
    judged: bool,
) -> MappedProgram:
    """Build both functions for pictures of `shape`.

    Raises
    ------
    LayerNotReached
        If a layer does not run.
    """
    cut = dict[str, Any]()

    def whole(image: tf.Tensor, *held: tf.Tensor) -> tf.Tensor:
        ran = _ran(adapter, image, held, maps, undo)
        before = operations(ran.scores.graph)
        pulled = tf.compat.v1.placeholder(tf.float32, ran.scores.shape)
        made, pieces = ran.maps(pulled, judged=judged)
        cut.update(fed=[image, *held], pulled=pulled, made=made, pieces=pieces)
        cut.update(residuals=read_by(made, within=before), scores=ran.scores)
        return ran.scores

    with tf.init_scope():
        graph = traced(whole, shape, specs(adapter, shape[0])).graph
        residuals = cut["residuals"]
        forward = cut_out(graph, cut["fed"], [cut["scores"], *residuals])
        backward = cut_out(graph, [cut["pulled"], *residuals], cut["made"])
        return MappedProgram(forward, backward, cut["pieces"], judged)
