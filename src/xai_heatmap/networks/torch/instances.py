"""Masks that a PyTorch model answers beside its boxes, each as one number: its mean logit."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.opening.box_outputs import main_part

MOST = 100
"""Boxes of a picture whose masks are made of weights and prototypes, at most; the likeliest."""

CHOSEN, BOX = 6, 4
TINY = 1e-6


def mean_logit(logits: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
    """Mean of (..., rows, columns) over the places with a positive logit, within `inside`."""
    area = (logits.detach() > 0) if inside is None else (logits.detach() > 0) & inside
    places = area.flatten(-2).sum(-1).clamp(min=1)
    return (logits * area).flatten(-2).sum(-1) / places


def of_probabilities(masks: torch.Tensor) -> torch.Tensor:
    """Mean logit of masks of probabilities, (boxes, 1, rows, columns) to (boxes,)."""
    return mean_logit(torch.logit(masks[:, 0], eps=TINY))


def with_instances(answered: Any, how: Boxes, image: Sequence[int]) -> tuple[Any, Boxes]:
    """The answer with the mean logit of each mask as the last number of each box, and how it is
    read; both as they are where there are no masks.
    """
    if how.scores is not None:
        return answered, how
    own = main_part(answered)
    if not isinstance(own, tuple | list) or len(own) != 2 or not all(map(torch.is_tensor, own)):
        return answered, how
    rows, prototypes = own
    if rows.ndim != 3 or prototypes.ndim != 4 or len(rows) != len(prototypes):
        return answered, how
    count = prototypes.shape[1]
    if rows.shape[2] == CHOSEN + count:
        weights, boxes = rows[:, :, CHOSEN:], rows[:, :, :BOX]
        own = _masks(weights, prototypes, boxes, image, corners=True)
        joined = torch.cat([rows, own[:, :, None].to(rows.dtype)], dim=2)
        return joined, replace(how, boxes=None, instances=True)
    if rows.shape[2] <= rows.shape[1] or rows.shape[1] < BOX + 1 + count:
        return answered, how
    scores = rows[:, BOX:-count].detach().amax(dim=1)
    best = scores.topk(min(MOST, scores.shape[1]), dim=1).indices
    chosen = rows.gather(2, best[:, None].expand(-1, rows.shape[1], -1)).transpose(1, 2)
    found = _masks(chosen[:, :, -count:], prototypes, chosen[:, :, :BOX], image, corners=False)
    column = torch.zeros_like(rows[:, 0]).scatter(1, best, found.to(rows.dtype))
    joined = torch.cat([rows, column[:, None]], dim=1)
    return joined, replace(how, boxes=None, masks=count + 1, instances=True, chosen=False)


def _masks(
    weights: torch.Tensor,
    prototypes: torch.Tensor,
    boxes: torch.Tensor,
    image: Sequence[int],
    *,
    corners: bool,
) -> torch.Tensor:
    """Mean logit of each mask within its box, (n, boxes), of weights (n, boxes, masks)."""
    logits = torch.einsum("nbm,nmrc->nbrc", weights, prototypes.to(weights.dtype))
    first, last = boxes.detach()[..., :2], boxes.detach()[..., 2:]
    if not corners:
        first, last = first - last / 2, first + last / 2
    inside = torch.ones_like(logits, dtype=torch.bool)
    for axis, length in ((1, logits.shape[2]), (0, logits.shape[3])):
        stride = image[1 - axis] / length
        at = (torch.arange(length, device=logits.device) + 0.5) * stride
        own = (at >= first[..., axis, None]) & (at <= last[..., axis, None])
        inside &= own[..., :, None] if axis == 1 else own[..., None, :]
    return mean_logit(logits, inside)


def beside_boxes(answered: Any, scores: torch.Tensor) -> torch.Tensor | None:
    """Mean logits (n, boxes, 1) of `pred_masks` (n, boxes, rows, columns) in an answer with scores
    (n, boxes, classes); None where there are none.
    """
    masks = answered.get("pred_masks") if isinstance(answered, Mapping) else None
    if not torch.is_tensor(masks) or masks.ndim != 4 or masks.shape[:2] != scores.shape[:2]:
        return None
    return mean_logit(masks)[:, :, None].to(scores.dtype)
