"""Tensors known before the graph runs: constants, and the outputs of nodes that read constants."""

from collections.abc import Mapping

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

SMALL = 4096


class KnownValues:
    """Values that do not depend on the inputs: pads, axes, shapes, often computed by some nodes."""

    def __init__(self, graph: GraphProto, shapes: Mapping[str, tuple]) -> None:
        self._shapes = shapes
        self._initializer = {initializer.name: initializer for initializer in graph.initializer}
        self._producer = {name: node for node in graph.node for name in node.output if name}
        self._found: dict[str, np.ndarray | None] = {}
        self._emitted: set[str] = set()

    def add(self, name: str, value: np.ndarray) -> None:
        """Remember a constant that was written just now."""
        self._found[name] = value
        self._emitted.add(name)

    def emitted(self, name: str) -> np.ndarray | None:
        """Value of a tensor that the builder wrote as a constant, else None."""
        return self._found[name] if name in self._emitted else None

    def value(self, name: str) -> np.ndarray | None:
        """Value of a tensor; None if the value depends on an input or is not small."""
        if name not in self._found:
            self._found[name] = None
            self._found[name] = self._computed(name)
        return self._found[name]

    def _computed(self, name: str) -> np.ndarray | None:
        if name in self._initializer:
            initializer = self._initializer[name]
            small = np.prod(initializer.dims, dtype=np.int64) <= SMALL
            return stored(initializer) if small else None
        node = self._producer.get(name)
        if node is None or node.domain not in ("", "ai.onnx"):
            return None
        if node.op_type == "Shape":
            return self._shape(node)
        return self._run(node, name)

    def _shape(self, node: NodeProto) -> np.ndarray | None:
        shape = self._shapes.get(node.input[0])
        if shape is None:
            return None
        bounds = {a.name: a.i for a in node.attribute}
        part = shape[bounds.get("start", 0) : bounds.get("end")]
        return np.array(part, np.int64) if all(isinstance(length, int) for length in part) else None

    def _in_part(self, name: str) -> np.ndarray | None:
        """Value of a shape of which some lengths are open, `_OPEN_LENGTH` there; None of others."""
        node = self._producer.get(name)
        shape = None if node is None or node.op_type != "Shape" else self._shapes.get(node.input[0])
        if node is None or shape is None or node.attribute:
            return None
        return np.array([d if isinstance(d, int) else _OPEN_LENGTH for d in shape], np.int64)

    def _run(self, node: NodeProto, name: str) -> np.ndarray | None:
        if node.op_type not in _FOLDABLE:
            return None
        values = {given: self.value(given) for given in node.input if given}
        if node.op_type in _PICKING and values.get(node.input[0]) is None:
            values[node.input[0]] = self._in_part(node.input[0])
        inputs = {given: value for given, value in values.items() if value is not None}
        if len(inputs) < len(values):
            return None
        if node.op_type in _GROWING and not _modest(inputs):
            return None
        from onnx.reference import ReferenceEvaluator  # a hundred operators, which few graphs need

        try:
            with np.errstate(all="ignore"):
                results = ReferenceEvaluator(node).run(None, inputs)
        except (ValueError, TypeError, IndexError, ArithmeticError, RuntimeError):
            return None
        value = np.asarray(dict(zip(node.output, results, strict=False))[name])
        picked = node.op_type in _PICKING and bool((value == _OPEN_LENGTH).any())
        return None if picked or value.size > SMALL else value


def stored(tensor: TensorProto) -> np.ndarray | None:
    """Numbers of a stored tensor; None where numbers and shape disagree, as in a damaged file that
    the runtime refuses.
    """
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError):
        return None


def _modest(inputs: Mapping[str, np.ndarray]) -> bool:
    """Whether an operator that reads a shape can be run safely."""
    return all(
        0 <= np.prod(np.abs(v.astype(np.float64))) <= SMALL
        for v in inputs.values()
        if v.dtype.kind in "iu"
    )


_OPEN_LENGTH = -(1 << 62)
"""Stands for an open length among known ones, from which only the known are picked."""

_PICKING = ("Gather", "Slice")

# Only operators whose work is bounded by the size of their inputs, or that `_modest` has looked at.
_GROWING = {"ConstantOfShape", "Expand", "Tile", "Range"}
_FOLDABLE = _GROWING | {
    *("Constant", "Identity", "Cast", "CastLike", "Concat", "Gather", "Slice", "Split"),
    *("Squeeze", "Unsqueeze", "Reshape", "Flatten", "Size", "Where", "Equal", "Less", "Greater"),
    *("GreaterOrEqual", "LessOrEqual", "Not", "And", "Or", "Add", "Sub", "Mul", "Div", "Mod"),
    *("Neg", "Abs", "Min", "Max", "Floor", "Ceil", "Round", "Sqrt", "Pow", "Exp", "Log"),
    *("Reciprocal", "Transpose", "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin"),
}  # fmt: skip
