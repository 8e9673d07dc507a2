"""Masks that a PyTorch model answers beside its boxes, each as one number: its mean logit."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.opening.box_outputs import main_part
from xai_heatmap.networks.opening.box_rows import BOX
from xai_heatmap.networks.opening.masked_rows import MOST, MaskedRows, masked_rows

TINY = 1e-6


def mean_logit(logits: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
    """Mean of (..., rows, columns) over the places with a positive logit, within `inside`."""
    area = (logits.detach() > 0) if inside is None else (logits.detach() > 0) & inside
    places = area.flatten(-2).sum(-1).clamp(min=1)
    return (logits * area).flatten(-2).sum(-1) / places


def of_probabilities(masks: torch.Tensor) -> torch.Tensor:
    """Mean logit of masks of probabilities, (boxes, 1, rows, columns) to (boxes,)."""
    return mean_logit(torch.logit(masks[:, 0], eps=TINY))


def with_instances(
    answered: Any, how: Boxes, image: Sequence[int], *, names: int = 0
) -> tuple[Any, Boxes]:
    """The answer with the mean logit of each mask as the last number of each box, and how it is
    read; both as they are where there are no masks. `names` counts the names of classes.
    """
    found = None if how.scores is not None else _with_prototypes(main_part(answered))
    if found is None:
        return answered, how
    own, prototypes = found
    count = prototypes.shape[1]
    rows = masked_rows(how, own.shape, count, names)
    if rows is None:
        return answered, how
    every = own if rows.boxes_last else own.transpose(1, 2)  # (n, numbers, boxes)
    best = None if rows.chosen else _likeliest(every, rows)
    numbers = every.shape[1]
    meant = every if best is None else every.gather(2, best[:, None].expand(-1, numbers, -1))
    corners = how.order == "xyxy" if how.order else rows.chosen
    by_box = meant.transpose(1, 2)
    column = _masks(by_box[..., -count:], prototypes, by_box[..., :BOX], image, corners=corners)
    column = column.to(own.dtype)
    if best is not None:
        column = torch.zeros_like(every[:, 0]).scatter(1, best, column)
    joined = torch.cat([every, column[:, None]], dim=1)
    return joined if rows.boxes_last else joined.transpose(1, 2), rows.read(how, count)


def _with_prototypes(answered: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Boxes and prototypes of masks, the first two values of an answer of which the others are
    lists of maps; None of any other answer.
    """
    if not isinstance(answered, tuple | list) or len(answered) < 2:
        return None
    rows, prototypes, *others = answered
    if not (torch.is_tensor(rows) and torch.is_tensor(prototypes)):
        return None
    if any(not isinstance(own, tuple | list) for own in others):
        return None
    fits = rows.ndim == 3 and prototypes.ndim == 4 and len(rows) == len(prototypes)
    return (rows, prototypes) if fits else None


def _likeliest(every: torch.Tensor, rows: MaskedRows) -> torch.Tensor:
    """Numbers of the likeliest boxes, (n, k), of boxes (n, numbers, boxes)."""
    start, stop = rows.scores
    scores = every[:, start:stop].detach().amax(dim=1)
    if rows.objectness:
        scores = scores * every[:, BOX].detach()
    return scores.topk(min(MOST, scores.shape[1]), dim=1).indices


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
