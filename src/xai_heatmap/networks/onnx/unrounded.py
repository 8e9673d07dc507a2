"""Quantised heads without rounding: QuantizeLinear is rewritten to keep fractions.

Half a code is often more than what one place of a feature map adds to a mean over the grid.
Codes stay codes, but between whole numbers too. Codes that begin at 0 begin and end where they did,
since a ReLU or a clip is often left out of a file because of them; others ended where the pictures
ended that the network was calibrated on, and nothing is cut off there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff.builder import PREFIX
from xai_heatmap.networks.onnx.autodiff.quantised import CARRIERS, CODES
from xai_heatmap.networks.onnx.autodiff.written_out import STANDARD
from xai_heatmap.networks.onnx.cut import depending_on, infos

WRITTEN = {*CARRIERS, "DequantizeLinear"}
"""Operators that may read codes with fractions."""


def unrounded(model: ModelProto) -> ModelProto | None:
    """Model with quantised activations that are not rounded; None without such activations.

    Activations in codes that something else reads than what rearranges or dequantises them, or
    that have several scales, stay rounded.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    writer = _Writer(copy)
    return copy if writer.write() else None


@dataclass
class _Writer:
    """Writer of the nodes of a graph, with the nodes between codes rewritten."""

    model: ModelProto
    _stored: dict[str, np.ndarray] = field(default_factory=dict)
    _made: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.model.graph
        constants = (node for node in graph.node if node.op_type == "Constant")
        held = {n.output[0]: n.attribute[0].t for n in constants if n.attribute[0].HasField("t")}
        held |= {tensor.name: tensor for tensor in graph.initializer}
        for name, tensor in held.items():
            if int(np.prod(tensor.dims)) == 1:
                self._stored[name] = numpy_helper.to_array(tensor)

    def write(self) -> bool:
        """Write the nodes; False where nothing changed."""
        graph = self.model.graph
        free = self._free()
        nodes: list[NodeProto] = []
        for node in graph.node:
            nodes += self._written(node, free)
            if node.op_type in CARRIERS and node.output[0] in free:
                kind = self._made[next(name for name in node.input if name in free)]
                self._made.update(dict.fromkeys(node.output, kind))
        del graph.node[:]
        graph.node.extend(nodes)
        for value in graph.value_info:
            if value.name in free:
                value.type.tensor_type.elem_type = self._made[value.name]
        return bool(free)

    def _free(self) -> Mapping[str, np.ndarray]:
        """Tensors of codes that may have fractions, each with the zero point."""
        graph = self.model.graph
        moving = depending_on([value.name for value in graph.input], graph.node)
        made = {n.output[0]: self._zero(n) for n in graph.node if self._rounds(n, moving)}
        asked = {value.name for value in graph.output}
        carriers = [node for node in graph.node if node.op_type in CARRIERS]
        while made:
            carried = {codes: depending_on([codes], carriers) for codes in made}
            every = set[str]().union(*carried.values())
            readers = [n for n in graph.node if every.intersection(n.input)]
            fixed = asked.union(*(n.input for n in readers if not self._takes(n, every)))
            kept = {codes: zero for codes, zero in made.items() if not carried[codes] & fixed}
            if len(kept) == len(made):
                return {name: zero for codes, zero in made.items() for name in carried[codes]}
            made = kept
        return {}

    def _rounds(self, node: NodeProto, moving: Collection[str]) -> bool:
        """Whether a node quantises an activation by one stored scale."""
        if node.op_type != "QuantizeLinear" or node.domain not in STANDARD:
            return False
        zero = self._zero(node)
        whole = helper.np_dtype_to_tensor_dtype(zero.dtype) in CODES
        return node.input[0] in moving and node.input[1] in self._stored and whole

    def _zero(self, node: NodeProto) -> np.ndarray:
        """Stored zero point in the codes' type; a float without a stored one."""
        if len(node.input) > 2 and node.input[2]:
            return self._stored.get(node.input[2], np.zeros(()))
        said = [a.i for a in node.attribute if a.name == "output_dtype" and a.i]
        kind = said[0] if said else TensorProto.UINT8
        return np.zeros((), helper.tensor_dtype_to_np_dtype(kind))

    def _takes(self, node: NodeProto, free: Collection[str]) -> bool:
        """Whether a reader of codes can take codes that are not whole numbers."""
        if node.op_type not in WRITTEN or node.domain not in STANDARD:
            return False
        if node.op_type == "DequantizeLinear":
            return node.input[1] in self._stored
        data = node.input if node.op_type == "Concat" else node.input[:1]
        return set(data) <= set(free) and (node.op_type != "Pad" or not any(node.input[2:]))

    def _written(self, node: NodeProto, free: Mapping[str, np.ndarray]) -> Sequence[NodeProto]:
        if node.op_type == "QuantizeLinear" and node.output[0] in free:
            return self._codes(node, free[node.output[0]])
        if node.op_type == "DequantizeLinear" and node.input[0] in free:
            return self._numbers(node)
        return [node]

    def _codes(self, node: NodeProto, zero: np.ndarray) -> Sequence[NodeProto]:
        """x / scale + zero point, cut off where the codes of a ReLU end."""
        y, dtype, limits = node.output[0], self._stored[node.input[1]].dtype, np.iinfo(zero.dtype)
        cut = int(zero.ravel()[0]) == limits.min
        self._made[y] = helper.np_dtype_to_tensor_dtype(dtype)
        steps, codes = self._like(
            node.input[0], f"{PREFIX}{y} in steps", f"{PREFIX}{y} not rounded"
        )
        codes = codes if cut else y
        added = self._store(f"{PREFIX}{y} zero point", zero, dtype)
        made = [
            helper.make_node("Div", [node.input[0], node.input[1]], [steps], name=steps),
            helper.make_node("Add", [steps, added], [codes], name=codes),
        ]
        if cut:
            ends = {"least": limits.min, "most": limits.max}
            bounds = [self._store(f"{codes} {n}", np.array(e), dtype) for n, e in ends.items()]
            made.append(helper.make_node("Clip", [codes, *bounds], [y], name=node.name))
        return made

    def _numbers(self, node: NodeProto) -> Sequence[NodeProto]:
        """(codes - zero point) · scale."""
        zero = self._zero(node) if len(node.input) > 2 else np.zeros(())
        y, dtype = node.output[0], self._stored[node.input[1]].dtype
        (below,) = self._like(y, f"{PREFIX}{y} above zero")
        subtract = [node.input[0], self._store(f"{below} point", zero, dtype)]
        return [
            helper.make_node("Sub", subtract, [below], name=below),
            helper.make_node("Mul", [below, node.input[1]], [y], name=node.name),
        ]

    def _like(self, tensor: str, *names: str) -> Sequence[str]:
        """New tensors of another's shape and type."""
        known = infos(self.model).get(tensor)
        if known is not None:
            for name in names:
                info = self.model.graph.value_info.add()
                info.CopyFrom(known)
                info.name = name
        return names

    def _store(self, name: str, value: np.ndarray, dtype: np.dtype) -> str:
        number = value.reshape(()).astype(dtype)
        self.model.graph.initializer.append(numpy_helper.from_array(number, name))
        return name
