"""What a TensorFlow graph tells of the model that made it; no number is computed."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from xai_heatmap.networks.opening.interfaces import Closing, Sighting, Sightings
from xai_heatmap.networks.opening.mixing import mixes

CLOSING_OPS: dict[str, Closing] = {
    "Softmax": "softmax",
    "LogSoftmax": "softmax",
    "Sigmoid": "sigmoid",
}
SUMS = ("Add", "AddV2", "AddN")
ONLY_SHAPES = ("Shape", "ShapeN", "Size", "Rank")
"""Operations that read how large a value is and not the value."""


class Watch:
    """Sees every call of every part, each marked by a node of its own."""

    image: tf.Tensor
    scores: tf.Tensor

    def __init__(self) -> None:
        self._calls: list[tuple[str, int, tf.Tensor, tf.Tensor]] = []

    @property
    def values(self) -> list[tf.Tensor]:
        """What the parts said, in order of completion."""
        return [passed for *_, passed in self._calls]

    def at(self, path: str, call: int, value: tf.Tensor) -> tf.Tensor:
        passed = tf.identity(value)
        if value.graph is self.image.graph:  # what runs in a loop of its own has no one value
            self._calls.append((path, call, value, passed))
        return passed

    def sightings(
        self, parts: Mapping[str, object], shapes: Sequence[tuple[int, ...]]
    ) -> Sightings:
        operations = self.scores.graph.get_operations()
        numbers = {operation: number for number, operation in enumerate(operations)}
        sources = {
            numbers[operation]: [numbers[made_of.op] for made_of in operation.inputs]
            for operation in operations
            if operation.type not in ONLY_SHAPES
        }
        calls = [
            Sighting(path, call, type(parts[path]).__name__, shape, numbers[passed.op])
            for (path, call, _, passed), shape in zip(self._calls, shapes, strict=True)
        ]
        closing = CLOSING_OPS.get(closing_op(self.scores).type)
        return Sightings(
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
        )

    def _last(self) -> list[str]:
        """The parts whose answer is the model's own."""
        last, output = [], self.scores
        for path, _, value, passed in reversed(self._calls):
            if passed is output:
                last.append(path)
                output = value
        return last


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
    """The operation that made the scores, looking through those that pass a value on as it is."""
    operation = scores.op
    while operation.type == "Identity":
        operation = operation.inputs[0].op
    return operation
