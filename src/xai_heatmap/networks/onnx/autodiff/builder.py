"""Builder of ONNX graphs, which writes nodes behind those of a model.

All that is written lives under ``xai/``. The same node is never written twice, constants are
shared, and integer arithmetic on known numbers is done while writing, so that one text serves
static and dynamic shapes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xai_heatmap.core.errors import ModelError
from xai_heatmap.networks.onnx.autodiff.known import KnownValues
from xai_heatmap.networks.onnx.autodiff.tensor import Attribute, Dim, Input, Shape, Tensor, op

PREFIX = "xai/"

MaxPoolForm = Literal["portable", "scatter"]

_BOOLEAN = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Not"}
_INTEGER = {"Shape", "Size", "ArgMax", "NonZero"}
_AT_ONCE: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
}


@dataclass(eq=False)
class Builder:
    """Copy of a model to which nodes are added; existing nodes stay unchanged."""

    model: ModelProto
    maxpool: MaxPoolForm = "portable"

    def __post_init__(self) -> None:
        original, self.model = self.model, onnx.ModelProto()
        self.model.CopyFrom(original)
        graph = self.model.graph
        self.opset = max(
            (i.version for i in self.model.opset_import if i.domain in ("", "ai.onnx")), default=1
        )
        self.forward: tuple[NodeProto, ...] = tuple(graph.node)
        self.producer = {name: node for node in self.forward for name in node.output if name}
        self.dtypes: dict[str, np.dtype] = {}
        self.shapes: dict[str, Shape] = {}
        for info in (*graph.value_info, *graph.input, *graph.output):
            self._remember(info)
        for initializer in graph.initializer:
            self._learn(initializer.name, initializer.data_type, tuple(initializer.dims))
        self.known = KnownValues(graph, self.shapes)
        self._names = {*self.dtypes, *self.producer}
        self._written: dict[tuple, tuple[str, ...]] = {}
        self._computed: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._count = 0

    def tensor(self, name: str) -> Tensor:
        """A value of the graph by its name."""
        if name not in self.dtypes:
            raise ModelError(
                f"The type of tensor {name!r} is needed and shape inference did not find it. "
                f"Choose a layer behind it, or export the model again with a newer opset."
            )
        return Tensor(name, self)

    def constant(self, array: np.ndarray) -> Tensor:
        """A constant; equal ones are stored once."""
        array = np.asarray(array)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._written:
            name = self._fresh("constant")
            self._written[key] = (name,)
            self.model.graph.initializer.append(numpy_helper.from_array(array, name))
            self.dtypes[name], self.shapes[name] = array.dtype, array.shape
            self.known.add(name, array)
        return Tensor(self._written[key][0], self)

    def joined(self, *lengths: int | Tensor) -> Tensor:
        """Concatenate numbers and vectors into one int64 vector."""
        parts = [
            part if isinstance(part, Tensor) else self.constant(np.array([part], np.int64))
            for part in lengths
        ]
        return parts[0] if len(parts) == 1 else op("Concat", *parts, axis=0)

    def input(self, name: str, *, like: Tensor) -> Tensor:
        """A new input of the graph, with the type and shape of a tensor."""
        if name in self._names:
            raise ModelError(
                f"A new input {name!r} is needed and the model already uses that name; "
                f"choose another."
            )
        self._names.add(name)
        self.dtypes[name] = like.dtype
        if like.shape is not None:
            self.shapes[name] = like.shape
        self.model.graph.input.append(self._info(name, like))
        return Tensor(name, self)

    def output(self, name: str, value: Tensor, *, like: Tensor | None = None) -> str:
        """Make `value` an output of the graph; return its name, for an existing output the old one.

        `like` says the shape where the value's own is not known.
        """
        if value.name not in self._computed:
            value = op("Identity", value)
        if value.name in self._renamed:
            return self._renamed[value.name]
        while name in self._names:
            name += "'"
        self._names.add(name)
        self._renamed[value.name] = name
        self.model.graph.output.append(self._info(name, like or value))
        return name

    def second_output(self, node: NodeProto, dtype: np.dtype) -> Tensor:
        """Second output of a node of the forward graph, added where the node omits it."""
        if len(node.output) < 2:
            node.output.append("")
        if not node.output[1]:
            node.output[1] = self._fresh(f"{node.op_type.lower()}_second")
            self.dtypes[node.output[1]] = dtype
        return self.tensor(node.output[1])

    def emit(
        self,
        operator: str,
        inputs: Sequence[Input],
        *,
        outputs: int,
        attributes: Mapping[str, Attribute],
    ) -> tuple[Tensor, ...]:
        """Write one node, or return the outputs of an equal node written before."""
        given = [self._as_tensor(value) for value in inputs]
        numbers = [value and self.known.emitted(value.name) for value in given]
        if operator in _AT_ONCE and all(number is not None for number in numbers):
            return (self.constant(np.asarray(_AT_ONCE[operator](*numbers, **attributes))),)
        names = tuple(value.name if value else "" for value in given)
        key = (operator, names, outputs, repr(sorted(attributes.items())))
        if key not in self._written:
            self._written[key] = tuple(self._fresh(operator.lower()) for _ in range(outputs))
            first = self._written[key][0]
            node = helper.make_node(operator, names, self._written[key], name=f"{first}/node")
            node.attribute.extend(
                helper.make_attribute(*item) for item in sorted(attributes.items())
            )
            self.model.graph.node.append(node)
            self._computed.update(self._written[key])
            for name in self._written[key]:
                self.dtypes[name] = _dtype(operator, given, attributes)
        return tuple(Tensor(name, self) for name in self._written[key])

    def again(self, node: NodeProto, first: Tensor) -> Tensor:
        """The first output of a node of the forward graph, with another first input."""
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        others = [self.tensor(name) if name else None for name in node.input[1:]]
        return self.emit(node.op_type, [first, *others], outputs=1, attributes=attributes)[0]

    def finished(self) -> ModelProto:
        """Finish the model: of the written nodes, only those that lead to outputs are kept."""
        graph = self.model.graph
        for node in graph.node[len(self.forward) :]:
            for names in (node.input, node.output):
                names[:] = [self._renamed.get(name, name) for name in names]
        wanted = {info.name for info in graph.output}
        kept: list[NodeProto] = []
        for node in reversed(graph.node[len(self.forward) :]):
            if wanted.intersection(node.output):
                kept.append(node)
                wanted.update(node.input)
        written = {names[0] for key, names in self._written.items() if key[0] == "constant"}
        initializers = [i for i in graph.initializer if i.name not in written or i.name in wanted]
        forward = list(graph.node[: len(self.forward)])
        del graph.node[:], graph.initializer[:]
        graph.node.extend([*forward, *reversed(kept)])
        graph.initializer.extend(initializers)
        return self.model

    def _as_tensor(self, value: Input) -> Tensor | None:
        if value is None or isinstance(value, Tensor):
            return value
        if isinstance(value, np.ndarray):
            return self.constant(value)
        return self.constant(np.array(value, np.int64))

    def _fresh(self, stem: str) -> str:
        self._count += 1
        while (name := f"{PREFIX}{stem}_{self._count}") in self._names:
            self._count += 1
        return name

    def _remember(self, info: onnx.ValueInfoProto) -> None:
        if not info.type.HasField("tensor_type"):
            return
        kind = info.type.tensor_type
        shape = tuple(_dim(dim) for dim in kind.shape.dim) if kind.HasField("shape") else None
        self._learn(info.name, kind.elem_type, shape)

    def _learn(self, name: str, elem_type: int, shape: Shape | None) -> None:
        if elem_type:
            self.dtypes[name] = np.dtype(helper.tensor_dtype_to_np_dtype(elem_type))
        if shape is not None:
            self.shapes[name] = shape

    def _info(self, name: str, like: Tensor) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(like.dtype), like.shape
        )


def _dim(dim: onnx.TensorShapeProto.Dimension) -> Dim:
    if dim.HasField("dim_value"):
        return dim.dim_value
    return dim.dim_param or None


def _dtype(
    operator: str, inputs: Sequence[Tensor | None], attributes: Mapping[str, Attribute]
) -> np.dtype:
    if operator in _BOOLEAN:
        return np.dtype(bool)
    if operator in _INTEGER:
        return np.dtype(np.int64)
    if operator == "Cast":
        return np.dtype(helper.tensor_dtype_to_np_dtype(cast("int", attributes["to"])))
    if operator == "ConstantOfShape":
        value = cast("TensorProto", attributes["value"])
        return np.dtype(helper.tensor_dtype_to_np_dtype(value.data_type))
    return next(value.dtype for value in (inputs[1:] if operator == "Where" else inputs) if value)
