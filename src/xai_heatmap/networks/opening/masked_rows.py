"""Where the numbers of a box stand whose last ones are weights of masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xai_heatmap.core.boxes.spec import Boxes
from xai_heatmap.networks.opening.box_layout import objectness_in
from xai_heatmap.networks.opening.box_rows import BOX, CHOSEN

MOST = 100
"""Boxes of a picture whose masks are made of weights and prototypes, at most; the likeliest."""


@dataclass(frozen=True)
class MaskedRows:
    """Layout of a tensor of boxes with weights of masks.

    Parameters
    ----------
    boxes_last
        Whether the last axis counts boxes.
    numbers
        How many numbers a box has.
    scores
        From which number to which the scores of the classes stand.
    objectness
        Whether the number behind the box is one.
    chosen
        Whether the model chose among its boxes.
    """

    boxes_last: bool
    numbers: int
    scores: tuple[int, int]
    objectness: bool
    chosen: bool

    def read(self, how: Boxes, count: int) -> Boxes:
        """How the tensor is read once the mean logit of each mask stands behind `count` weights."""
        how = replace(how, boxes=None, instances=True)
        if self.chosen:
            return how
        return replace(how, masks=count + 1, objectness=self.objectness, chosen=False)


def masked_rows(
    how: Boxes, shape: Sequence[int | None], count: int, names: int
) -> MaskedRows | None:
    """Layout of boxes of `shape`, (images, numbers, boxes) or (images, boxes, numbers), with
    weights of `count` masks; None where there is no room for those beside as many scores as names.

    Parameters
    ----------
    how
        What was said and found out of the boxes.
    names
        How many classes the model has names for.
    """
    first, second = shape[1], shape[2]
    if second == CHOSEN + count and how.chosen is not False:
        return MaskedRows(False, CHOSEN + count, (BOX, BOX + 1), False, True)
    known = [side for side in (first, second) if side is not None]
    numbers = min(known, default=0)
    boxes_last = first == numbers
    objectness = objectness_in(replace(how, masks=count), boxes_last, numbers - BOX, names)
    start, stop = BOX + objectness, numbers - count
    boxes = second if boxes_last else first
    if stop <= start or stop - start < names or boxes == numbers:
        return None
    return MaskedRows(boxes_last, numbers, (start, stop), objectness, False)
