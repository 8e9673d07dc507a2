"""What did it look at? Heatmaps for any layer of any PyTorch, Keras 3 or ONNX network.

>>> import xai_heatmap as xh
>>> "explain" in xh.__all__
True
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xai_heatmap import metrics, scenes, training
    from xai_heatmap.apps.web.serving import serve
    from xai_heatmap.compat import Drawer, XAIActivations, XAIHeatmap, XVisTool
    from xai_heatmap.core.boxes.box import box
    from xai_heatmap.core.boxes.detections import Detection
    from xai_heatmap.core.boxes.every import boxes, suppressed
    from xai_heatmap.core.boxes.parts import instance_mask, keypoint
    from xai_heatmap.core.boxes.spec import Boxes
    from xai_heatmap.core.errors import XaiHeatmapError
    from xai_heatmap.core.filling import activation_of
    from xai_heatmap.core.geometry import Geometry
    from xai_heatmap.core.metric import Metric, metric
    from xai_heatmap.core.network import Layer, Network
    from xai_heatmap.core.prediction import Prediction
    from xai_heatmap.core.recording import Recording
    from xai_heatmap.core.registry import Method, method
    from xai_heatmap.core.targets.category import category, negative, top
    from xai_heatmap.core.targets.contrast import contrast, margin, rest, similar
    from xai_heatmap.core.targets.measured import function, likeness, residual_softmax
    from xai_heatmap.core.targets.place import place
    from xai_heatmap.core.targets.probability import probability
    from xai_heatmap.core.targets.region import region
    from xai_heatmap.core.targets.step import step
    from xai_heatmap.core.targets.target import Choice, Target
    from xai_heatmap.core.targets.text import text
    from xai_heatmap.core.targets.token import token
    from xai_heatmap.core.targets.weighted import weighted
    from xai_heatmap.core.tested import Tested
    from xai_heatmap.core.verdict import Verdict
    from xai_heatmap.explaining.answer import Answered, Word, answer
    from xai_heatmap.explaining.batch import maps
    from xai_heatmap.explaining.comparison import Comparison
    from xai_heatmap.explaining.explain import compare, explain
    from xai_heatmap.explaining.explanation import Explanation
    from xai_heatmap.explaining.many import Explanations
    from xai_heatmap.explaining.measure import Measured, measure
    from xai_heatmap.explaining.together import together
    from xai_heatmap.exporting.export import export
    from xai_heatmap.networks import network
    from xai_heatmap.networks.function.detector import detector
    from xai_heatmap.networks.opening.held import whole
    from xai_heatmap.runners.audit.run import Audit, audit
    from xai_heatmap.runners.batch.drift import Drift, drift
    from xai_heatmap.runners.batch.run import batch
    from xai_heatmap.runners.batch.stored import StoredRun, open_run
    from xai_heatmap.runners.findings.finding import Finding
    from xai_heatmap.runners.findings.findings import Findings, findings
    from xai_heatmap.runners.video import video
    from xai_heatmap.sources.preprocess import Preprocess

_HOMES = {
    "Answered": "explaining.answer",
    "Audit": "runners.audit.run",
    "Boxes": "core.boxes.spec",
    "Choice": "core.targets.target",
    "Comparison": "explaining.comparison",
    "Detection": "core.boxes.detections",
    "Drawer": "compat",
    "Drift": "runners.batch.drift",
    "Explanation": "explaining.explanation",
    "Explanations": "explaining.many",
    "Finding": "runners.findings.finding",
    "Findings": "runners.findings.findings",
    "Geometry": "core.geometry",
    "Layer": "core.network",
    "Measured": "explaining.measure",
    "Method": "core.registry",
    "Metric": "core.metric",
    "Network": "core.network",
    "Prediction": "core.prediction",
    "Preprocess": "sources.preprocess",
    "Recording": "core.recording",
    "StoredRun": "runners.batch.stored",
    "Target": "core.targets.target",
    "Tested": "core.tested",
    "Verdict": "core.verdict",
    "Word": "explaining.answer",
    "XAIActivations": "compat",
    "XAIHeatmap": "compat",
    "XVisTool": "compat",
    "XaiHeatmapError": "core.errors",
    "activation_of": "core.filling",
    "answer": "explaining.answer",
    "audit": "runners.audit.run",
    "batch": "runners.batch.run",
    "box": "core.boxes.box",
    "boxes": "core.boxes.every",
    "category": "core.targets.category",
    "compare": "explaining.explain",
    "contrast": "core.targets.contrast",
    "detector": "networks.function.detector",
    "drift": "runners.batch.drift",
    "explain": "explaining.explain",
    "export": "exporting.export",
    "findings": "runners.findings.findings",
    "function": "core.targets.measured",
    "instance_mask": "core.boxes.parts",
    "keypoint": "core.boxes.parts",
    "likeness": "core.targets.measured",
    "maps": "explaining.batch",
    "margin": "core.targets.contrast",
    "measure": "explaining.measure",
    "method": "core.registry",
    "metric": "core.metric",
    "negative": "core.targets.category",
    "network": "networks",
    "open_run": "runners.batch.stored",
    "place": "core.targets.place",
    "probability": "core.targets.probability",
    "region": "core.targets.region",
    "residual_softmax": "core.targets.measured",
    "rest": "core.targets.contrast",
    "serve": "apps.web.serving",
    "similar": "core.targets.contrast",
    "step": "core.targets.step",
    "suppressed": "core.boxes.every",
    "text": "core.targets.text",
    "together": "explaining.together",
    "token": "core.targets.token",
    "top": "core.targets.category",
    "video": "runners.video",
    "weighted": "core.targets.weighted",
    "whole": "networks.opening.held",
}

_MODULES = ("metrics", "scenes", "training")
"""Modules that are public as they are."""

__all__ = [
    "Answered",
    "Audit",
    "Boxes",
    "Choice",
    "Comparison",
    "Detection",
    "Drawer",
    "Drift",
    "Explanation",
    "Explanations",
    "Finding",
    "Findings",
    "Geometry",
    "Layer",
    "Measured",
    "Method",
    "Metric",
    "Network",
    "Prediction",
    "Preprocess",
    "Recording",
    "StoredRun",
    "Target",
    "Tested",
    "Verdict",
    "Word",
    "XAIActivations",
    "XAIHeatmap",
    "XVisTool",
    "XaiHeatmapError",
    "activation_of",
    "answer",
    "audit",
    "batch",
    "box",
    "boxes",
    "category",
    "compare",
    "contrast",
    "detector",
    "drift",
    "explain",
    "export",
    "findings",
    "function",
    "instance_mask",
    "keypoint",
    "likeness",
    "maps",
    "margin",
    "measure",
    "method",
    "metric",
    "metrics",
    "negative",
    "network",
    "open_run",
    "place",
    "probability",
    "region",
    "residual_softmax",
    "rest",
    "scenes",
    "serve",
    "similar",
    "step",
    "suppressed",
    "text",
    "together",
    "token",
    "top",
    "training",
    "video",
    "weighted",
    "whole",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing the package stays
    quick.
    """
    from xai_heatmap.core.importing import imported

    if name in _MODULES:
        return imported(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(imported(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
