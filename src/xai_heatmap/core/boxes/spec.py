"""Layout of a detector's outputs: which numbers are scores, and which are boxes."""

from dataclasses import dataclass
from typing import Literal, get_args

from xai_heatmap.core.errors import BadOption, did_you_mean

Order = Literal["xyxy", "cxcywh", "xywh"]
"""Left, top, right, bottom; centre, width and height; left, top, width and height."""

Unit = Literal["pixels", "fractions"]
"""Unit of boxes: pixels or fractions of the network's own input."""

Background = Literal["first", "last"]
"""Place of the class that means "nothing here", among the others."""


@dataclass(frozen=True)
class Boxes:
    """Layout of a detector's outputs: ``answers=Boxes(...)`` where a model becomes a network.

    What is left out is found where it can be found without doubt. Outputs called ``logits`` and
    ``pred_boxes`` are read as DETR's: centre, width and height in fractions of the input. One
    tensor with boxes and scores together is read as YOLO's: centre, width and height in pixels of
    the input, then the scores; objectness stands between them where the boxes come before their
    numbers, (images, boxes, 5 + classes), and not in (images, 4 + classes, boxes). Of other
    outputs the order and the unit have to be said.

    Parameters
    ----------
    scores, boxes
        Key or index of the outputs with scores (images, boxes, classes) and boxes (images, boxes,
        4). For one tensor that holds both, `boxes` alone.
    order
        What the four numbers of a box are.
    unit
        What they count: pixels of the network's input, or fractions of it.
    objectness
        Whether a number before the classes says how likely there is anything at all; the score of a
        class is multiplied by it. Of one tensor only.
    background
        Where a class stands that means "nothing here"; scores then exclude each other. Unsaid: the
        last, if there is one more than the model has names for; else there is none.
    masks
        How many numbers behind the scores of a box are no scores: weights of the masks that an
        instance segmentation answers beside its boxes, key points, an angle. Unsaid: as many as
        those masks, or as there are more numbers than names of classes, or those from the first
        on that is no probability. Of one tensor only.
    chosen
        Whether the model itself chose among its boxes, so that a box is a detection with one score
        and the number of its class: (images, boxes, 6), the box, the score, the class. Unsaid: if
        every sixth number is whole.
    points
        How many key points a box has: their scores are the numbers behind its own, or every third
        of them behind two coordinates. Unsaid: a third of those numbers, if every third is a
        probability and others are not.
    instances
        Whether the last number behind the scores is the mean logit of the box's mask. Unsaid: if
        the model is one of PyTorch that answers masks beside its boxes, of which that is taken.
    """

    scores: str | int | None = None
    boxes: str | int | None = None
    order: Order | None = None
    unit: Unit | None = None
    objectness: bool | None = None
    background: Background | None = None
    masks: int | None = None
    chosen: bool | None = None
    points: int | None = None
    instances: bool | None = None

    def __post_init__(self) -> None:
        for name, known in (("order", Order), ("unit", Unit), ("background", Background)):
            value, words = getattr(self, name), get_args(known)
            if value is not None and value not in words:
                raise BadOption(
                    f"{name} is one of {', '.join(words)}; received {value!r}."
                    f"{did_you_mean(str(value), words)}"
                )
        if self.scores is not None and self.objectness:
            raise BadOption(
                "Objectness is read where one tensor holds boxes and scores; here the scores are "
                "an output of their own. Multiply it into the scores, or leave it out."
            )


@dataclass(frozen=True)
class BoxForm:
    """Layout of the numbers behind the scores of a row, with nothing left open.

    Parameters
    ----------
    order
        What the four numbers of a box are.
    whole
        Rows and columns of the whole input, in the unit of the boxes.
    objectness
        Whether one more number a box stands between scores and boxes.
    background
        The class that means "nothing here".
    chosen
        Whether the places are detections that the model chose, in another order and number for
        every picture, each with the score of its own class alone; a box of no score is none.
    points, mask
        How many key points each box has a score for, and whether it has one for its mask. They
        stand between the scores and the box.
    told
        Whether somebody said, or names of classes show, that there is objectness, or none.
    """

    order: Order
    whole: tuple[float, float]
    objectness: bool = False
    background: int | None = None
    chosen: bool = False
    points: int = 0
    mask: bool = False
    told: bool = True

    @property
    def parts(self) -> int:
        """Count of the scores of parts of each box, of key points and of the mask."""
        return self.points + self.mask

    @property
    def beside(self) -> int:
        """Count of the numbers of each box that are no scores of classes."""
        return 4 + self.objectness + self.parts
