"""Integer operators, rewritten as operators on real numbers.

Codes of a quantised layer are not numbers: each stands for (code - zero point) · scale. So that
layers hold what they stand for, and have a derivative, ``QLinearConv`` becomes

::

    DequantizeLinear ─▶ Conv ─▶ QuantizeLinear ─▶ DequantizeLinear

and tensors of codes keep their names, but become what they stand for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.builder import PREFIX
from xai_heatmap.networks.onnx.autodiff.integer_operators import INTEGER, Quantised, Triple
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD

MICROSOFT = "com.microsoft"
RENAMED = ("QuantizeLinear", "DequantizeLinear")
"""Operators that were onnxruntime's own before the standard took them in."""

CARRIERS = frozenset({
    *("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND"),
    *("Identity", "MaxPool", "Pad", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split"),
    *("Squeeze", "Tile", "Transpose", "Unsqueeze"),
})  # fmt: skip
"""Operators that act on codes as on real numbers."""

CODES = (TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16)

T = TypeVar("T")


def in_the_standard(model: ModelProto) -> ModelProto:
    """The model, changed so that operators that the standard has too are the standard's."""
    for node in model.graph.node:
        if node.domain == MICROSOFT and node.op_type in RENAMED:
            node.domain = ""
    return model


def dequantised(model: ModelProto) -> ModelProto:
    """The model, changed so that tensors between its integer operators hold real numbers."""
    writer = _Writer(model)
    if not any(writer.operator(node) for node in model.graph.node):
        return model
    for node in model.graph.node:
        writer.take(node)
    graph = model.graph
    del graph.node[:]
    graph.node.extend(writer.nodes)
    graph.initializer.extend(writer.stored)
    values = [v for v in graph.value_info if v.name not in writer.codes]
    del graph.value_info[:]
    graph.value_info.extend(values)
    for value in graph.output:
        if value.name in writer.codes:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    return model


@dataclass
class _Writer:
    """Writer of the dequantised graph: nodes so far, scales and zero points of tensors of codes."""

    model: ModelProto
    nodes: list[NodeProto] = field(default_factory=list)
    stored: list[TensorProto] = field(default_factory=list)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _constants: dict[str, TensorProto] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._constants = {tensor.name: tensor for tensor in self.model.graph.initializer}

    def operator(self, node: NodeProto) -> Quantised | None:
        """Real-valued form of an integer operator; None for any other operator."""
        made = INTEGER.get(node.op_type) if node.domain in (*STANDARD, MICROSOFT) else None
        return made and made(node)

    def take(self, node: NodeProto) -> None:
        """Write one node of the model."""
        quantised = self.operator(node)
        if quantised is not None:
            self._integer(node, quantised)
        elif node.op_type == "QuantizeLinear" and node.domain in STANDARD and not _blocked(node):
            scale, zero = node.input[1], node.input[2] if len(node.input) > 2 else ""
            self._write(node, node.output[0], scale, zero)
        elif node.op_type == "DequantizeLinear" and node.input[0] in self.codes:
            self._read(node)
        elif node.op_type in CARRIERS and node.domain in STANDARD and self._carried(node):
            self._carry(node)
        else:
            names = {name for name in node.input if name in self.codes}
            renamed = {name: self._codes_again(name) for name in names}
            self.nodes.append(_copy(node, inputs=[renamed.get(n, n) for n in node.input]))

    def _integer(self, node: NodeProto, how: Quantised) -> None:
        name, y = node.name or node.output[0], node.output[0]
        reals = [own if isinstance(own, str) else self._real(own) for own in how.inputs]
        inner = y if how.answer is None else f"{PREFIX}{y} before rounding"
        named = name if how.answer is None else inner
        operator, rest = how.operator, how.bias
        into = inner if rest is None else f"{PREFIX}{y} before its bias"
        made = helper.make_node(operator, reals, [into], name=named, **how.attributes)
        self.nodes.append(made)
        if rest is not None:
            made.name = into
            self.nodes.append(helper.make_node("Add", [into, rest], [inner], name=named))
        if how.answer is not None:
            quantise = helper.make_node("QuantizeLinear", [inner], [y], name=name)
            self._write(quantise, y, *how.answer)

    def _real(self, own: Triple) -> str:
        """Name of the dequantised tensor of an operand's codes."""
        scale = own.scale
        if self.codes.get(own.codes) == (scale, own.zero):
            return own.codes
        codes = self._codes_again(own.codes) if own.codes in self.codes else own.codes
        if own.dynamic:
            return self._dynamic(own)
        if own.times is not None:
            scale = self._once(f"{PREFIX}{own.codes} scale", "Mul", [own.scale, own.times])
        key = f"{PREFIX}{own.codes} dequantised by {own.scale}, {own.zero}, {own.axis}"
        axis = own.axis if self._per_axis(own.scale) or self._per_axis(own.times) else None
        attributes: dict[str, Any] = {} if axis is None else {"axis": axis}
        return self._once(key, "DequantizeLinear", [codes, scale, own.zero], **attributes)

    def _dynamic(self, own: Triple) -> str:
        made = [f"{PREFIX}{own.codes} {part}" for part in ("codes", "scale", "zero point")]
        if own.codes not in self._kept:
            self._kept[own.codes] = f"{PREFIX}{own.codes} rounded"
            self.nodes.append(helper.make_node(
                "DynamicQuantizeLinear", [own.codes], made, name=f"{PREFIX}{own.codes} quantised"
            ))  # fmt: skip
            self.nodes.append(helper.make_node(
                "DequantizeLinear", made, [self._kept[own.codes]], name=self._kept[own.codes]
            ))  # fmt: skip
        return self._kept[own.codes]

    def _per_axis(self, scale: str | None) -> bool:
        tensor = self._constants.get(scale or "")
        return tensor is not None and int(np.prod(tensor.dims)) > 1

    def _once(self, name: str, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        if name not in self._kept:
            self._kept[name] = name
            given = list(inputs)
            while given and not given[-1]:
                given.pop()
            self.nodes.append(helper.make_node(operator, given, [name], name=name, **attributes))
        return name

    def _write(self, node: NodeProto, y: str, scale: str, zero: str) -> None:
        """Quantise the input of a node; `y` becomes the dequantised codes."""
        codes, name = f"{PREFIX}{y} as codes", node.name or y
        quantise = _copy(node, inputs=[node.input[0], scale, zero], outputs=[codes])
        quantise.name = codes
        axis: dict[str, Any] = {a.name: a.i for a in node.attribute if a.name == "axis"}
        read = helper.make_node("DequantizeLinear", [codes, scale, zero], [y], name=name, **axis)
        for one in (quantise, read):
            if not zero:
                del one.input[2:]
        self.nodes += [quantise, read]
        self.codes[y] = scale, zero

    def _read(self, node: NodeProto) -> None:
        scale, zero = node.input[1], node.input[2] if len(node.input) > 2 else ""
        if self.codes[node.input[0]] == (scale, zero) and not _blocked(node):
            made = helper.make_node("Identity", node.input[:1], node.output, name=node.name)
            self.nodes.append(made)
        else:
            again = [self._codes_again(node.input[0]), *node.input[1:]]
            self.nodes.append(_copy(node, inputs=again))

    def _carried(self, node: NodeProto) -> bool:
        read = [name for name in _data(node) if name]
        kinds = {self.codes.get(name) for name in read}
        how = next(iter(kinds), None)
        return len(kinds) == 1 and how is not None and not self._per_axis(how[0])

    def _carry(self, node: NodeProto) -> None:
        """Write the node on real numbers, followed by quantisation with the scale of the input."""
        scale, zero = self.codes[node.input[0]]
        made, name = _copy(node), node.name
        if node.op_type == "Pad" and _said(node, "mode", b"constant") == b"constant":
            value = node.input[2] if len(node.input) > 2 else ""
            made.input.extend([""] * (3 - len(made.input)))
            made.input[2] = self._padding(value, scale, zero)
        several = len(node.output) if node.op_type == "Split" else 1
        inner = [f"{PREFIX}{y} before rounding" for y in node.output[:several]]
        made.output[:several] = inner
        made.name = inner[0]
        self.nodes.append(made)
        for y, before in zip(node.output, inner, strict=False):
            named = helper.make_node("QuantizeLinear", [before], [y], name=name)
            self._write(named, y, scale, zero)

    def _padding(self, value: str, scale: str, zero: str) -> str:
        if not value:
            kind = self._constants[zero].data_type if zero in self._constants else TensorProto.UINT8
            dtype = helper.tensor_dtype_to_np_dtype(kind)
            value = f"{PREFIX}code of a border"
            if value not in self._kept:
                self._kept[value] = value
                self.stored.append(numpy_helper.from_array(np.zeros((), dtype), value))
        return self._once(f"{PREFIX}{value} of {scale}", "DequantizeLinear", [value, scale, zero])

    def _codes_again(self, name: str) -> str:
        scale, zero = self.codes[name]
        return self._once(f"{PREFIX}{name} as codes again", "QuantizeLinear", [name, scale, zero])


def _data(node: NodeProto) -> Sequence[str]:
    return node.input if node.op_type == "Concat" else node.input[:1]


def _blocked(node: NodeProto) -> bool:
    return bool(_said(node, "block_size", 0))


def _said(node: NodeProto, name: str, default: T) -> T:
    found = next((a for a in node.attribute if a.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def _copy(
    node: NodeProto, *, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None
) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    if inputs is not None:
        del copy.input[:]
        copy.input.extend(inputs)
    if outputs is not None:
        del copy.output[:]
        copy.output.extend(outputs)
    return copy
