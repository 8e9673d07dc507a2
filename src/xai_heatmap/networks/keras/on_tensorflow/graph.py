"""TensorFlow graphs: built by running a function once, and cut into functions."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

MADE_AGAIN = frozenset({"MaxPool"})
"""Operations that are made a second time for the way back: where oneDNN finds one beside its
derivative, it notes which place was the largest, and the derivative takes a small part of the
time."""


def traced(
    run: Callable[..., tf.Tensor],
    shape: Sequence[int | None],
    others: Sequence[tf.TensorSpec] = (),
) -> Any:
    """`run` as a graph; the graph does not refer to `run`, which refers to the model."""
    once = [run]
    return tf.compat.v1.wrap_function(
        lambda *given: once.pop()(*given),  # noqa: PLW0108 - popped as it runs, or it would be held
        [tf.TensorSpec(shape, tf.float32), *others],
    )


def cut_out(
    graph: Any, fed: Sequence[tf.Tensor], fetched: Sequence[tf.Tensor]
) -> Callable[..., Sequence[tf.Tensor]]:
    """Function cut out of a graph: the operations from some tensors to others.

    `WrappedFunction.prune` would do, but gives every part all variables of the whole, and taking
    those is most of the time that a short part takes.
    """
    needed = _between(fed, fetched)
    read = [(value, inner) for value, inner in graph.captures if inner.op in needed]
    inside = {operation.name for operation in needed} - {inner.op.name for _, inner in read}
    definition = graph.as_graph_def()
    nodes = [node for node in definition.node if node.name in inside]
    for node in nodes:
        node.attr.pop("_class", None)  # beside which others it stands: they may be left behind
    del definition.node[:]
    definition.node.extend(nodes)
    wanted = [tensor.name for tensor in fetched]
    names = [tensor.name for tensor in fed]
    entered = {source.name for operation in needed for source in operation.inputs}

    def imported(*given: tf.Tensor) -> list[tf.Tensor]:
        here = tf.compat.v1.get_default_graph()
        known = dict(zip(names, given, strict=True))
        variables = {inner.name: here.capture(value) for value, inner in read}
        made = [name for name in wanted if name not in known]
        begun = {name: tensor for name, tensor in known.items() if name in entered}
        found = tf.graph_util.import_graph_def(
            definition, input_map=begun | variables, return_elements=made, name=""
        )
        known.update(zip(made, found, strict=True))
        return [tf.identity(known[name]) for name in wanted]

    return tf.compat.v1.wrap_function(
        imported, [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in fed]
    )


def _between(fed: Sequence[tf.Tensor], fetched: Sequence[tf.Tensor]) -> set[tf.Operation]:
    """The operations that lead from some tensors to others."""
    known = {tensor.ref() for tensor in fed}
    needed: set[tf.Operation] = set()
    todo = [tensor.op for tensor in fetched if tensor.ref() not in known]
    while todo:
        operation = todo.pop()
        if operation not in needed:
            needed.add(operation)
            todo.extend(source.op for source in operation.inputs if source.ref() not in known)
            todo.extend(operation.control_inputs)
    return needed


def read_by(targets: Iterable[tf.Tensor], *, within: Collection[tf.Operation]) -> list[tf.Tensor]:
    """Tensors of the older part `within` of a graph that the newer part reads for `targets`.

    Constants and variables are left out: they come along wherever they are read. So are outputs of
    `MADE_AGAIN`, in place of which what they are made of is read.
    """
    found: dict[Any, tf.Tensor] = {}
    seen: set[tf.Operation] = set()
    todo = list(targets)
    while todo:
        tensor = todo.pop()
        if tensor.op in within and tensor.op.type in MADE_AGAIN:
            todo.extend(tensor.op.inputs)
        elif tensor.op in within:
            if tensor.op.type != "Const" and tensor.dtype != tf.resource:
                found[tensor.ref()] = tensor
        elif tensor.op not in seen:
            seen.add(tensor.op)
            todo.extend(tensor.op.inputs)
    return list(found.values())


def operations(graph: Any) -> frozenset[tf.Operation]:
    """All that the graph holds so far."""
    return frozenset(graph.get_operations())


def spread_to(images: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    """Repeat a batch-of-one tensor n times."""

    def spread(value: tf.Tensor) -> tf.Tensor:
        if not value.shape.rank or value.shape[0] != 1:
            return value
        return tf.repeat(value, images, axis=0)

    return spread


def array(tensor: tf.Tensor) -> np.ndarray:
    """Tensor as numpy: real numbers as float32; shares memory where possible."""
    values = np.asarray(tensor)
    whole = tensor.dtype.is_integer or tensor.dtype.is_bool
    return values if whole else values.astype(np.float32, copy=False)
