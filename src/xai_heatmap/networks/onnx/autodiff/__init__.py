"""Reverse-mode differentiation over ONNX graphs, written as standard ONNX operators.

``prepared`` brings a model into the form that is needed, ``backward`` adds gradients to it,
``biases`` what every node adds; ``rules`` says what is covered. Whoever writes more into the graph
takes a ``Builder`` and ``gradients``.
"""

from xai_heatmap.networks.onnx.autodiff import operators as _operators  # noqa: F401  # registers the rules
from xai_heatmap.networks.onnx.autodiff.biases import biases
from xai_heatmap.networks.onnx.autodiff.builder import PREFIX, Builder
from xai_heatmap.networks.onnx.autodiff.prepare import prepared
from xai_heatmap.networks.onnx.autodiff.registry import Rule, rules
from xai_heatmap.networks.onnx.autodiff.secant import REFERENCE, SECANT, beside
from xai_heatmap.networks.onnx.autodiff.sweep import backward, gradients, refusals
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op
from xai_heatmap.networks.onnx.autodiff.way import BALANCED, DERIVATIVE, Way

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
