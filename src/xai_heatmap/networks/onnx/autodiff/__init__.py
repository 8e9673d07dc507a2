"""Reverse-mode differentiation over ONNX graphs, written as standard ONNX operators.

``prepared`` brings a model into the form that is needed, ``backward`` adds gradients to it,
``rules`` says what is covered. Whoever writes more into the graph
takes a ``Builder`` and ``gradients``.
"""

from xai_heatmap.networks.onnx.autodiff import operators as _operators  # noqa: F401  # registers the rules
from xai_heatmap.networks.onnx.autodiff.bias_terms import biases
from xai_heatmap.networks.onnx.autodiff.builder import PREFIX, Builder
from xai_heatmap.networks.onnx.autodiff.deeplift import REFERENCE, beside
from xai_heatmap.networks.onnx.autodiff.prepare import prepared
from xai_heatmap.networks.onnx.autodiff.registry import Rule, rules
from xai_heatmap.networks.onnx.autodiff.sweep import backward, gradients, refusals
from xai_heatmap.networks.onnx.autodiff.tensor import Tensor, op
from xai_heatmap.networks.onnx.autodiff.way import DERIVATIVE, Way

__all__ = [
    "DERIVATIVE",
    "PREFIX",
    "REFERENCE",
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
