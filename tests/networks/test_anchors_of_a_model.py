"""Maps of scores and of steps from anchors, level by level, are read as boxes (EfficientDet)."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoScores  # noqa: E402

SIDE, CLASSES, SCALES, ASPECTS = 96, 2, 2, [(1.0, 1.0), (1.4, 0.7)]
EACH, STRIDES = SCALES * len(ASPECTS), (8, 16)
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
PREPARED = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")


class Anchored(nn.Module):
    """Two levels, whose answers are what EfficientDet's are."""

    def __init__(self, **told):
        super().__init__()
        torch.manual_seed(0)
        self.fine = nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.ReLU())
        self.coarse = nn.Sequential(nn.Conv2d(6, 6, 2, 2), nn.ReLU())
        self.scores = nn.Conv2d(6, EACH * CLASSES, 1)
        self.steps = nn.Conv2d(6, EACH * 4, 1)
        usual = {"min_level": 3, "max_level": 4, "num_scales": SCALES, "anchor_scale": 4.0}
        self.config = SimpleNamespace(**(usual | {"aspect_ratios": ASPECTS} | told))

    def forward(self, x):
        fine = self.fine(x)
        levels = fine, self.coarse(fine)
        return [*map(self.scores, levels)], [*map(self.steps, levels)]


def likeliest(model):
    """Probability, class and corners of the likeliest box, place by place."""
    with torch.no_grad():
        scores, steps = model(torch.from_numpy(RGB.transpose(2, 0, 1)[None] / np.float32(255)))
    best = (-1.0, 0, (0.0,) * 4)
    for level, stride in enumerate(STRIDES):
        z, t = scores[level][0].numpy(), steps[level][0].numpy()
        for row in range(SIDE // stride):
            for column in range(SIDE // stride):
                for each in range(EACH):
                    octave, (wide, high) = each // len(ASPECTS), ASPECTS[each % len(ASPECTS)]
                    side = 4 * stride * 2 ** (octave / SCALES)
                    down, across, tall, broad = t[4 * each : 4 * each + 4, row, column]
                    y = (row + 0.5) * stride + down * side * high
                    x = (column + 0.5) * stride + across * side * wide
                    h, w = math.exp(tall) * side * high, math.exp(broad) * side * wide
                    for own in range(CLASSES):
                        p = 1 / (1 + math.exp(-z[CLASSES * each + own, row, column]))
                        if p > best[0]:
                            best = p, own, (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    return best


def test_boxes_are_made_of_the_anchors_that_the_model_names():
    model = Anchored().eval()
    found: Any = xh.explain(model, RGB, preprocess=PREPARED, target=xh.box(1))
    p, own, box = likeliest(model)
    assert found.detection.index == own
    assert found.detection.probability == pytest.approx(p, abs=1e-5)
    np.testing.assert_allclose(found.detection.box, box, rtol=1e-4, atol=1e-3)
    assert found.layer.name in ("fine.1", "coarse.1", "fine", "coarse")
    assert "of 2, " in found.layer_reason
    assert np.ptp(found.map) > 0


@pytest.mark.parametrize("told", [{"max_level": 5}, {"num_scales": 3}, {"anchor_scale": None}])
def test_maps_that_the_anchors_do_not_fit_are_not_read(told):
    with pytest.raises(NoScores, match="scores were expected"):
        xh.explain(Anchored(**told).eval(), RGB, preprocess=PREPARED)
