"""Survey of a model by its TensorFlow graph; no number is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from xai_heatmap.core.layers.placing import read_by
from xai_heatmap.networks.keras.on_tensorflow.windows import windows_of
from xai_heatmap.networks.opening.interfaces import Closing, LayerCall, ModelTrace
from xai_heatmap.networks.opening.mixing import mixes
from xai_heatmap.networks.opening.shifting import may_shift

CLOSING_OPS: dict[str, Closing] = {
    "Softmax": "softmax",
    "LogSoftmax": "softmax",
    "Sigmoid": "sigmoid",
}
SUMS = ("Add", "AddV2", "AddN")
ONLY_SHAPES = ("Shape", "ShapeN", "Size", "Rank")
"""Operations that read only the shape of a value."""


class Watch:
    """Watcher of all calls of all parts, each marked by a node of its own."""

    image: tf.Tensor
    scores: tf.Tensor

    def __init__(self) -> None:
        self._calls: list[tuple[str, int, tf.Tensor, tf.Tensor]] = []

    @property
    def values(self) -> list[tf.Tensor]:
        """Outputs of the parts, in order of completion."""
        return [passed for *_, passed in self._calls]

    def at(self, path: str, call: int, value: tf.Tensor) -> tf.Tensor:
        passed = tf.identity(value)
        if value.graph is self.image.graph:  # what runs in a loop of its own has no one value
            self._calls.append((path, call, value, passed))
        return passed

    def sightings(
        self, parts: Mapping[str, object], shapes: Sequence[tuple[int, ...]]
    ) -> ModelTrace:
        operations = self.scores.graph.get_operations()
        numbers = {operation: number for number, operation in enumerate(operations)}
        sources = {
            numbers[operation]: [numbers[made_of.op] for made_of in operation.inputs]
            for operation in operations
            if operation.type not in ONLY_SHAPES
        }
        calls = [
            LayerCall(path, call, type(parts[path]).__name__, shape, numbers[passed.op])
            for (path, call, _, passed), shape in zip(self._calls, shapes, strict=True)
        ]
        closing = CLOSING_OPS.get(closing_op(self.scores).type)
        return ModelTrace(
            calls,
            sources,
            numbers[self.image.op],
            numbers[self.scores.op],
            frozenset(numbers[operation] for operation in operations if operation.type in SUMS),
            self._last(),
            closing,
            "left out" if closing else None,
            tuple(length or 0 for length in self.scores.shape),
            passing=frozenset(
                numbers[operation] for operation in operations if not mixes(operation.type)
            ),
            shifting=any(map(_may_shift, operations)),
            windows={
                numbers[operation]: found
                for operation in operations
                if (found := read_by(windows_of, operation))
            },
        )

    def _last(self) -> list[str]:
        """Paths of the parts whose output is the model's output."""
        last, output = [], self.scores
        for path, _, value, passed in reversed(self._calls):
            if passed is output:
                last.append(path)
                output = value
        return last


def _may_shift(operation: tf.Operation) -> bool:
    """Whether a node of the graph may move places; arrays of whole numbers hold none."""
    if not operation.outputs or not operation.outputs[0].dtype.is_floating:
        return False
    ends = [*operation.inputs[:1], operation.outputs[0]]
    before, after = (_lengths(value) for value in (ends[0], ends[-1]))
    return may_shift(operation.type, before, after)


def _lengths(value: tf.Tensor) -> tuple[int | None, ...] | None:
    return None if value.shape.rank is None else tuple(value.shape)


def shapes(
    values: Sequence[tf.Tensor], made: Any, fed: Sequence[tf.Tensor]
) -> list[tuple[int, ...]]:
    """The shape of every value; the few that a graph can't foretell are measured."""
    unknown = [value for value in values if not value.shape.is_fully_defined()]
    measured: dict[Any, tuple[int, ...]] = {}
    if unknown:
        with tf.init_scope():
            found = made.prune(made.inputs[: len(fed)], unknown)(*fed)
        measured = {
            value.ref(): tuple(array.shape) for value, array in zip(unknown, found, strict=True)
        }
    return [
        measured[value.ref()] if value.ref() in measured else tuple(n or 0 for n in value.shape)
        for value in values
    ]


def closing_op(scores: tf.Tensor) -> tf.Operation:
    """Operation that made the scores, behind any Identity operations."""
    operation = scores.op
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    return operation
