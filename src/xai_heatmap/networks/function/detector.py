"""Detector as a function of pictures to the remaining score of one detection."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xai_heatmap.core.arrays import Inputs, Values
from xai_heatmap.core.boxes.overlap import overlaps
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadOption, NoScores
from xai_heatmap.core.network import Declared, Network
from xai_heatmap.networks.function.network import open_function
from xai_heatmap.networks.loading.loaded import Declaring

Detections = Callable[[Inputs], Sequence[tuple[Any, Any]]]
"""Function from pictures to boxes (d, 4) and scores (d, classes) of each; d differs by picture."""


def detector(
    function: Detections,
    *,
    box: Sequence[int | float],
    scores: Sequence[int | float],
    image_shape: Sequence[int] | None = None,
) -> Network:
    """y = max over detections d of IoU(box, box_d) · cos(scores, scores_d), and 0 without any.

    Petsiuk et al. 2021, "D-RISE": explain it with ``rise``, or with any method without gradients.
    A model that answers scores and boxes before it chooses among them needs no such function: of it
    ``box(...)`` is a target for every method.

    Parameters
    ----------
    function
        From pictures, float32 (n, c, H, W), to boxes (d, 4) and scores (d, classes) of each. The
        paper's objectness is left out.
    box, scores
        The detection that is explained: left, top, right, bottom as the function gives them, and
        its scores.
    image_shape
        (c, H, W), where it is to be listed.

    Raises
    ------
    BadOption
        For a box without area, or scores that are all 0.
    """
    wanted = np.asarray(box, np.float32)
    own = np.asarray(scores, np.float32)
    if wanted.shape != (4,) or not (wanted[0] < wanted[2] and wanted[1] < wanted[3]):
        raise BadOption(
            f"A box is (left, top, right, bottom) with left < right and top < bottom; received "
            f"{list(box)}."
        )
    if own.ndim != 1 or not np.linalg.norm(own) > 0:
        raise BadOption(
            f"The scores of a detection are one number a class, not all 0; received {list(scores)}."
        )

    def similarity(x: Inputs) -> Values:
        found = function(x)
        if len(found) != len(x):
            raise NoScores(
                f"A detector answers boxes and scores for each picture; for {len(x)} it answered "
                f"{len(found)}."
            )
        return np.array([_most_alike(wanted, own, *one) for one in found], np.float32)

    similarity.__name__ = getattr(function, "__name__", "detector")
    return Declaring(open_function(similarity, image_shape=image_shape), Declared(answers="values"))


def _most_alike(box: np.ndarray, scores: np.ndarray, boxes: Any, others: Any) -> float:
    boxes, others = np.asarray(boxes, np.float32), np.asarray(others, np.float32)
    if not boxes.size:
        return 0.0
    if boxes.shape != (len(boxes), 4) or others.shape != (len(boxes), len(scores)):
        raise NoScores(
            f"A detection is a box of 4 numbers and {counted(len(scores), 'score')}; "
            "received boxes of shape "
            f"{boxes.shape} and scores of shape {others.shape}."
        )
    lengths = np.linalg.norm(others, axis=1) * np.linalg.norm(scores)
    alike = others @ scores / np.maximum(lengths, 1e-12)
    return float((overlaps(box, boxes) * alike).max())
