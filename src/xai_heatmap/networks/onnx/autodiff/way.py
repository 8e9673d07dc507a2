"""Backward rules of a graph: the derivative of every operator, or replacements for some."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from onnx import NodeProto

from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.onnx.autodiff.builder import Builder
from xai_heatmap.networks.onnx.autodiff.registry import CONSTANT, Rule, find, no_rule


def _constant(node: NodeProto, builder: Builder) -> bool:
    return node.op_type in CONSTANT


@dataclass(frozen=True)
class Way:
    """Backward rule of a graph: where cotangents depart from the derivatives of the operators.

    Parameters
    ----------
    constant
        Whether nothing passes through a node.
    rules
        Of operators that have another one.
    wanted
        Which of the tensors that a node reads, given those that lead somewhere, get a cotangent.
    products
        Operators whose factors share the cotangent.
    straight
        The operators that keep their own rule, all others are refused; None where all keep it.
    refused
        The error of those.
    """

    constant: Callable[[NodeProto, Builder], bool] = _constant
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])
    wanted: Callable[[NodeProto, Sequence[str]], Sequence[str]] = lambda _, names: names
    products: frozenset[str] = frozenset()
    straight: frozenset[str] | None = None
    refused: Callable[[NodeProto], NoRule] = lambda node: no_rule(node, "there is no rule for it")

    def rule(self, node: NodeProto) -> Rule:
        """Rule by which a cotangent passes through a node."""
        if node.op_type in self.rules:
            return self.rules[node.op_type]
        if self.straight is not None and node.op_type not in self.straight:
            raise self.refused(node)
        return find(node)

    def share(self, node: NodeProto, wanted: Sequence[str]) -> float:
        """Share of the cotangent for each input of a node."""
        factors = sum(name in wanted for name in node.input)
        return 1 / factors if node.op_type in self.products and factors > 1 else 1.0


DERIVATIVE = Way()
