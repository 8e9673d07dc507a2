"""Masks of instances by their mean logit, key points by the score at their place."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import UnknownTarget  # noqa: E402
from xai_heatmap.testing.networks.levels import Levels  # noqa: E402

SIDE, CLASSES, POINTS, WEIGHTS = 96, 3, 2, 2
PREPARED = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
X = torch.from_numpy(RGB.transpose(2, 0, 1)[None] / np.float32(255))


class Parts(nn.Module):
    """Boxes of three levels, each with scores of two key points and weights of two prototypes."""

    def __init__(self, turn):
        super().__init__()
        self.body, self.turn = Levels(CLASSES), turn
        self.prototypes = nn.Conv2d(3, WEIGHTS, 4, 4)
        self.mixed = nn.Conv2d(CLASSES, POINTS + WEIGHTS, 1)

    def parts(self, x):
        y = self.body(x)
        numbers = self.mixed(y[:, 4:, None])[:, :, 0]
        points, weights = numbers[:, :POINTS].sigmoid(), 3 * numbers[:, POINTS:]
        return y, points, weights, self.prototypes(x)

    def forward(self, x):
        return self.turn(*self.parts(x))


def posed(y, points, weights, prototypes):
    every = [part for k in range(POINTS) for part in (9 * y[:, :2], points[:, [k]])]
    return torch.cat([y, *every], 1)


def segmented(y, points, weights, prototypes):
    return (torch.cat([y, weights], 1), prototypes), {"proto": prototypes}


def listed(y, points, weights, prototypes):
    """The eight likeliest, as torchvision answers them."""
    found = []
    for row, own, w, p in zip(y, points, weights, prototypes, strict=True):
        score, label = row[4:].max(dim=0)
        best = score.topk(8).indices
        centre, size = row[:2, best], row[2:4, best]
        masks = torch.einsum("kb,khw->bhw", w[:, best], p).sigmoid()
        found.append(
            {
                "boxes": torch.cat([centre - size / 2, centre + size / 2]).T,
                "labels": label[best] + 1,
                "scores": score[best],
                "keypoints_scores": own[:, best].T,
                "masks": masks[:, None],
            }
        )
    return found


def as_detr(y, points, weights, prototypes):
    masks = torch.einsum("nkb,nkhw->nbhw", weights, prototypes)
    return {"logits": y[:, 4:].transpose(1, 2), "pred_boxes": y[:, :4].transpose(1, 2) / SIDE} | {
        "pred_masks": masks
    }


def best(model):
    """Number of the likeliest box, and its class."""
    y = model.parts(X)[0][0, 4:]
    score, label = y.max(dim=0)
    query = int(score.argmax())
    return query, int(label[query])


def score_of_mask(model, query, *, in_box):
    """Mean logit of a mask, place by place."""
    y, _, weights, prototypes = model.parts(X)
    left, top, right, bottom = (
        float((y[0, i, query] + sign * y[0, i + 2, query] / 2).detach())
        for sign in (-1, 1)
        for i in (0, 1)
    )
    every = []
    for row in range(prototypes.shape[2]):
        for column in range(prototypes.shape[3]):
            z = sum(weights[0, k, query] * prototypes[0, k, row, column] for k in range(WEIGHTS))
            x_at, y_at = 4 * column + 2, 4 * row + 2
            inside = left <= x_at <= right and top <= y_at <= bottom
            if z > 0 and (inside or not in_box):
                every.append(z)
    return sum(every) / len(every)


def map_of(model, score, layer):
    """LayerCAM by autograd."""
    kept: list[Any] = []
    module = model.get_submodule(layer)
    hook = module.register_forward_hook(lambda *parts: kept.append(parts[-1]) or None)
    y = score(model)
    hook.remove()
    tensor = kept[0]
    gradient = torch.autograd.grad(y, tensor)[0][0]
    assert gradient.abs().max() > 0
    return (gradient.clamp(min=0) * tensor[0]).sum(0).clamp(min=0).detach().numpy(), float(
        y.detach()
    )


MADE = {"posed": posed, "segmented": segmented, "listed": listed, "as detr": as_detr}


def explained(model, target):
    return xh.explain(model, RGB, preprocess=PREPARED, target=target, method="layercam")


def test_prototypes_are_no_level_of_boxes():
    found: Any = xh.explain(Parts(segmented).eval(), RGB, preprocess=PREPARED)
    assert " of 3, " in found.layer_reason


@pytest.mark.parametrize("point", range(POINTS))
@pytest.mark.parametrize("answer", ["posed", "listed"])
def test_a_key_point_of_a_detection_is_its_score(answer, point):
    model = Parts(MADE[answer]).eval()
    found: Any = explained(model, xh.keypoint(point))
    query, label = best(model)
    wanted, y = map_of(model, lambda m: m.parts(X)[1][0, point, query], found.layer.name)
    assert found.score == pytest.approx(y, abs=1e-5)
    assert found.detection.index == label + (answer == "listed")
    assert found.target.startswith(f"key point {point} of ")
    np.testing.assert_allclose(found.map, wanted, atol=1e-5 * max(wanted.max(), 1e-3))
    numbered: Any = explained(model, xh.keypoint(point, 1))
    assert numbered.target.startswith(f"key point {point} of #1 ")
    np.testing.assert_array_equal(numbered.map, found.map)


@pytest.mark.parametrize("answer", ["segmented", "listed", "as detr"])
def test_a_mask_of_a_detection_is_its_mean_logit(answer):
    model = Parts(MADE[answer]).eval()
    found: Any = explained(model, xh.instance_mask())
    query, label = best(model)
    if answer == "as detr":  # its scores are no probabilities
        query, label = found.detection.query, found.detection.index
    in_box = answer == "segmented"
    wanted, y = map_of(model, lambda m: score_of_mask(m, query, in_box=in_box), found.layer.name)
    assert found.score == pytest.approx(y, abs=1e-4)
    assert found.detection.index == label + (answer == "listed")
    assert found.target.startswith("mask of ")
    np.testing.assert_allclose(found.map, wanted, atol=2e-4 * max(wanted.max(), 1e-3))


@pytest.mark.parametrize("answer", MADE)
def test_the_boxes_are_what_they_are_without_their_parts(answer):
    model = Parts(MADE[answer]).eval()
    found: Any = explained(model, None)
    if answer == "as detr":
        assert found.detection.probability > 0.5
        return
    query, label = best(model)
    assert found.detection.index == label + (answer == "listed")
    with torch.no_grad():
        assert found.detection.probability == pytest.approx(
            float(model.parts(X)[0][0, 4 + label, query]), abs=1e-5
        )


def test_a_key_point_of_maps_is_held_at_its_highest_place():
    class Maps(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.stem = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.ReLU())
            self.maps = nn.Conv2d(6, 5, 3, padding=1)

        def forward(self, x):
            return self.maps(self.stem(x))

    model = Maps().eval()
    found: Any = xh.explain(
        model, RGB, preprocess=PREPARED, target=xh.keypoint(3), method="layercam", layer="stem"
    )
    wanted, y = map_of(model, lambda m: m(X)[0, 3].max(), "stem")
    assert found.score == pytest.approx(y, abs=1e-5)
    np.testing.assert_allclose(found.map, wanted, atol=1e-5 * wanted.max())
    with pytest.raises(UnknownTarget, match="no key point 5: this network has 5, 0 to 4"):
        xh.explain(model, RGB, preprocess=PREPARED, target=xh.keypoint(5))


@pytest.mark.parametrize(
    ("answer", "target", "words"),
    [
        ("posed", xh.keypoint(2), "no key point 2: this network has 2, 0 to 1"),
        ("segmented", xh.keypoint(0), "answers none that is known"),
        ("posed", xh.instance_mask(), "A mask needs a detector that answers masks"),
        ("posed", xh.keypoint(0, 500), "needs a rank from 1 to"),
        ("posed", xh.keypoint(0, (200, 200, 220, 220)), "lies outside of the picture"),
    ],
)
def test_parts_that_are_not_there_are_told(answer, target, words):
    with pytest.raises(UnknownTarget, match=words):
        explained(Parts(MADE[answer]).eval(), target)


@pytest.mark.parametrize("where", [-1, 0, 1.5, True, "nose", np.int64(0)])
@pytest.mark.usefixtures("unchecked")
def test_a_detection_is_counted_from_one(where):
    for target in (xh.instance_mask, xh.box, lambda where: xh.keypoint(0, where)):
        with pytest.raises(UnknownTarget, match=r"counted from 1|A box is"):
            target(where)


@pytest.mark.usefixtures("unchecked")
def test_a_number_of_numpy_is_a_number():
    assert xh.instance_mask(np.int64(2)).label == xh.instance_mask(2).label
    assert xh.box(np.int64(2)).label == xh.box(2).label


@pytest.mark.parametrize("point", [-1, 1.5, "nose", True])
@pytest.mark.usefixtures("unchecked")
def test_a_key_point_is_a_number(point):
    with pytest.raises(UnknownTarget, match="whole number from 0"):
        xh.keypoint(point)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("mask", xh.instance_mask()),
        ("mask:2", xh.instance_mask(2)),
        ("mask:8,8,40,40:1", xh.instance_mask((8.0, 8.0, 40.0, 40.0), 1)),
        ("keypoint:1", xh.keypoint(1)),
        ("keypoint:1:2", xh.keypoint(1, 2)),
    ],
)
def test_parts_have_words(word, meant):
    from xai_heatmap.core.targets.wording import parsed

    (found,) = parsed(word)
    assert found.label == meant.label
