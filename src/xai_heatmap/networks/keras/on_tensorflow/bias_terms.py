"""Bias terms of TensorFlow operations: b = v - Σ J u, for the inputs u that depend on the image."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import tensorflow as tf

from xai_heatmap.networks.keras.on_tensorflow.canonical import OPERATORS
from xai_heatmap.networks.rules import BIASES, TENSORFLOW, implements, named

POINTWISE = named(OPERATORS, "gate", "gated", "deviation", "pointwise") | {
    *("IdentityN", "Maximum", "Minimum", "Pow", "SelectV2"),
}
"""Operations whose derivative is a number for each entry. An IdentityN carries the derivative that
somebody wrote for what stands before it, as that of SiLU."""
PRODUCTS = OPERATORS["product"]
SQUARES = OPERATORS["power"] - {"Pow"}
SUMS = OPERATORS["sum"] & {"Add", "AddV2"}

Added = tuple[tf.Tensor, tf.Tensor]
"""Value and bias term of the value."""


@implements(BIASES, TENSORFLOW)
def biases(taps: Iterable[tf.Tensor]) -> Iterator[Added]:
    """Values behind the taps that have a bias term, with the bias term. Unknown operations count as
    without bias; the residual of the sum of all contributions then shows the gap.
    """
    moving = {tap.ref() for tap in taps}
    graph = next(iter(taps)).graph
    for operation in graph.get_operations():
        moves = [source.ref() in moving for source in operation.inputs]
        if not any(moves):
            continue
        moving.update(output.ref() for output in operation.outputs)
        bias = _added(operation, moves)
        if bias is not None:
            yield operation.outputs[0], bias


def _added(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor | None:
    kind, v = operation.type, operation.outputs[0] if operation.outputs else None
    if v is None or not v.dtype.is_floating:
        return None
    if kind in KNOWN:
        return KNOWN[kind](operation, moves)
    if kind in SUMS:
        a, b = operation.inputs
        return None if all(moves) else b if moves[0] else a
    if kind in PRODUCTS:
        return -v if sum(moves) > 1 else None
    if kind in SQUARES:
        return -v if all(moves) else None
    return _by_slopes(operation, moves) if kind in POINTWISE else None


def _by_slopes(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor | None:
    """v - Σ σ' u, where every u has an entry for each of v."""
    v, given = operation.outputs[0], list(operation.inputs)
    moved = [own for own, moving in zip(given, moves, strict=True) if moving]
    slopes = tf.gradients(v, moved, tf.ones_like(v), stop_gradients=given)
    pairs = [(own, slope) for own, slope in zip(moved, slopes, strict=True) if slope is not None]
    if not pairs or any(own.shape.rank != v.shape.rank for own, _ in pairs):
        return None
    return v - tf.add_n([slope * own for own, slope in pairs])


def _bias_add(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor | None:
    x, bias = operation.inputs
    if operation.get_attr("data_format") == b"NCHW":
        return tf.reshape(bias, [1, -1, *[1] * (x.shape.rank - 2)])
    return tf.reshape(bias, [*[1] * (x.shape.rank - 1), -1])


def _difference(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor | None:
    a, b = operation.inputs
    return None if all(moves) else -b if moves[0] else a


def _quotient(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor | None:
    v = operation.outputs[0]
    return None if not moves[1] else v if moves[0] else 2 * v


def _softmax(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor:
    u, v = operation.inputs[0], operation.outputs[0]
    return v - v * (u - tf.reduce_sum(u * v, -1, keepdims=True))


def _normalised(operation: tf.Operation, moves: Sequence[bool]) -> tf.Tensor:
    """Bias term of a batch normalisation with stored mean and variance."""
    _, scale, offset, mean, variance = operation.inputs
    shift = offset - mean * scale * tf.math.rsqrt(variance + operation.get_attr("epsilon"))
    return tf.reshape(shift, [1, -1, 1, 1] if b"NC" in operation.get_attr("data_format") else [-1])


KNOWN: Mapping[str, Callable[[tf.Operation, Sequence[bool]], tf.Tensor | None]] = {
    "BiasAdd": _bias_add,
    "FusedBatchNormV3": _normalised,
    "RealDiv": _quotient,
    "Softmax": _softmax,
    "Sub": _difference,
}
