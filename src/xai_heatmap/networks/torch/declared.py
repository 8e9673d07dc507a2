"""Facts that a `torch.nn.Module` states about itself."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx, nn

from xai_heatmap.core.layers.layout import OPEN_AXIS
from xai_heatmap.core.network import Declared
from xai_heatmap.core.targets.answer import Kind
from xai_heatmap.networks.loading.hubs.timm_settings import preprocess

PROBLEMS: dict[str, Kind] = {
    "single_label_classification": "classes",
    "multi_label_classification": "labels",
    "regression": "values",
}
"""Kinds of outputs by the names in transformers."""

DEPTH = "ForDepthEstimation"
"""Ending of the names of models in transformers that answer a depth for each place."""

PHOTOGRAPHS = (1, 3)
"""Numbers of channels that say which axis of a picture they lie on."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Convolutions, whose class tells the number of axes of the input."""


def declared(module: nn.Module) -> Declared:
    """Declarations of a module: configuration by timm or transformers, first convolution."""
    timm: Any = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None)
    if isinstance(timm, Mapping) and "mean" in timm:
        return Declared(
            input_shape=tuple(timm["input_size"]) if timm.get("input_size") else None,
            preprocess=preprocess(timm),
        )
    config: Any = getattr(module, "config", None)
    config = getattr(config, "vision_config", config)  # of a model that also reads text
    size, channels = getattr(config, "image_size", None), getattr(config, "num_channels", 3)
    names: Any = getattr(config, "id2label", None) or getattr(module, "names", None)
    labels = (
        tuple(names[i] for i in range(len(names)))
        if isinstance(names, Mapping) and 0 in names
        else None
    )
    first = next((m for m in module.modules() if isinstance(m, CONVOLUTIONS)), None)
    shape = (
        _exported_for(module) or _usual_input(first)
        if size is None
        else (channels, size, size)
        if isinstance(size, int)
        else (channels, *size)
    )
    problem = getattr(config, "problem_type", None)
    problem = "regression" if type(module).__name__.endswith(DEPTH) else problem
    return Declared(
        shape, None, labels, answers=PROBLEMS.get(str(problem)),
        channels=None if first is None or len(first.kernel_size) != 2 else first.in_channels,
    )  # fmt: skip


def _exported_for(module: nn.Module) -> tuple[int, ...] | None:
    """Channels and size of the photograph that a graph of ``torch.export`` was made for; None where
    an axis was left open, where several inputs could be the picture, and for other data.
    """
    if not isinstance(module, fx.GraphModule):
        return None
    taken = [n.meta.get("val") for n in module.graph.nodes if n.op == "placeholder"]
    shapes = [t.shape for t in taken if isinstance(t, torch.Tensor) and t.is_floating_point()]
    pictures = [tuple(shape[1:]) for shape in shapes if len(shape) == 4]
    if len(pictures) != 1 or not all(type(size) is int for size in pictures[0]):
        return None
    first, *middle, last = pictures[0]
    if first in PHOTOGRAPHS:
        return pictures[0]
    return (last, first, *middle) if last in PHOTOGRAPHS else None


def _usual_input(first: nn.Module | None) -> tuple[int, ...] | None:
    """Input shape from the channels of the first convolution and a usual grid; None for a picture
    with other channels than 1 or 3.
    """
    if not isinstance(first, CONVOLUTIONS):
        return None
    axes = len(first.kernel_size)
    usual = axes != 2 or first.in_channels in (1, 3)
    return (first.in_channels, *[OPEN_AXIS[axes]] * axes) if usual else None
