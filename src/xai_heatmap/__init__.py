"""What did it look at? Heatmaps for any layer of any PyTorch, Keras 3 or ONNX network.

>>> import xai_heatmap as xh
>>> "explain" in xh.__all__
True
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xai_heatmap import metrics, scenes
    from xai_heatmap.backends import network
    from xai_heatmap.backends.detector import detector
    from xai_heatmap.backends.held import whole
    from xai_heatmap.compat import Drawer, XAIActivations, XAIHeatmap, XVisTool
    from xai_heatmap.core.box import box
    from xai_heatmap.core.box_form import Boxes
    from xai_heatmap.core.detections import Detection
    from xai_heatmap.core.errors import XaiHeatmapError
    from xai_heatmap.core.geometry import Geometry
    from xai_heatmap.core.measured_target import function, likeness, residual_softmax
    from xai_heatmap.core.network import Layer, Network, Recording
    from xai_heatmap.core.prediction import Prediction
    from xai_heatmap.core.region import region
    from xai_heatmap.core.registry import Method, method
    from xai_heatmap.core.step import step
    from xai_heatmap.core.target import (
        Choice,
        Target,
        category,
        contrast,
        margin,
        negative,
        probability,
        rest,
        similar,
        top,
    )
    from xai_heatmap.core.verdict import Verdict
    from xai_heatmap.explaining import compare, explain, maps
    from xai_heatmap.explanation import Comparison, Explanation
    from xai_heatmap.exporting import export
    from xai_heatmap.many import Explanations
    from xai_heatmap.preprocess import Preprocess

_HOMES = {
    "Boxes": "core.box_form",
    "Choice": "core.target",
    "Comparison": "explanation",
    "Detection": "core.detections",
    "Drawer": "compat",
    "Explanation": "explanation",
    "Explanations": "many",
    "Geometry": "core.geometry",
    "Layer": "core.network",
    "Method": "core.registry",
    "Network": "core.network",
    "Prediction": "core.prediction",
    "Preprocess": "preprocess",
    "Recording": "core.network",
    "Target": "core.target",
    "Verdict": "core.verdict",
    "XAIActivations": "compat",
    "XAIHeatmap": "compat",
    "XVisTool": "compat",
    "XaiHeatmapError": "core.errors",
    "box": "core.box",
    "category": "core.target",
    "compare": "explaining",
    "contrast": "core.target",
    "detector": "backends.detector",
    "explain": "explaining",
    "export": "exporting",
    "function": "core.measured_target",
    "likeness": "core.measured_target",
    "maps": "explaining",
    "margin": "core.target",
    "method": "core.registry",
    "negative": "core.target",
    "network": "backends",
    "probability": "core.target",
    "region": "core.region",
    "residual_softmax": "core.measured_target",
    "rest": "core.target",
    "similar": "core.target",
    "step": "core.step",
    "top": "core.target",
    "whole": "backends.held",
}

_MODULES = ("metrics", "scenes")
"""Modules that are public as they are."""

__all__ = [
    "Boxes",
    "Choice",
    "Comparison",
    "Detection",
    "Drawer",
    "Explanation",
    "Explanations",
    "Geometry",
    "Layer",
    "Method",
    "Network",
    "Prediction",
    "Preprocess",
    "Recording",
    "Target",
    "Verdict",
    "XAIActivations",
    "XAIHeatmap",
    "XVisTool",
    "XaiHeatmapError",
    "box",
    "category",
    "compare",
    "contrast",
    "detector",
    "explain",
    "export",
    "function",
    "likeness",
    "maps",
    "margin",
    "method",
    "metrics",
    "negative",
    "network",
    "probability",
    "region",
    "residual_softmax",
    "rest",
    "scenes",
    "similar",
    "step",
    "top",
    "whole",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing the package stays
    quick.
    """
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
