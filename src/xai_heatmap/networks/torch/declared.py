"""Facts that a `torch.nn.Module` states about itself."""

from collections.abc import Mapping
from typing import Any

from torch import nn

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
    shape = (
        None
        if size is None
        else (channels, size, size)
        if isinstance(size, int)
        else (channels, *size)
    )
    problem = getattr(config, "problem_type", None)
    problem = "regression" if type(module).__name__.endswith(DEPTH) else problem
    first = next((m for m in module.modules() if isinstance(m, CONVOLUTIONS)), None)
    return Declared(
        shape or _usual_input(first), None, labels, answers=PROBLEMS.get(str(problem)),
        channels=None if first is None or len(first.kernel_size) != 2 else first.in_channels,
    )  # fmt: skip


def _usual_input(first: nn.Module | None) -> tuple[int, ...] | None:
    """Input shape from the channels of the first convolution and a usual grid; None for a picture
    with other channels than 1 or 3.
    """
    if not isinstance(first, CONVOLUTIONS):
        return None
    axes = len(first.kernel_size)
    usual = axes != 2 or first.in_channels in (1, 3)
    return (first.in_channels, *[OPEN_AXIS[axes]] * axes) if usual else None
