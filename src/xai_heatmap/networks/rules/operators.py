"""Canonical operators: the names by which backward rules refer to operators of frameworks.

Every framework says in its own ``canonical.py`` which of its operators these are; an operator
stands under one name. A framework that makes an operator of others says so with `MADE_OF_OTHERS`.
"""

from collections.abc import Mapping

from xai_heatmap.core.backward import BackwardRule

CANONICAL: Mapping[str, str] = {
    "straight": "rearranges, picks, averages: doubled where all that moves is doubled, no kink",
    "sum": "adds or subtracts two values",
    "affine": "weights times what moves, and a bias: convolution, linear layer",
    "product": "two factors that may both move: elementwise, or of matrices",
    "quotient": "a / b",
    "power": "x to the power of a number, the square among them",
    "rectifier": "straight on both sides of a kink at 0: ReLU, leaky ReLU, magnitude",
    "gate": "of one number, what values are multiplied with: sigmoid, erf, exp",
    "gated": "x · gate(x), 0 at 0: GELU, SiLU, tanh, ELU",
    "deviation": "what a normalisation divides by: root, reciprocal, norm",
    "normalisation": "(x - mean) / deviation of the same values: layer, group, instance, RMS",
    "attention": "softmax over more than the classes, also inside fused attention",
    "final activation": "softmax or its logarithm over one number a class",
    "maximum": "the largest of several, as in max-pooling",
    "minimum": "the smallest of several",
    "pointwise": "any other function of one number: log, sin, clipping, softplus",
}
"""What each name stands for."""

MADE_OF_OTHERS: frozenset[str] = frozenset()
"""For an operator that a framework runs as several others, and does not name."""

Table = Mapping[str, frozenset[str]]
"""From every canonical name to a framework's own names."""


def named(table: Table, *canonical: str) -> frozenset[str]:
    """A framework's own names of these operators."""
    return frozenset[str]().union(*(table[name] for name in canonical))


def treated(table: Table, rule: BackwardRule) -> Mapping[str, str]:
    """Treatments of a rule by a framework's own names; omitted names keep the derivative."""
    return {own: how for canonical, how in rule.at.items() for own in table[canonical]}
