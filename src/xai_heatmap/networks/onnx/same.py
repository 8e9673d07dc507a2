"""Check that a rewritten graph still gives the scores of the file."""

from collections.abc import Iterator, Mapping

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.autodiff.written_out import opset_of
from xai_heatmap.networks.onnx.settled import answers

CLOSE, CLOSE_IN_HALF, CLOSE_IN_CODES = 1e-3, 1e-2, 5e-2
"""Tolerances of scores, as a share of the file's largest: for rounding alone, in half precision,
and where a number may fall to the next code."""

HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)

Arrays = Mapping[str, np.ndarray]


def check_same(before: ModelProto, after: ModelProto, answer: str, feeds: Arrays) -> None:
    """Compare the scores of a graph with those of the original, if nodes were rewritten.

    Parameters
    ----------
    before, after
        The graphs.
    answer
        The tensor that is explained, in both.
    feeds
        What goes in.

    Raises
    ------
    ModelError
        They answer other scores; the first node whose answer differs is named.
    """
    if not _rewritten(before, after):
        return
    try:
        right = answers(before, [answer], feeds)[answer]
    except ModelError:
        return  # an operator so old that the runtime has none of it: there is nothing to compare
    close = _close(before)
    if _alike(answers(after, [answer], feeds)[answer], right, close):
        return
    if not _alike(answers(before, [answer], feeds)[answer], right, close):
        return  # it draws at random; a head that does not repeat itself is refused later
    node, off = _first_other(before, after, feeds, close) or (before.graph.node[-1], 1.0)
    raise ModelError(
        f"A graph that keeps its values when it is brought up from opset {opset_of(before)} is "
        f"needed; node {node.name or node.output[0]!r} ({node.op_type}) answers other values "
        f"than in the file (off by {off:.1%} of the largest), and so do the scores. Export the "
        f"model again with opset {opset_of(after)} or newer."
    )


def _rewritten(before: ModelProto, after: ModelProto) -> bool:
    """Whether more was done than to infer shapes."""
    if opset_of(before) != opset_of(after):
        return True
    own, made = before.graph.node, after.graph.node
    return len(own) > len(made) or any(a != b for a, b in zip(own, made, strict=False))


def _close(model: ModelProto) -> float:
    if any("uantize" in node.op_type or node.op_type[0] == "Q" for node in model.graph.node):
        return CLOSE_IN_CODES
    half = any(tensor.data_type in HALF for tensor in model.graph.initializer)
    return CLOSE_IN_HALF if half else CLOSE


def _alike(found: np.ndarray, right: np.ndarray, close: float) -> bool:
    return found.shape == right.shape and _off(found, right) <= close


def _off(found: np.ndarray, right: np.ndarray) -> float:
    """The largest difference, as a share of the largest number; where both are infinite, none."""
    a, b = found.astype(np.float64).ravel(), right.astype(np.float64).ravel()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    if not np.isfinite(a[~same]).all() or not np.isfinite(b[~same]).all():
        return np.inf
    return float(np.abs(a - b)[~same].max() / max(np.abs(b[np.isfinite(b)]).max(initial=0), 1e-30))


def _first_other(
    before: ModelProto, after: ModelProto, feeds: Arrays, close: float
) -> tuple[NodeProto, float] | None:
    """First node whose output differs in the rewritten graph, and the difference."""
    there = {name for node in after.graph.node for name in node.output if name}
    common = [n for node in before.graph.node for n in node.output if n in there]
    try:
        right, found = (answers(model, common, feeds) for model in (before, after))
    except ModelError:
        return None
    return next(_others(before, right, found, close), None)


def _others(
    before: ModelProto, right: Arrays, found: Arrays, close: float
) -> Iterator[tuple[NodeProto, float]]:
    for node in before.graph.node:
        for name in node.output:
            a, b = found.get(name), right.get(name)
            if a is None or b is None or a.dtype != b.dtype or b.dtype.kind not in "fiu":
                continue
            if not _alike(a, b, close):
                yield node, _off(a, b) if a.shape == b.shape else np.inf
