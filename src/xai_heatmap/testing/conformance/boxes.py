"""What every backend has to hold of detectors: a box is picked by its place, its gradient is that
by hand, and ``auto`` lies before the head of the level that the box hangs on.
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance.kit import checks_of, maps, native
from xai_heatmap.testing.networks.anchors import (
    ACROSS,
    ANCHORS,
    BIAS,
    CLASSIFY,
    GREEN,
    LEVELS,
    RED,
    SHAPE,
    SIDE,
    SPAN,
    STRIDES,
    boxes_of,
    query,
    scene,
    square,
)

WIDE, CLASSES = 96, 3
"""Side of the pictures, and the classes, of the detector of levels."""

PICKED = (0, ACROSS - 1, query(RED), query(GREEN), 2 * ACROSS + 5)
"""Boxes in a corner, around either square, and elsewhere; numbers in `ANCHORS`."""


@runtime_checkable
class Boxes(Protocol):
    """Two detectors."""

    def detecting(self) -> Any:
        """The first network of `testing.networks.anchors`: it answers logits (n, boxes, 3) and
        boxes (n, boxes, 4), centre and size in fractions of the picture, as DETR does.
        """

    def levels(self, side: int, classes: int) -> Any:
        """The second network there, of any weights, for pictures of that side.

        Its layers' names begin with those of `LEVELS`. It answers (n, 4 + classes, boxes): centre
        and size in pixels about the place, and a sigmoid of each class, level by level.
        """


def _detector(kit: Boxes) -> Any:
    return xh.network(kit.detecting(), image_shape=SHAPE, answers=xh.Boxes(background="last"))


def pictures() -> np.ndarray:
    """Two pictures n c H W: the scene, and the scene mirrored, with noise that shuts some ReLUs."""
    both = np.stack([scene(), scene()[:, ::-1, ::-1]])
    return both + np.random.default_rng(0).normal(0, 0.3, both.shape).astype(np.float32)


def logit_by_loops(x: np.ndarray, number: int, index: int) -> tuple[float, np.ndarray]:
    """Logit of a class of one box in a picture (c, H, W), and its gradient."""
    left, top, right, bottom = (int(edge) for edge in ANCHORS[number])
    logit, slope = float(BIAS[index]), np.zeros(x.shape)
    for colour in range(3):
        for row in range(top, bottom):
            for column in range(left, right):
                share = float(CLASSIFY[index, colour]) / SPAN**2
                if x[colour, row, column] > 0:
                    logit += share * float(x[colour, row, column])
                    slope[colour, row, column] = share
    return logit, slope


def a_box_is_picked_by_its_place_and_its_gradient_is_that_by_hand(kit: Boxes) -> None:
    """Saliency, and the input times its gradient, of a class of a box are those of the box that
    lies there; a place that is a little off picks the same.
    """
    network, x = _detector(kit), pictures()
    for number in PICKED:
        for index, off, method in ((RED, 0.0, "saliency"), (GREEN, 0.4, "input_x_gradient")):
            target = xh.box(tuple(float(edge) + off for edge in ANCHORS[number]), index)
            slopes = np.stack([logit_by_loops(one, number, index)[1] for one in x])
            wanted = np.abs(slopes).max(1) if method == "saliency" else (slopes * x).sum(1)
            ask = {"method": method, "layer": "input", "target": target}
            found = maps(network, native(network, x), **ask)
            assert np.abs(wanted).max() > 0, (number, method)
            np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=f"{number} {method}")


def a_detection_says_its_box_its_class_and_its_score(kit: Boxes) -> None:
    """The square of each colour is found where it lies, as its colour, with the logit by hand."""
    network = _detector(kit)
    unchanged = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")
    picture = np.rint(scene().transpose(1, 2, 0) * 255).astype(np.uint8)
    x = picture.transpose(2, 0, 1) / np.float32(255)
    for index in (RED, GREEN):
        target = xh.box(square(index))
        how = {"preprocess": unchanged, "method": "saliency", "layer": "input", "target": target}
        explained = xh.explain(network, picture, **how)
        assert explained.detection is not None
        assert explained.detection.query == query(index)
        assert explained.index == index
        np.testing.assert_allclose(explained.detection.box, square(index), atol=1e-4)
        logit, _ = logit_by_loops(x, query(index), index)
        assert explained.score == pytest.approx(logit, abs=1e-4)


def auto_lies_before_the_head_of_the_boxes_level(kit: Boxes) -> None:
    """At ``auto``, a box's heat is that of the features which the head reads at its own level, and
    of its place alone.
    """
    network = xh.network(kit.levels(WIDE, CLASSES), image_shape=(3, WIDE, WIDE), answers="boxes")
    survey = network.survey((3, WIDE, WIDE))
    assert len(survey.heads) == len(LEVELS)
    x = native(network, np.random.default_rng(0).random((1, 3, WIDE, WIDE)).astype(np.float32))
    for level, (name, head) in enumerate(zip(LEVELS, survey.heads, strict=True)):
        assert head.startswith(name)
        places = WIDE // STRIDES[level]
        left, top, _, _ = boxes_of(level, WIDE)
        own = int(top) // STRIDES[level], int(left) // STRIDES[level]
        for index in range(CLASSES):
            ask = {"method": "hirescam", "target": xh.box(boxes_of(level, WIDE), index)}
            found = maps(network, x, **ask)
            assert found.shape == (1, places, places), name
            np.testing.assert_array_equal(found, maps(network, x, layer=head, **ask))
            lit = np.abs(found[0])
            assert lit[own] > 0, (name, index)
            lit[own] = 0
            assert not lit.any(), (name, index)


CHECKS = checks_of(globals())
