"""Tensors of a graph that is being written: handles whose arithmetic writes nodes.

::

    x = builder.tensor("image")
    y = op("Exp", -(x * x)) * 2          # four nodes and one constant at the end of the graph
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from xai_heatmap.networks.onnx.autodiff.builder import Builder

Dim = int | str | None
Shape = tuple[Dim, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A named value of the graph that is being written. It holds no numbers."""

    name: str
    builder: "Builder" = field(repr=False)

    @property
    def dtype(self) -> np.dtype:
        return self.builder.dtypes[self.name]

    @property
    def shape(self) -> Shape | None:
        """Lengths of the axes: a number, a symbol such as "batch", or None if unknown."""
        return self.builder.shapes.get(self.name)

    @property
    def value(self) -> np.ndarray | None:
        """Numbers of a small tensor that does not depend on the graph's inputs, else None."""
        return self.builder.known.value(self.name)

    def __add__(self, other: "Operand") -> "Tensor":
        return op("Add", self, self.lifted(other))

    def __sub__(self, other: "Operand") -> "Tensor":
        return op("Sub", self, self.lifted(other))

    def __rsub__(self, other: "Operand") -> "Tensor":
        return op("Sub", self.lifted(other), self)

    def __mul__(self, other: "Operand") -> "Tensor":
        return op("Mul", self, self.lifted(other))

    def __truediv__(self, other: "Operand") -> "Tensor":
        return op("Div", self, self.lifted(other))

    def __pow__(self, other: "Operand") -> "Tensor":
        return op("Pow", self, self.lifted(other))

    def __neg__(self) -> "Tensor":
        return op("Neg", self)

    def __gt__(self, other: "Operand") -> "Tensor":
        return op("Greater", self, self.lifted(other))

    def __lt__(self, other: "Operand") -> "Tensor":
        return op("Less", self, self.lifted(other))

    def __ge__(self, other: "Operand") -> "Tensor":
        return op("GreaterOrEqual", self, self.lifted(other))

    def __le__(self, other: "Operand") -> "Tensor":
        return op("LessOrEqual", self, self.lifted(other))

    def __and__(self, other: "Tensor") -> "Tensor":
        return op("And", self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def equals(self, other: "Operand") -> "Tensor":
        """Elementwise equality of two tensors (``==`` compares the handles, as Python does)."""
        return op("Equal", self, self.lifted(other))

    def cast(self, dtype: np.dtype) -> "Tensor":
        if dtype == self.dtype:
            return self
        return op("Cast", self, to=int(helper.np_dtype_to_tensor_dtype(dtype)))

    def sum(self, *axes: int) -> "Tensor":
        """Sum over axes, which stay with length 1."""
        return op("ReduceSum", self, axes, keepdims=1)

    def mean(self, *axes: int) -> "Tensor":
        """Mean over axes, which stay with length 1."""
        return op("ReduceMean", self, axes, keepdims=1)

    def transpose(self, order: Sequence[int]) -> "Tensor":
        order = [int(axis) for axis in order]
        return self if order == sorted(order) else op("Transpose", self, perm=order)

    def reshape(self, *lengths: "int | Tensor") -> "Tensor":
        """Reshape the tensor; a length may be a tensor, and one length may be -1."""
        return op("Reshape", self, self.builder.joined(*lengths))

    def reshaped_like(self, other: "Tensor") -> "Tensor":
        """Reshape the tensor to the shape of another one."""
        known = _fixed(other.shape)
        if known is None:
            return op("Reshape", self, other.lengths())
        return op("Reshape", self, known)

    def lengths(self, start: int = 0, end: int | None = None) -> "Tensor":
        """Lengths of the axes from `start` to `end`, as int64: a constant where they are known."""
        if self.shape is not None:
            part = self.shape[start:end]
            if all(isinstance(length, int) for length in part):
                return self.builder.constant(np.array(part, np.int64))
            if end is not None:
                end = range(len(self.shape))[start:end].stop
        bounds = {"start": start} if end is None else {"start": start, "end": end}
        return op("Shape", self, **bounds)

    def zeros(self, dtype: np.dtype | None = None) -> "Tensor":
        """Zeros of the same shape, and of the same dtype unless another is given."""
        zero = helper.make_tensor(
            "", helper.np_dtype_to_tensor_dtype(dtype or self.dtype), [1], [0]
        )
        return op("ConstantOfShape", self.lengths(), value=zero)

    def lifted(self, other: "Operand") -> "Tensor":
        """A number as a constant of the same dtype; a tensor as it is."""
        return (
            other
            if isinstance(other, Tensor)
            else self.builder.constant(np.asarray(other, self.dtype))
        )


Operand = Tensor | int | float | np.number | np.ndarray
Input = Tensor | np.ndarray | Sequence[int] | None
Attribute = int | float | str | Sequence[int] | TensorProto


def op(operator: str, *inputs: Input, **attributes: Attribute) -> Tensor:
    """Write one node with one output: ``op("Exp", x)``. Arrays and tuples become constants."""
    return ops(operator, *inputs, outputs=1, **attributes)[0]


def ops(operator: str, *inputs: Input, outputs: int, **attributes: Attribute) -> tuple[Tensor, ...]:
    """Write one node with several outputs."""
    builder = next(value.builder for value in inputs if isinstance(value, Tensor))
    return builder.emit(operator, inputs, outputs=outputs, attributes=attributes)


def where(condition: Tensor, yes: Operand, no: Operand) -> Tensor:
    """`yes` where the condition holds, `no` elsewhere; at least one of them is a tensor."""
    like = next(value for value in (yes, no) if isinstance(value, Tensor))
    return op("Where", condition, like.lifted(yes), like.lifted(no))


def masked(cotangent: Tensor, condition: Tensor) -> Tensor:
    """The cotangent where the condition holds, zero elsewhere."""
    return cotangent * condition.cast(cotangent.dtype)


def real(dtype: np.dtype) -> bool:
    """Whether numbers of this type can be differentiated."""
    return np.issubdtype(dtype, np.floating) or dtype.name == "bfloat16"


def _fixed(shape: Shape | None) -> tuple[int, ...] | None:
    """Shape for Reshape, with at most one open length, as -1."""
    if shape is None or 0 in shape:
        return None
    lengths = tuple(length if isinstance(length, int) else -1 for length in shape)
    return lengths if lengths.count(-1) <= 1 else None
