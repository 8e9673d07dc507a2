"""Reverse-mode differentiation over ONNX graphs, written as standard ONNX operators.

``prepared`` brings a model into the form that is needed, ``backward`` adds gradients to it,
``biases`` what every node adds; ``rules`` says what is covered. Whoever writes more into the graph
takes a ``Builder`` and ``gradients``.
"""

from xai_heatmap.reverse import operators as _operators  # noqa: F401  # registers the rules
from xai_heatmap.reverse.biases import biases
from xai_heatmap.reverse.builder import PREFIX, Builder, Tensor, op
from xai_heatmap.reverse.prepare import prepared
from xai_heatmap.reverse.registry import Rule, rules
from xai_heatmap.reverse.secant import REFERENCE, SECANT, beside
from xai_heatmap.reverse.sweep import backward, gradients, refusals
from xai_heatmap.reverse.way import BALANCED, DERIVATIVE, Way

__all__ = [
    "BALANCED",
    "DERIVATIVE",
    "PREFIX",
    "REFERENCE",
    "SECANT",
    "Builder",
    "Rule",
    "Tensor",
    "Way",
    "backward",
    "beside",
    "biases",
    "gradients",
    "op",
    "prepared",
    "refusals",
    "rules",
]
