"""Forward and backward pass through a TensorFlow graph, as two functions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf

from xai_heatmap.core.arrays import Native
from xai_heatmap.networks.keras.on_tensorflow.bias_terms import Added
from xai_heatmap.networks.keras.on_tensorflow.graph import array, cut_out, operations, read_by
from xai_heatmap.networks.keras.on_tensorflow.survey import closing_op
from xai_heatmap.networks.opening.interfaces import Adapter, Recorded, Undo

Way = Callable[[tf.Tensor, Sequence[tf.Tensor], tf.Tensor], Sequence[tf.Tensor | None]]
"""Function from scores, taps and the cotangent of the scores to the cotangents of the taps."""


@dataclass(frozen=True)
class Opened:
    """Forward and backward pass as functions cut out of a graph.

    Parameters
    ----------
    forward
        From the fed tensors to scores, taps and residuals.
    backward
        From cotangent and residuals to the gradients of the taps in `reached`.
    names
        Names of the taps, and which of the taps each one is.
    reached
        The taps that the scores depend on, and after the taps the values that biases are added to.
    biases
        How many of those there are.
    """

    forward: Callable[..., Sequence[tf.Tensor]]
    backward: Callable[..., Sequence[tf.Tensor]] | None
    names: Mapping[str, int]
    reached: Sequence[int]
    biases: int = 0

    def __call__(self, *fed: tf.Tensor) -> Recorded:
        """Recording of one forward pass."""
        with tf.init_scope():
            scores, *rest = self.forward(*fed)
        count = len(set(self.names.values()))
        taps, rest = [array(tap) for tap in rest[:count]], rest[count:]
        names = [f"bias {number}" for number in range(self.biases)]
        biases = dict(zip(names, map(array, rest[: self.biases]), strict=True))
        residuals = rest[self.biases :]

        def pullback(cotangent: Native) -> dict[str, Native]:
            gradients = {}
            if self.backward is not None:
                with tf.init_scope():
                    found = self.backward(tf.constant(cotangent, tf.float32), *residuals)
                gradients = dict(zip(self.reached, map(array, found), strict=True))
            for tap in range(count):
                gradients.setdefault(tap, np.zeros(taps[tap].shape, np.float32))
            beside = dict(zip(names, self.reached[len(self.reached) - len(names) :], strict=True))
            return {name: gradients[tap] for name, tap in (*self.names.items(), *beside.items())}

        return Recorded(
            array(scores),
            {name: taps[tap] for name, tap in self.names.items()},
            pullback,
            biases=biases,
        )


@dataclass
class Taps:
    """Values at every tap of one graph; layers with the same value share a tap."""

    taps: list[tf.Tensor] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    def at(self, name: str, value: tf.Tensor) -> tf.Tensor:
        """Mark a value at a tap by an own Identity node."""
        for number, tap in enumerate(self.taps):
            if tap is value:
                self.names[name] = number
                return value
        self.names[name] = len(self.taps)
        self.taps.append(tf.identity(value))
        return self.taps[-1]


def with_gradients(
    scores: tf.Tensor,
    taps: Sequence[tf.Tensor],
    added: Sequence[Added] = (),
    *,
    way: Way = tf.gradients,
) -> dict[str, Any]:
    """Gradients ∂⟨cotangent, scores⟩/∂tap added to the graph, and the residuals of the forward pass
    that the gradients read; likewise the gradients of values with a bias term, with the terms, as
    far as the scores depend on the values. `way` replaces `tf.gradients`.
    """
    first, taps = len(taps), [*taps, *(value for value, _ in added)]
    forward = operations(scores.graph)
    cotangent = tf.compat.v1.placeholder(tf.float32, scores.shape)
    floating = [number for number, tap in enumerate(taps) if tap.dtype.is_floating]
    found = way(scores, [taps[number] for number in floating], cotangent)
    gradients = {
        number: tf.cast(tf.convert_to_tensor(gradient), tf.float32)
        for number, gradient in zip(floating, found, strict=True)
        if gradient is not None
    }
    return {
        "scores": scores,
        "cotangent": cotangent,
        "gradients": gradients,
        "biases": [bias for place, (_, bias) in enumerate(added, first) if place in gradients],
        "residuals": read_by(gradients.values(), within=forward),
    }


def opened(graph: Any, fed: Sequence[tf.Tensor], taps: Taps, cut: Mapping[str, Any]) -> Opened:
    """The two functions cut out of a graph that `with_gradients` completed."""
    gradients, residuals = cut["gradients"], cut["residuals"]
    forward = cut_out(graph, fed, [cut["scores"], *taps.taps, *cut["biases"], *residuals])
    backward = (
        cut_out(graph, [cut["cotangent"], *residuals], list(gradients.values()))
        if gradients
        else None
    )
    return Opened(forward, backward, taps.names, list(gradients), len(cut["biases"]))


def scores_of(adapter: Adapter, image: tf.Tensor, undo: Undo) -> tf.Tensor:
    """Scores of a model in float32, before a final activation that belongs to no layer."""
    scores = adapter.scores(image)
    if undo.mark is not None:
        scores = closing_op(scores).inputs[0]
    return tf.cast(scores, tf.float32)


@contextmanager
def running(adapter: Adapter, undo: Undo) -> Iterator[None]:
    """Context in which the graph of a pass is built."""
    with ExitStack() as stack:
        stack.enter_context(adapter.ready())
        stack.enter_context(adapter.undone(undo.part))
        yield
