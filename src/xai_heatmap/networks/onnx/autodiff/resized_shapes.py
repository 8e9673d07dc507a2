"""Resizing by scales: lengths counted as runtimes count them."""

from collections.abc import Iterator

import numpy as np
from onnx import ModelProto, NodeProto, ValueInfoProto

from xai_heatmap.networks.onnx.autodiff.known import KnownValues
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD

SCALES = 2
"""Index of the scales among the inputs of Resize."""


def otherwise_counted(model: ModelProto) -> Iterator[tuple[int, ValueInfoProto]]:
    """Resize nodes whose inferred output shape differs from the runtimes', with the latter.

    Runtimes multiply length and scale in single precision, so that 5 · 1.4 is 7; inference
    multiplies exactly, and 1.4 is a little less in single precision.

    Parameters
    ----------
    model
        With shapes inferred.
    """
    graph = model.graph
    infos = {v.name: v for v in (*graph.value_info, *graph.input, *graph.output)}
    values = KnownValues(graph, {})
    for index, node in enumerate(graph.node):
        if node.op_type != "Resize" or node.domain not in STANDARD or len(node.input) <= SCALES:
            continue
        given, answer = infos.get(node.input[0]), infos.get(node.output[0])
        scales = values.value(node.input[SCALES]) if node.input[SCALES] else None
        if given is None or answer is None or scales is None:
            continue
        if (counted := _counted(node, given, answer, scales)) is not None:
            yield index, counted


def _counted(
    node: NodeProto, given: ValueInfoProto, answer: ValueInfoProto, scales: np.ndarray
) -> ValueInfoProto | None:
    """Value info with the lengths that runtimes count; None where nothing differs."""
    before = given.type.tensor_type.shape.dim
    axes = next((list(a.ints) for a in node.attribute if a.name == "axes"), [*range(len(before))])
    made = ValueInfoProto()
    made.CopyFrom(answer)
    after = made.type.tensor_type.shape.dim
    if scales.dtype != np.float32 or len(after) != len(before) or scales.shape != (len(axes),):
        return None
    wrong = False
    for axis, scale in zip(axes, scales, strict=True):
        if not -len(before) <= axis < len(before) or not (length := before[axis].dim_value):
            continue
        run = np.float32(length) * scale
        if after[axis].dim_value and np.isfinite(run) and int(run) != after[axis].dim_value:
            after[axis].dim_value = int(run)
            wrong = True
    return made if wrong else None
