"""LibraGrad in TensorFlow: the nonlinear factors of a graph are held constant.

Attention weights, the gates of activations and the deviations of normalisations are cut out; where
two values that both depend on the image are multiplied, each gets half.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import tensorflow as tf

from xai_heatmap.networks.keras.on_tensorflow.canonical import OPERATORS
from xai_heatmap.networks.keras.on_tensorflow.sweep import Cotangents, pulled, swept
from xai_heatmap.networks.rules import LIBRAGRAD, TENSORFLOW, implements, treated

TREATED = treated(OPERATORS, LIBRAGRAD)


@implements(LIBRAGRAD, TENSORFLOW)
def balanced(
    scores: tf.Tensor, taps: Sequence[tf.Tensor], seed: tf.Tensor
) -> list[tf.Tensor | None]:
    """Gradients as by `tf.gradients`, with LibraGrad's backward rules."""
    return swept(scores, taps, seed, constant=partial(_constant, scores), rule=_sent)


def _constant(scores: tf.Tensor, operation: tf.Operation, wanted: Sequence[int]) -> bool:
    kind = operation.type
    if kind == "Sigmoid":
        return not _answers(operation.outputs[0], scores)
    if kind == "Softmax":
        return operation.outputs[0].shape.rank > 2
    if kind in ("Relu6", "Tanh"):
        return _is_gate(operation)
    if kind == "Pow":
        return 1 in wanted or not _all(operation.inputs[1], 1, 2)
    if TREATED.get(kind) == "held divisor":
        return list(wanted) == [1]
    return kind == "StopGradient" or TREATED.get(kind) == "constant"


def _answers(tensor: tf.Tensor, scores: tf.Tensor) -> bool:
    """Whether a tensor is part of what the graph answers, as it is: then no gate, whatever made
    it.
    """
    return tensor is scores or any(
        _answers(own, scores)
        for reader in tensor.consumers()
        if reader.type in OPERATORS["straight"]
        for own in reader.outputs
    )


def _is_gate(operation: tf.Operation) -> bool:
    """Whether an operation is part of a gate: ½ (1 + tanh x), relu6(x + 3) / 6, tanh of Mish."""
    if operation.type == "Relu6":
        readers, number = ("RealDiv",), 6
    else:
        readers, number = ("Add", "AddV2"), 1
    others = [
        own
        for reader in operation.outputs[0].consumers()
        if reader.type in readers
        for own in reader.inputs
        if own is not operation.outputs[0]
    ]
    smooth = operation.inputs[0].op.type == "Softplus"
    return smooth or any(_all(own, number) for own in others)


def _all(tensor: tf.Tensor, *numbers: int) -> bool:
    """Whether a tensor is a constant that equals one of `numbers` everywhere."""
    known = tf.get_static_value(tensor)
    return known is not None and any(bool(np.all(known == number)) for number in numbers)


def _sent(
    operation: tf.Operation, arriving: Sequence[tf.Tensor | None], wanted: Sequence[int]
) -> Cotangents:
    kind, g = operation.type, arriving[0]
    if kind == "IdentityN":  # carries a derivative that somebody wrote for what stands before it
        return {place: own for place, own in enumerate(arriving) if own is not None}
    how = TREATED.get(kind)
    if how == "held gate" and g is not None:
        x, y = operation.inputs[0], operation.outputs[0]
        gate = tf.where(x == 0, tf.ones_like(x), y / tf.where(x == 0, tf.ones_like(x), x))
        return {0: g * gate}
    if how == "held divisor":
        return pulled(operation, arriving, [0])
    own = pulled(operation, arriving, wanted)
    square = kind in OPERATORS["power"] and not (kind == "Pow" and _all(operation.inputs[1], 1))
    return _halves(own) if square or (how == "shared" and len(wanted) > 1) else own


def _halves(cotangents: Cotangents) -> Cotangents:
    return {place: own / 2 for place, own in cotangents.items()}
