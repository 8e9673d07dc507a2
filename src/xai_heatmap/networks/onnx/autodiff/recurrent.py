"""Recurrent layers, written out step by step: LSTM, GRU and RNN.

::

    LSTM  c' = f ⊙ c + i ⊙ tanh ĉ,  h = o ⊙ tanh c'      of x W + h R + b = (i o f ĉ)
    GRU   h' = (1 − z) ⊙ tanh ĥ + z ⊙ h                   of x W + h R + b = (z r ĥ)
    RNN   h' = tanh(x W + h R + b)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.builder import PREFIX
from xai_heatmap.networks.onnx.autodiff.known import stored as known_numbers
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}

MOST_UNITS = 2**16
"""Most units of a state; only a damaged file has more."""

MOST_STEPS = 1024
"""Most steps of a sequence; each step is written as some twenty nodes."""


def unrolled(model: ModelProto) -> ModelProto:
    """Unroll, in place, recurrent layers with a known number of steps and usual attributes; other
    recurrent layers stay.

    Parameters
    ----------
    model
        With shapes inferred.
    """
    graph = model.graph
    if not any(node.op_type in GATES and node.domain in STANDARD for node in graph.node):
        return model
    infos = {v.name: v for v in (*graph.value_info, *graph.input)}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        steps = _steps(node, infos, stored)
        if steps is None:
            graph.node.append(node)
            continue
        kind = infos[node.input[0]].type.tensor_type.elem_type
        writer = _Unrolled(node, steps, helper.tensor_dtype_to_np_dtype(kind))
        writer.write()
        graph.node.extend(writer.nodes)
        graph.initializer.extend(writer.stored)
    return model


def _steps(node: NodeProto, infos: dict, stored: dict[str, TensorProto]) -> int | None:
    """Number of steps of a recurrent layer, None for a layer that cannot be written out."""
    if node.op_type not in GATES or node.domain not in STANDARD:
        return None
    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    kinds = [kind.decode() for kind in said.get("activations", [])]
    usual = USUAL[node.op_type] * (2 if said.get("direction", b"") == b"bidirectional" else 1)
    unusual = "clip" in said or said.get("input_forget", 0) or said.get("layout", 0)
    unusual = unusual or not 0 < said.get("hidden_size", 0) <= MOST_UNITS
    if unusual or (kinds and kinds != usual) or _input(node, 7):
        return None
    info = infos.get(node.input[0])
    dims = info.type.tensor_type.shape.dim if info is not None else []
    steps = dims[0].dim_value if len(dims) == 3 else 0
    lengths = stored.get(_input(node, 4))
    numbers = None if lengths is None else known_numbers(lengths)
    shorter = lengths is not None and (numbers is None or (numbers != steps).any())
    if not 0 < steps <= MOST_STEPS or shorter or (lengths is None and _input(node, 4)):
        return None
    return steps


def _input(node: NodeProto, index: int) -> str:
    return node.input[index] if index < len(node.input) else ""


@dataclass
class _Unrolled:
    """Nodes that replace one recurrent layer."""

    node: NodeProto
    steps: int
    dtype: np.dtype
    nodes: list[NodeProto] = field(default_factory=list)
    stored: list[TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.said = {a.name: helper.get_attribute_value(a) for a in self.node.attribute}
        self.size = int(self.said["hidden_size"])
        self.stem = next(name for name in self.node.output if name)

    def write(self) -> None:
        """Write the nodes of every direction, and the outputs of the layer."""
        direction = self.said.get("direction", b"forward")
        backwards = {b"forward": [False], b"reverse": [True]}.get(direction, [False, True])
        every = [self._one(index, back=back) for index, back in enumerate(backwards)]
        rows = [self.op("Unsqueeze", [y, self.numbers([1])]) for y, *_ in every]
        self.answer(0, rows, axis=1)
        self.answer(1, [h for _, h, _ in every], axis=0)
        self.answer(2, [c for *_, c in every], axis=0)

    def answer(self, index: int, parts: Sequence[str], *, axis: int) -> None:
        """Write an output of the layer under the original name."""
        name = self.node.output[index] if index < len(self.node.output) else ""
        if not name:
            return
        own = self.node.name if name == self.stem else ""
        joined = helper.make_node("Concat", parts, [name], name=own or name, axis=axis)
        self.nodes.append(joined)

    def _one(self, index: int, *, back: bool) -> tuple[str, str, str]:
        """Write one direction: names of the outputs of all steps, and of the last states."""
        gates = GATES[self.node.op_type]
        weight, again = (self._turned(place, index) for place in (1, 2))
        bias = self._biases(index, gates)
        xs = self.op("Add", [self.op("MatMul", [self.node.input[0], weight]), bias[0]])
        each = self.ops("Split", [xs], self.steps, axis=0, num_outputs=self.steps)
        h, c = self._initial(5, index), self._initial(6, index)
        said = [""] * self.steps
        for step in reversed(range(self.steps)) if back else range(self.steps):
            h, c = self._step(each[step], h, c, again, bias[1])
            said[step] = h
        return self.op("Concat", said, axis=0), h, c

    def _step(self, x: str, h: str, c: str, again: str, bias: str) -> tuple[str, str]:
        if self.node.op_type == "GRU":
            return self._gru(x, h, again, bias), c
        sums = self.op("Add", [x, self.op("Add", [self.op("MatMul", [h, again]), bias])])
        if self.node.op_type == "RNN":
            return self.op("Tanh", [sums]), c
        i, o, f, new = self.ops("Split", [sums], 4, axis=2, num_outputs=4)
        i, o, f = (self.op("Sigmoid", [gate]) for gate in (i, o, f))
        c = self.op("Add", [
            self.op("Mul", [f, c]), self.op("Mul", [i, self.op("Tanh", [new])])
        ])  # fmt: skip
        return self.op("Mul", [o, self.op("Tanh", [c])]), c

    def _gru(self, x: str, h: str, again: str, bias: str) -> str:
        size = self.numbers([2 * self.size, self.size])
        (x_zr, x_h), (r_zr, r_h), (b_zr, b_h) = (
            self.ops("Split", [whole, size], 2, axis=axis)
            for whole, axis in ((x, 2), (again, 1), (bias, 0))
        )
        product = self.op("Add", [self.op("MatMul", [h, r_zr]), b_zr])
        gates = self.op("Sigmoid", [self.op("Add", [x_zr, product])])
        z, r = self.ops("Split", [gates], 2, axis=2, num_outputs=2)
        if self.said.get("linear_before_reset", 0):
            inner = self.op("Add", [self.op("MatMul", [h, r_h]), b_h])
            old = self.op("Mul", [r, inner])
        else:
            old = self.op("Add", [self.op("MatMul", [self.op("Mul", [r, h]), r_h]), b_h])
        new = self.op("Tanh", [self.op("Add", [x_h, old])])
        return self.op("Add", [new, self.op("Mul", [z, self.op("Sub", [h, new])])])

    def _turned(self, place: int, index: int) -> str:
        """The weights of one direction, transposed."""
        own = self.op("Gather", [self.node.input[place], self.numbers(index)], axis=0)
        return self.op("Transpose", [own], perm=[1, 0])

    def _biases(self, index: int, gates: int) -> Sequence[str]:
        """Biases of the products with x and with h."""
        if not (name := _input(self.node, 3)):
            return [self.zeros([gates * self.size])] * 2
        own = self.op("Gather", [name, self.numbers(index)], axis=0)
        return self.ops("Split", [own], 2, axis=0, num_outputs=2)

    def _initial(self, place: int, index: int) -> str:
        """A state before the first step: (1, images, size)."""
        if not (name := _input(self.node, place)):
            return self.zeros([1, 1, self.size])
        return self.op("Gather", [name, self.numbers([index])], axis=0)

    def op(self, operator: str, inputs: Sequence[str], **how: Any) -> str:
        return self.ops(operator, inputs, 1, **how)[0]

    def ops(self, operator: str, inputs: Sequence[str], count: int, **how: Any) -> list[str]:
        first = f"{PREFIX}{self.stem} {len(self.nodes)}"
        names = [first if count == 1 else f"{first}.{number}" for number in range(count)]
        self.nodes.append(helper.make_node(operator, inputs, names, name=first, **how))
        return names

    def numbers(self, value: Any) -> str:
        return self._stored(np.array(value, np.int64))

    def zeros(self, shape: Sequence[int]) -> str:
        return self._stored(np.zeros(shape, self.dtype))

    def _stored(self, array: np.ndarray) -> str:
        name = f"{PREFIX}{self.stem} stored {len(self.stored)}"
        self.stored.append(numpy_helper.from_array(array, name))
        return name
