"""Detections that a PyTorch model answers as a list, a dict for each picture, as one tensor."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.opening.chosen_rows import DETECTIONS
from xai_heatmap.networks.torch.instances import of_probabilities


def as_rows(answered: Any, *, images: int) -> tuple[Any, Boxes | None]:
    """Tensor (n, 300, 6 + parts) of a list of detections, still differentiable, and how it is read:
    the box, the score, the class, scores of key points and of the mask; zeros where there is no
    detection. Any other answer unchanged, and None.
    """
    if not _are_detections(answered, images):
        return answered, None
    points = answered[0].get("keypoints_scores")
    points = points.shape[1] if torch.is_tensor(points) and points.ndim == 2 else 0
    masks = torch.is_tensor(answered[0].get("masks"))
    how = replace(AS_TORCHVISION, points=points, instances=masks)
    return torch.stack([_rows(one, points=points, masks=masks) for one in answered]), how


def _are_detections(answered: Any, images: int) -> bool:
    """Whether an answer is a list of boxes with an area, scores and classes, one for each image."""
    if not isinstance(answered, list | tuple) or len(answered) != images or not answered:
        return False
    return all(_is_detection(one) for one in answered)


def _is_detection(one: Any) -> bool:
    """Whether a dict holds boxes, of which one has an area, and a score and a class of each."""
    if not isinstance(one, Mapping) or not all(torch.is_tensor(one.get(key)) for key in KEYS):
        return False
    boxes, scores, labels = (one[key] for key in KEYS)
    count = len(boxes) if boxes.ndim else -1
    if boxes.shape != (count, 4) or scores.shape != (count,) or labels.shape != (count,):
        return False
    if labels.is_floating_point() or not scores.is_floating_point():
        return False
    return not count or bool((boxes[:, 2:] > boxes[:, :2]).all(dim=1).any())


def _rows(one: Mapping[str, torch.Tensor], *, points: int, masks: bool) -> torch.Tensor:
    scores = one["scores"]
    numbers = [one["boxes"].to(scores.dtype), scores[:, None], one["labels"][:, None].to(scores)]
    if points:
        numbers.append(one["keypoints_scores"].to(scores.dtype).reshape(len(scores), points))
    if masks:
        numbers.append(of_probabilities(one["masks"].to(scores.dtype))[:, None])
    rows = torch.cat(numbers, dim=1)
    if len(rows) > DETECTIONS:
        rows = rows[scores.detach().topk(DETECTIONS).indices]
    return torch.cat([rows, rows.new_zeros(DETECTIONS - len(rows), rows.shape[1])])


AS_TORCHVISION = Boxes(order="xyxy", unit="pixels", masks=0, chosen=True)
"""How those rows are read."""

KEYS = ("boxes", "scores", "labels")
"""What a detection is known by, as torchvision names it."""
