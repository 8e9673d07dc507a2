"""Boxes of a Keras detector that answers how far each box lies from its anchor."""

from collections.abc import Mapping
from typing import Any

import keras

from xai_heatmap.core.boxes.spec import Boxes

SCORES, STEPS = "cls_logits", "bbox_regression"
"""Names of the class scores and of the steps from anchors, as Keras hub's RetinaNet has them."""

HOW = Boxes(scores=SCORES, boxes="boxes", order="xyxy", unit="pixels")


def with_boxes(answered: Any, model: Any, x: Any) -> tuple[Any, Boxes | None]:
    """Scores and boxes of a model that brings its anchors, and how these are read; any other answer
    unchanged, and None.
    """
    anchors: Any = getattr(model, "anchor_generator", None)
    if anchors is None or not isinstance(answered, Mapping) or {SCORES, STEPS} - set(answered):
        return answered, None
    every = keras.ops.concatenate(list(anchors(x).values()), axis=0)
    boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors=every,
        boxes_delta=answered[STEPS],
        encoded_format="center_xywh",
        anchor_format=anchors.bounding_box_format,
        box_format="xyxy",
        image_shape=tuple(x.shape[1:]),
    )
    return {SCORES: answered[SCORES], "boxes": boxes}, HOW
