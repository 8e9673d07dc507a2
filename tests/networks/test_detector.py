"""D-RISE: how much of one detection a changed picture leaves."""

import math

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, NoScores

BOX, SCORES = (1, 1, 5, 5), (0.9, 0.1)


def bright_square(x):
    """One detection where something is bright, none in a dark picture; classes red and green."""
    found = []
    for image in x:
        rows, columns = np.nonzero(image.max(axis=0) > 0.5)
        boxes, scores = np.zeros((0, 4)), np.zeros((0, 2))
        if len(rows):
            boxes = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]])
            scores = image[:2][:, rows, columns].sum(axis=1)[None]
        found.append((boxes, scores))
    return found


def picture():
    x = np.zeros((1, 3, 8, 8), np.float32)
    x[0, 0, 1:5, 1:5] = 1
    return x


def by_loops(box, scores, boxes, others):
    best = 0.0
    for other, own in zip(boxes, others, strict=True):
        width = max(min(box[2], other[2]) - max(box[0], other[0]), 0)
        height = max(min(box[3], other[3]) - max(box[1], other[1]), 0)
        areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
        dot = sum(a * b for a, b in zip(scores, own, strict=True))
        lengths = math.sqrt(sum(a * a for a in scores)) * math.sqrt(sum(b * b for b in own))
        best = max(best, width * height / (sum(areas) - width * height) * dot / lengths)
    return best


def test_similarity_is_the_papers():
    random = np.random.default_rng(0)
    corners = random.uniform(0, 6, size=(3, 7, 2))
    boxes = np.concatenate([corners, corners + random.uniform(0.5, 4, size=(3, 7, 2))], axis=2)
    scores = random.random((3, 7, 2))
    network = xh.detector(lambda x: list(zip(boxes, scores, strict=True)), box=BOX, scores=SCORES)
    found = network.record(np.zeros((3, 3, 8, 8), np.float32)).scores[:, 0]
    wanted = [by_loops(BOX, SCORES, *one) for one in zip(boxes, scores, strict=True)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_a_picture_without_detections_has_nothing_left():
    network = xh.detector(bright_square, box=BOX, scores=SCORES)
    assert network.record(np.zeros((1, 3, 8, 8), np.float32)).scores[0, 0] == 0


@pytest.mark.parametrize(
    ("method", "options"),
    [("rise", {"samples": 300, "cells": 4}), ("occlusion", {"window": 4, "stride": 1})],
)
def test_what_is_detected_is_what_counts(method, options):
    network = xh.detector(bright_square, box=BOX, scores=SCORES)
    map_ = xh.maps(network, picture(), method=method, options=options)[0]
    inside = picture()[0, 0] == 1
    assert map_[inside].mean() > map_[~inside].mean() + 1e-3


@pytest.mark.parametrize(
    "wrong", [{"box": (5, 1, 1, 5)}, {"box": (1, 2, 3)}, {"scores": (0, 0)}, {"scores": ()}]
)
def test_a_detection_that_is_none_is_refused(wrong):
    with pytest.raises(BadOption, match="received"):
        xh.detector(bright_square, **({"box": BOX, "scores": SCORES} | wrong))


def test_a_detector_answers_for_each_picture():
    network = xh.detector(lambda x: [], box=BOX, scores=SCORES)
    with pytest.raises(NoScores, match="for 1 it answered 0"):
        network.record(picture())
    network = xh.detector(lambda x: [(np.ones((2, 4)), np.ones((2, 3)))], box=BOX, scores=SCORES)
    with pytest.raises(NoScores, match="2 scores"):
        network.record(picture())
