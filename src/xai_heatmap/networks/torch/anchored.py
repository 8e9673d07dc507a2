"""Boxes of a PyTorch detector that answers maps of scores and of steps from anchors, level by level
(EfficientDet).
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from xai_heatmap.core.boxes.spec import Boxes

SCORES, BOXES = "scores", "boxes"

HOW = Boxes(scores=SCORES, boxes=BOXES, order="xyxy", unit="pixels")
"""How what is made of those maps is read."""

TOLD = ("min_level", "max_level", "num_scales", "aspect_ratios", "anchor_scale")
"""What the configuration of a model says of its anchors."""


def with_boxes(answered: Any, model: Any, image: Sequence[int]) -> tuple[Any, Boxes | None]:
    """Scores and boxes of maps for each level, and how these are read; any other answer unchanged,
    and None.

    A model's `config` names its anchors. At every place of the level l, of stride 2^l, stand boxes
    of the side s · 2^l · 2^(o / scales) for each o below the number of scales, and of each aspect;
    steps are those of the centre, down and across, in sides of the anchor, and the logarithm of the
    sides, height first (Tan, Pang & Le 2020, EfficientDet).
    """
    told = getattr(model, "config", None)
    levels = _levels(answered)
    if levels is None or any(_entry(told, name) is None for name in TOLD):
        return answered, None
    scores, steps = levels
    scales, aspects = int(_entry(told, "num_scales")), _aspects(_entry(told, "aspect_ratios"))
    first, last = int(_entry(told, "min_level")), int(_entry(told, "max_level"))
    each = scales * len(aspects)
    if last - first + 1 != len(scores) or any(one.shape[1] != 4 * each for one in steps):
        return answered, None
    if any(one.shape[1] % each for one in scores):
        return answered, None
    found, boxes = [], []
    for level, (score, step) in enumerate(zip(scores, steps, strict=True), first):
        base = [
            float(_entry(told, "anchor_scale")) * 2 ** (level + octave / scales)
            for octave in range(scales)
        ]
        sides = [(side * high, side * wide) for side in base for wide, high in aspects]
        found.append(_rows(score, each))
        boxes.append(_corners(_rows(step, each), step.shape[2:], image, sides))
    return {SCORES: torch.cat(found, 1), BOXES: torch.cat(boxes, 1)}, HOW


def _levels(answered: Any) -> tuple[Sequence[torch.Tensor], Sequence[torch.Tensor]] | None:
    """Maps of scores and of steps, where an answer is two lists of maps on the same grids."""
    if not isinstance(answered, tuple | list) or len(answered) != 2:
        return None
    scores, steps = answered
    if not all(isinstance(one, tuple | list) and len(one) > 1 for one in (scores, steps)):
        return None
    if len(scores) != len(steps) or not all(
        torch.is_tensor(one) and one.ndim == 4 for one in (*scores, *steps)
    ):
        return None
    alike = all(a.shape[2:] == b.shape[2:] for a, b in zip(scores, steps, strict=True))
    return (scores, steps) if alike else None


def _rows(level: torch.Tensor, each: int) -> torch.Tensor:
    """(n, boxes · numbers, rows, columns) as (n, rows · columns · boxes, numbers)."""
    return level.permute(0, 2, 3, 1).reshape(len(level), -1, level.shape[1] // each)


def _corners(
    steps: torch.Tensor,
    grid: Sequence[int],
    image: Sequence[int],
    sides: Sequence[tuple[float, float]],
) -> torch.Tensor:
    """Left, top, right, bottom of the boxes of one level, (n, boxes, 4)."""
    y, x = (
        (torch.arange(places, device=steps.device, dtype=steps.dtype) + 0.5) * length / places
        for places, length in zip(grid, image, strict=True)
    )
    centres = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 1, 2)
    anchors = steps.new_tensor(sides)[None]
    middle = (centres + 0 * anchors).reshape(-1, 2)
    size = (anchors + 0 * centres).reshape(-1, 2)
    half = steps[..., 2:].clamp(max=math.log(1e4)).exp() * size / 2
    own = steps[..., :2] * size + middle
    return torch.cat([own - half, own + half], -1)[..., [1, 0, 3, 2]]


def _aspects(told: Any) -> list[tuple[float, float]]:
    """Width and height of each aspect, whose product is 1."""
    pairs = [[*one] if isinstance(one, Iterable) else (one**0.5, one**-0.5) for one in told]
    return [(float(wide), float(high)) for wide, high in pairs]


def _entry(told: Any, name: str) -> Any:
    found = getattr(told, name, None)
    return found if found is not None or not hasattr(told, "get") else told.get(name)
