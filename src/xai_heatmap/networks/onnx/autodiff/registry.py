"""Registry of the derivative rules: from the cotangents of outputs to those of inputs.

A rule is a function of the node and of the cotangent of its output; it answers with the cotangents
of its inputs, in their order. ``None``, or a shorter answer, means "no formula for this input":
where one is needed, the model is refused. What a rule cannot do it refuses; it never guesses.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from types import MappingProxyType
from typing import TypeVar, cast

import numpy as np
from onnx import NodeProto, defs, helper

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.onnx.autodiff.builder import Builder
from xai_heatmap.networks.onnx.autodiff.tensor import Dim, Shape, Tensor

T = TypeVar("T")
Cotangents = Tensor | Sequence[Tensor | None]
F = TypeVar("F", bound=Callable[..., Tensor | Sequence[Tensor | None]])


@dataclass(frozen=True, eq=False)
class Node:
    """A node of the forward graph, as a rule sees it."""

    proto: NodeProto
    builder: Builder

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs, up to the first that is left out; see `optional`."""
        return tuple(self.builder.tensor(name) for name in takewhile(bool, self.proto.input))

    @property
    def input(self) -> Tensor:
        """The first input: x."""
        return self.builder.tensor(self.proto.input[0])

    @property
    def output(self) -> Tensor:
        """The first output: y."""
        return self.builder.tensor(self.proto.output[0])

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs, up to the first that is left out."""
        return tuple(self.builder.tensor(name) for name in takewhile(bool, self.proto.output))

    def optional(self, index: int) -> Tensor | None:
        """Input at a position, None for an omitted input."""
        name = self.proto.input[index] if index < len(self.proto.input) else ""
        return self.builder.tensor(name) if name else None

    def attribute(self, name: str, default: T) -> T:
        """The value of an attribute, text decoded."""
        found = next((a for a in self.proto.attribute if a.name == name), None)
        if found is None:
            return default
        value = helper.get_attribute_value(found)
        return cast("T", value.decode() if isinstance(value, bytes) else value)

    def has(self, name: str) -> bool:
        return any(attribute.name == name for attribute in self.proto.attribute)

    def known(self, index: int, what: str) -> np.ndarray:
        """Constant value of an input, empty for an omitted one; refuses a computed input."""
        tensor = self.optional(index)
        if tensor is None:
            return np.zeros(0)
        if tensor.value is None:
            raise self.refused(f"{what} are computed while the model runs; a constant is needed")
        return tensor.value

    def shape(self, tensor: Tensor) -> Shape:
        """The shape, lengths as far as known; refuses a tensor of unknown rank."""
        if tensor.shape is None:
            raise self.refused(
                f"how many axes {tensor.name!r} has is needed and shape inference did not find it"
            )
        return tensor.shape

    def axis(self, axis: int, tensor: Tensor) -> int:
        """An axis counted from the front."""
        return axis % max(len(self.shape(tensor)), 1)

    def fixed(self, lengths: Sequence[Dim], what: str) -> tuple[int, ...]:
        """Lengths as numbers; refuses lengths that are open until run time."""
        known = tuple(length for length in lengths if isinstance(length, int))
        if len(known) < len(lengths):
            raise self.refused(
                f"{what} must be known before the model runs, and {tuple(lengths)} is open"
            )
        return known

    def refused(self, reason: str) -> NoRule:
        """Error for a node without a rule, with `reason`."""
        return no_rule(self.proto, reason)


@dataclass(frozen=True)
class Rule:
    """Derivative rule of one operator."""

    operator: str
    function: Callable[..., Cotangents]
    broadcasts: bool

    @property
    def formula(self) -> str:
        """The first line of the rule's docstring."""
        return self._lines[0]

    @property
    def remarks(self) -> str:
        """The rest of the docstring: what is refused, and what happens on a kink."""
        return "\n".join(self._lines[1:]).strip()

    @property
    def every_output(self) -> bool:
        """Whether the rule takes one cotangent per output, None for one that is off the path."""
        kinds = [
            parameter.kind for parameter in inspect.signature(self.function).parameters.values()
        ]
        return inspect.Parameter.VAR_POSITIONAL in kinds

    @property
    def _lines(self) -> list[str]:
        return (inspect.getdoc(self.function) or " ").splitlines()


NEWEST = 28
"""The opset whose operators the rules know: a later version of one may mean more by its attributes.
"""

_rules: dict[str, Rule] = {}

# Piecewise constant, or not a function of real numbers: the derivative is zero wherever it exists.
CONSTANT = frozenset({
    *("And", "ArgMax", "ArgMin", "Ceil", "Constant", "ConstantOfShape", "Equal", "EyeLike"),
    *("Floor", "Greater", "GreaterOrEqual", "Hardmax", "IsInf", "IsNaN", "Less", "LessOrEqual"),
    *("NonZero", "Not", "Or", "RandomNormal", "RandomNormalLike", "RandomUniform"),
    *("RandomUniformLike", "Round", "Shape", "Sign", "Size", "Xor"),
})  # fmt: skip


def rule(*operators: str, broadcasts: bool = False) -> Callable[[F], F]:
    """Register the rule of one operator, or of operators that share it.

    With `broadcasts`, the rule answers in the shape of the output, and cotangents are summed
    afterwards over the axes along which an input was stretched.
    """

    def register(function: F) -> F:
        for operator in operators:
            if operator in _rules or operator in CONSTANT:
                raise ValueError(f"{operator} has a rule already; one operator, one rule.")
            _rules[operator] = Rule(operator, function, broadcasts)
        return function

    return register


def rules() -> Mapping[str, Rule]:
    """Every rule by the operator's name, in alphabetical order."""
    return MappingProxyType(dict(sorted(_rules.items())))


def check_version(node: NodeProto, opset: int) -> None:
    """Refuse an operator in a version that is newer than its rule."""
    if opset <= NEWEST or node.domain not in ("", "ai.onnx"):
        return
    if defs.get_schema(node.op_type, opset).since_version > NEWEST:
        raise no_rule(node, f"rules know its versions up to opset {NEWEST}; the model has {opset}")


def find(node: NodeProto) -> Rule:
    """The rule of a node's operator."""
    if node.domain not in ("", "ai.onnx"):
        raise no_rule(
            node, f"operators of the domain {node.domain!r} are not part of the ONNX standard"
        )
    if node.op_type not in _rules:
        raise no_rule(node, "there is no rule for this operator")
    return _rules[node.op_type]


def whole(dtype: np.dtype) -> bool:
    """Whether a tensor may hold sums of products of codes."""
    return dtype == np.int32


def no_rule(node: NodeProto, reason: str) -> NoRule:
    """The error of every refusal."""
    name = node.name or (node.output[0] if node.output else "")
    return NoRule(
        f"The gradient through node {name!r} ({node.op_type}) is needed, and {reason}. "
        f"Choose a layer behind this node, or a method that needs no gradient, such as eigencam."
    )
