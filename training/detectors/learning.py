"""Losses of the planted detectors."""

import torch
from torch import Tensor, nn

from training.detectors.models import STRIDES, PerLevel, centres
from training.detectors.planted import NAMES

LARGE = 32
"""Longest side in pixels from which on an object belongs to the coarser level."""

QUIET = 0.05
"""What the mean of the levels costs: they learn to speak only where there is something to say."""

NOTHING = len(NAMES)
RARE = 0.2
"""Weight of queries with nothing in them."""


def iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union of boxes that broadcast against each other."""
    near = torch.maximum(one[..., :2], other[..., :2])
    far = torch.minimum(one[..., 2:], other[..., 2:])
    common = (far - near).clamp(min=0).prod(-1)
    areas = [(b[..., 2:] - b[..., :2]).clamp(min=0).prod(-1) for b in (one, other)]
    return common / (areas[0] + areas[1] - common).clamp(min=1e-6)


def at_places(logits: Tensor, corners: Tensor, boxes: Tensor, own: Tensor, levels: list) -> Tensor:
    """Loss of what every place of the levels says.

    Parameters
    ----------
    logits, corners
        (n, places, c) and (n, places, 4); of one class in c, or of each.
    boxes, own
        (n, 2, 4) in pixels, and the classes (n, 2).
    levels
        Centres of the places of each level, with its stride.
    """
    at = torch.cat([c for c, _ in levels])
    several = len(levels) > 1
    large = (boxes[..., 2:] - boxes[..., :2]).amax(-1) > LARGE
    belongs = torch.cat(
        [
            (large == (stride == STRIDES[1]))[:, None].expand(-1, len(c), -1)
            if several
            else torch.ones(len(boxes), len(c), boxes.shape[1], dtype=torch.bool)
            for c, stride in levels
        ],
        1,
    )
    middle, sides = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    away = (at[None, :, None] - middle[:, None]).abs()
    near = (away < 0.25 * sides[:, None]).all(-1)
    distance = away.pow(2).sum(-1).masked_fill(~belongs, 1e9)
    near |= distance == distance.amin(1, keepdim=True)
    positive = near & belongs
    wanted = torch.zeros_like(logits)
    for k in range(boxes.shape[1]):
        row, place = positive[..., k].nonzero(as_tuple=True)
        wanted[row, place, own[row, k] if logits.shape[2] > 1 else 0] = 1
    p = logits.sigmoid()
    apart = (p - wanted).abs() ** 2
    count = positive.sum().clamp(min=1)
    loss = (
        apart * nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    ).sum() / count
    row, place, k = positive.nonzero(as_tuple=True)
    own_box, true = corners[row, place], boxes[row, k]
    return loss + (1 - iou(own_box, true)).mean() + 0.05 * (own_box - true).abs().mean()


def of_a_set(scores: Tensor, corners: Tensor, boxes: Tensor, own: Tensor) -> Tensor:
    """Loss of queries, two of which are matched to the two objects as costs least."""
    with torch.no_grad():
        p = scores.softmax(-1).gather(2, own[:, None].expand(-1, scores.shape[1], -1))
        cost = -p - 2 * iou(corners[:, :, None], boxes[:, None])
        both = cost[:, :, None, 0] + cost[:, None, :, 1]
        both = both + torch.eye(both.shape[1]) * 1e3
        best = both.flatten(1).argmin(1)
        matched = torch.stack([best // both.shape[1], best % both.shape[1]], 1)
    labels = torch.full(scores.shape[:2], NOTHING)
    labels.scatter_(1, matched, own)
    weights = torch.ones(NOTHING + 1)
    weights[NOTHING] = RARE
    loss = nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), weights)
    found = corners.gather(1, matched[..., None].expand(-1, -1, 4))
    return loss + (1 - iou(found, boxes)).mean() + 0.05 * (found - boxes).abs().mean()


def of_proposals(scores: Tensor, corners: Tensor, boxes: Tensor, own: Tensor) -> Tensor:
    """Loss of proposals, each judged by the object that it overlaps by half."""
    overlap, k = iou(corners[:, :, None], boxes[:, None]).max(-1)
    hit = overlap.detach() > 0.5
    labels = torch.where(hit, own.gather(1, k), NOTHING)
    loss = nn.functional.cross_entropy(scores.flatten(0, 1), labels.flatten())
    true = boxes.gather(1, k[..., None].expand(-1, -1, 4))
    missing = (1 - overlap) * hit
    far = ((corners - true).abs().mean(-1) * hit) * 0.05
    return loss + (missing + far).sum() / hit.sum().clamp(min=1)


def loss_of(kind: str, model: nn.Module, x: Tensor, boxes: Tensor, own: Tensor) -> Tensor:
    """Loss of a detector of that kind, for pictures with two boxes and their classes each."""
    felt = list[Tensor]()
    handle = model.trunk.register_forward_hook(lambda _, __, levels: felt.extend(levels))
    said = model.found(x)
    handle.remove()
    quiet = QUIET * sum(f.mean() for f in felt)
    levels = [(centres(f, s), s) for f, s in zip(felt, STRIDES, strict=True)]
    if isinstance(model, PerLevel):
        return at_places(*said, boxes, own, levels) + quiet
    scores, corners, likely, places = said
    first = at_places(likely, places, boxes, own, levels if kind == "queries" else levels[:1])
    judged = of_a_set if kind == "queries" else of_proposals
    return judged(scores, corners, boxes, own) + first + quiet
