"""Backward pass through a TensorFlow graph by given rules, operation by operation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

Cotangents = Mapping[int, tf.Tensor]
"""Cotangents of an operation's inputs, by the position of the input."""
Rule = Callable[[tf.Operation, Sequence[tf.Tensor | None], Sequence[int]], Cotangents]
"""Function from an operation, the cotangents of its outputs and the positions of the inputs behind
taps to the cotangents of these inputs."""


CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


def swept(
    scores: tf.Tensor,
    taps: Sequence[tf.Tensor],
    seed: tf.Tensor,
    *,
    constant: Callable[[tf.Operation, Sequence[int]], bool],
    rule: Rule,
) -> list[tf.Tensor | None]:
    """Cotangents of the taps for a cotangent of the scores, None for a tap without any.

    Parameters
    ----------
    constant
        Whether nothing passes through an operation, of which inputs in these places move.
    rule
        How a cotangent passes through any other.
    """
    operations = scores.graph.get_operations()
    moving = {tap.ref() for tap in taps}
    on_the_way: list[tuple[tf.Operation, list[int]]] = []
    for operation in operations:
        wanted = [n for n, source in enumerate(operation.inputs) if source.ref() in moving]
        if wanted and not constant(operation, wanted):
            on_the_way.append((operation, wanted))
            moving.update(out.ref() for out in operation.outputs if out.dtype.is_floating)
    totals: dict[Any, tf.Tensor] = {scores.ref(): seed}
    for operation, wanted in reversed(on_the_way):
        arriving = [totals.get(out.ref()) for out in operation.outputs]
        if all(own is None for own in arriving):
            continue
        for place, cotangent in rule(operation, arriving, wanted).items():
            key = operation.inputs[place].ref()
            totals[key] = totals[key] + cotangent if key in totals else cotangent
    return [totals.get(tap.ref()) for tap in taps]


def pulled(
    operation: tf.Operation,
    arriving: Sequence[tf.Tensor | None],
    wanted: Sequence[int],
) -> dict[int, tf.Tensor]:
    """The operation's own derivative.

    It is made once more on its own, or every gradient would look for its way through all that
    follows; but the call of a function is only differentiable where it stands.
    """
    if operation.type in CALLS:
        inputs, outputs = list(operation.inputs), list(operation.outputs)
    else:
        inputs = [
            tf.identity(own) if place in wanted else own
            for place, own in enumerate(operation.inputs)
        ]
        outputs = again(operation, inputs)
    reached = [place for place, own in enumerate(arriving) if own is not None]
    found = tf.gradients(
        [outputs[place] for place in reached],
        [inputs[place] for place in wanted],
        [arriving[place] for place in reached],
        stop_gradients=inputs,
    )
    return {
        place: tf.convert_to_tensor(own)
        for place, own in zip(wanted, found, strict=True)
        if own is not None
    }


def again(operation: tf.Operation, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The operation's outputs for other inputs."""
    definition = tf.compat.v1.GraphDef()
    node = definition.node.add()
    node.CopyFrom(operation.node_def)
    node.name = "again"
    node.attr.pop("_class", None)
    del node.input[:]
    node.input.extend(f"input_{place}:0" for place in range(len(inputs)))
    return tf.graph_util.import_graph_def(
        definition,
        input_map={f"input_{place}:0": own for place, own in enumerate(inputs)},
        return_elements=[f"again:{place}" for place in range(len(operation.outputs))],
        name="",
    )
