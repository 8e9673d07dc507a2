"""Pen that writes operators behind those of an ONNX graph, in operators of opset 12 and newer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from xai_heatmap.networks.onnx.autodiff import PREFIX

LEAST_OPSET = 12
"""From this opset on, all that is written with a pen is known."""

STANDARD = ("", "ai.onnx")


def opset(model: ModelProto) -> int:
    """Version of the standard operators of a model."""
    return max((one.version for one in model.opset_import if one.domain in STANDARD), default=1)


class Pen:
    """Pen for a copy of a model; what it writes is no layer of the user's.

    Parameters
    ----------
    model
        Is left as it is; `written` is the copy.
    word
        With which the names of the tensors begin.
    """

    def __init__(self, model: ModelProto, word: str) -> None:
        self.written = ModelProto()
        self.written.CopyFrom(model)
        self._word, self._count = word, 0

    def constant(self, value: object, kind: type[np.generic] = np.float32) -> str:
        """Name of a stored tensor."""
        name = self._fresh("stored")
        self.written.graph.initializer.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def numbers(self, *values: int) -> str:
        """Name of a stored vector of whole numbers."""
        return self.constant(values, np.int64)

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Name of the first output of a new node."""
        return self.several(operator, 1, *inputs, **attributes)[0]

    def several(
        self, operator: str, outputs: int, *inputs: str, **attributes: Any
    ) -> Sequence[str]:
        """Names of the outputs of a new node."""
        names = [self._fresh(operator) for _ in range(outputs)]
        node = helper.make_node(operator, inputs, names, name=names[0], **attributes)
        self.written.graph.node.append(node)
        return names

    def real(self, tensor: str) -> str:
        """The tensor in 32 bits."""
        return self.add("Cast", tensor, to=TensorProto.FLOAT)

    def part(self, tensor: str, axis: int, start: int, stop: int | None = None) -> str:
        """The numbers from `start` to before `stop` of an axis, to its end without `stop`."""
        end = np.iinfo(np.int64).max if stop is None else stop
        places = self.numbers(start), self.numbers(int(end)), self.numbers(axis)
        return self.add("Slice", tensor, *places)

    def length(self, tensor: str, axis: int) -> str:
        """Length of an axis, as one whole number."""
        return self.add("Gather", self.add("Shape", tensor), self.constant(axis, np.int64), axis=0)

    def answer(self, tensor: str, name: str, shape: Sequence[int | str | None]) -> None:
        """Make a tensor an output of the graph, by the name `name`."""
        self.written.graph.node.append(helper.make_node("Identity", [tensor], [name], name=name))
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        self.written.graph.output.append(value)

    def _fresh(self, word: str) -> str:
        self._count += 1
        return f"{PREFIX}{self._word}/{word} {self._count}"
