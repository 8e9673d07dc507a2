"""Detectors that were trained on planted scenes: what they find, and that its heat lies on it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from training.detectors.learning import iou  # noqa: E402
from training.detectors.models import KINDS, cut  # noqa: E402
from training.detectors.planted import NAMES, SIDE, planted  # noqa: E402
from training.detectors.weights import opened  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.boxes.overlap import overlaps  # noqa: E402

HOW = {"preprocess": "tf", "labels": list(NAMES)}
SEEDS = range(20, 24)

BESIDE = {"per level": 0.01, "queries": 0.03, "proposals": 0.01}
"""Share of the heat on the other object, at most: queries attend to each other, and some of
their heat lies there (docs/detectors.md).
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_heat_of_a_box_lies_on_its_object(kind):
    network, gains, pointed, others = opened(kind), [], [], []
    for seed in SEEDS:
        scene = planted(seed)
        truth = np.array([one.box for one in scene.objects], np.float32)
        for e in xh.compare(network, scene.image, targets=xh.boxes(0.5), **HOW):
            near = overlaps(np.array(e.detection.box, np.float32), truth)
            own = scene.objects[int(near.argmax())]
            other = scene.objects[1 - int(near.argmax())]
            if near.max() < 0.5 or own.category != e.index:
                continue
            assert e.method == "layercam_product"
            heat = e.heat()
            gains.append(heat[own.mask].sum() / heat.sum() / own.mask.mean())
            others.append(heat[other.mask].sum() / heat.sum())
            row, column = np.unravel_index(heat.argmax(), heat.shape)
            left, top, right, bottom = own.box
            pointed.append(left <= column < right and top <= row < bottom)
    assert len(gains) >= 6
    assert np.mean(gains) > 18
    assert np.mean(pointed) > 0.98
    assert np.mean(others) < BESIDE[kind]


def test_objects_lie_apart_and_a_seed_gives_the_same_scene():
    for seed in SEEDS:
        scene, again = planted(seed), planted(seed)
        assert (scene.image == again.image).all()
        one, other = scene.objects
        assert one.category != other.category
        assert not (one.mask & other.mask).any()
        for planted_one in scene.objects:
            left, top, right, bottom = planted_one.box
            assert min(right - left, bottom - top) >= 10
            assert max(right, bottom) <= SIDE


def test_overlap_of_the_losses_is_that_of_the_package():
    random = np.random.default_rng(0)
    near = random.uniform(0, 60, (12, 2)).astype(np.float32)
    boxes = np.concatenate([near, near + random.uniform(5, 60, (12, 2))], 1).astype(np.float32)
    found = iou(torch.from_numpy(boxes[:1]), torch.from_numpy(boxes)).numpy()
    np.testing.assert_allclose(found, overlaps(boxes[0], boxes), atol=1e-6)


def test_what_is_cut_out_is_read_at_the_places_of_the_box():
    row = torch.arange(16.0)[None].expand(16, 16)
    features = torch.stack([row, row.T])[None]  # the column, and the row, of each place
    box = torch.tensor([[[0.25, 0.5, 0.5, 0.75]]])
    found = cut(features, box)[0, 0]
    steps = (np.arange(5) + 0.5) / 5
    np.testing.assert_allclose(found[0, 0], (0.25 + 0.25 * steps) * 16 - 0.5, atol=1e-5)
    np.testing.assert_allclose(found[1, :, 0], (0.5 + 0.25 * steps) * 16 - 0.5, atol=1e-5)
