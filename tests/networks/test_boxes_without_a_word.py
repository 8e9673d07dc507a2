"""Answers of detectors that are read without a word: by their shape, by their numbers."""

import io
import re
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import ModelError, NoScores, UnknownTarget  # noqa: E402
from xai_heatmap.networks.opening.box_rows import covers_levels  # noqa: E402
from xai_heatmap.testing.networks.anchors import LEVELS, STRIDES, boxes_of  # noqa: E402
from xai_heatmap.testing.networks.levels import Levels  # noqa: E402

SIDE, CLASSES = 96, 3
PREPARED = xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")
RGB = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


class Answering(nn.Module):
    """Three levels, whose scores and boxes (n, 4 + classes, boxes) are answered in a way."""

    def __init__(self, turn, *, names=None, classes=CLASSES):
        super().__init__()
        self.body, self.turn = Levels(classes), turn
        if names:
            self.names = names

    def forward(self, x):
        return self.turn(self.body(x))


def beside(y, *more):
    """Key points, mask weights or an angle: numbers that depend on the boxes and are no scores."""
    return torch.cat([y, *(factor * y[:, :1] for factor in more)], 1)


def corners(y):
    centre, size = y[:, :2], y[:, 2:4]
    return torch.cat([centre - size / 2, centre + size / 2], 1)


def chosen(y, most=40):
    """The likeliest boxes, (n, most, 6): corners, score, class."""
    best, own = y[:, 4:].max(dim=1)
    best, where = best.topk(most, dim=1)
    box = corners(y).gather(2, where[:, None].expand(-1, 4, -1))
    label = own.gather(1, where).to(y.dtype)
    return torch.cat([box, best[:, None], label[:, None]], 1).transpose(1, 2)


def listed(y, over=0.0):
    """As torchvision answers: a dict for each picture, of as many boxes as it finds there."""
    every = [rows[rows[:, 4] > over] for rows in chosen(y)]
    return [
        {"boxes": rows[:, :4], "labels": rows[:, 5].long() + 1, "scores": rows[:, 4]}
        for rows in every
    ]


def with_objectness(y):
    anything = 1 - 0 * y[:, :1]
    return torch.cat([y[:, :4], anything, y[:, 4:]], 1).transpose(1, 2)


NAMED = {0: "cat", 1: "dog", 2: "bus"}
OPEN = {
    "one tensor": Answering(lambda y: y),
    "sides below zero": Answering(
        lambda y: torch.cat(
            [y[:, :2], y[:, 2:4] * (y[:, 4:].amax(1, True) - 0.5).sign(), y[:, 4:]], 1
        )
    ),
    "a tensor and a dict": Answering(lambda y: (y, {"boxes": y[:, :4], "feats": [y, y]})),
    "a tensor and a list": Answering(lambda y: (y, [y[..., :5], y[..., 5:9]])),
    "objectness": Answering(with_objectness),
    "masks": Answering(
        lambda y: ((beside(y, -1, 2), y[:, :2].reshape(len(y), 2, -1, 3)), {"feats": y})
    ),
    "key points": Answering(lambda y: beside(y, 9, 9, 1 / SIDE)),
    "an angle": Answering(lambda y: beside(y, 1 / SIDE), names=NAMED),
}
CHOSEN = {
    "rows of detections": Answering(chosen),
    "rows and more": Answering(lambda y: (torch.cat([chosen(y), chosen(y)[..., :2]], 2), {"a": y})),
    "a list of detections": Answering(listed),
}
EMPTY = Answering(lambda y: listed(y, over=2.0)).eval()
KEPT = {name: 1 if "list" in name else 0 for name in CHOSEN}
"""Number of the first class."""


def likeliest(model):
    """Score, class and corners of the likeliest box, by PyTorch alone."""
    with torch.no_grad():
        y = model.body(torch.from_numpy(RGB.transpose(2, 0, 1)[None] / np.float32(255)))[0]
    best, own = y[4:].max(dim=0)
    query = int(best.argmax())
    return float(best[query]), int(own[query]), corners(y[None])[0, :, query].numpy()


@pytest.mark.parametrize("name", OPEN)
def test_an_answer_of_several_levels_is_read_as_boxes(name):
    model = OPEN[name].eval()
    found: Any = xh.explain(model, RGB, preprocess=PREPARED)
    p, own, box = likeliest(model)
    assert found.detection.index == own
    assert found.detection.probability == pytest.approx(p, abs=1e-5)
    np.testing.assert_allclose(found.detection.box, box, atol=1e-3)
    assert found.method.startswith("layercam")
    assert found.layer.name.removeprefix("body.").split(".")[0] in LEVELS
    assert "stride" in found.layer_reason
    assert np.abs(found.map).max() > 0
    if name == "an angle":
        assert found.detection.label == NAMED[own]


@pytest.mark.parametrize("name", CHOSEN)
def test_detections_that_the_model_chose_are_explained_by_the_same_gradient(name):
    model = CHOSEN[name].eval()
    found: Any = xh.explain(model, RGB, preprocess=PREPARED)
    p, own, box = likeliest(model)
    assert found.detection.index == own + KEPT[name]
    assert found.detection.probability == pytest.approx(p, abs=1e-5)
    np.testing.assert_allclose(found.detection.box, box, atol=1e-3)
    plain = xh.explain(OPEN["one tensor"], RGB, preprocess=PREPARED)
    assert found.layer.name == plain.layer.name
    assert found.layer_reason == plain.layer_reason
    assert found.score == pytest.approx(plain.score, abs=1e-4)
    np.testing.assert_allclose(found.map, plain.map, atol=1e-4 * np.abs(plain.map).max())


@pytest.mark.parametrize("name", CHOSEN)
def test_all_that_a_model_chose_is_numbered_and_each_found_again(name):
    model = CHOSEN[name].eval()
    every: Any = xh.compare(model, RGB, preprocess=PREPARED, targets=xh.boxes(0.0, most=3))
    assert [one.detection.number for one in every] == [1, 2, 3]
    second: Any = xh.explain(model, RGB, preprocess=PREPARED, target=xh.box(2))
    np.testing.assert_array_equal(second.map, every[1].map)
    box, own = second.detection.box, second.detection.index
    again = xh.explain(model, RGB, preprocess=PREPARED, target=xh.box(box, own))
    np.testing.assert_array_equal(again.map, second.map)
    with pytest.raises(UnknownTarget, match=r"one class alone.*box\(NUMBER, CLASS\)"):
        xh.explain(model, RGB, preprocess=PREPARED, target=xh.box(2, xh.margin()))


def test_a_chosen_detection_that_is_hidden_counts_as_lost():
    model = CHOSEN["a list of detections"].eval()
    options = {"samples": 12, "seed": 1}
    network = xh.network(model, image_shape=(3, SIDE, SIDE))
    x = (RGB.transpose(2, 0, 1)[None] / np.float32(255)).astype(np.float32)
    found: Any = xh.maps(network, x, method="rise", target=xh.box(1), options=options)
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (None, "chose no box in this picture. Give one in which"),
        (xh.box(1), "chose no box in this picture"),
        (xh.boxes(), "chose no box in this picture"),
        (xh.box((8, 8, 40, 40)), "None of the detector's 300 boxes lies at"),
    ],
    ids=["best", "first", "all", "place"],
)
def test_a_picture_without_a_detection_is_told_so(target, words):
    several = isinstance(target, type(xh.boxes()))
    with pytest.raises(UnknownTarget, match=re.escape(words)):
        xh.compare(EMPTY, RGB, preprocess=PREPARED, targets=target if several else [target])


def test_a_class_that_was_not_found_is_told_with_those_that_were():
    model = Answering(lambda y: [one | {"labels": one["labels"] * 0 + 1} for one in listed(y)])
    labels = ["nothing", "cat", "dog"]
    with pytest.raises(UnknownTarget, match="no box of dog in this picture; it chose some of cat"):
        xh.explain(
            model.eval(), RGB, preprocess=PREPARED, labels=labels, target=xh.box(None, "dog")
        )


@pytest.mark.parametrize("detached", ["scores", "numpy"])
def test_chosen_boxes_without_a_way_back_are_refused_and_nothing_is_kept(detached):
    alive, passes = [], []

    class Counted(Answering):
        def forward(self, x):
            own = []
            values = self.body.stem(x)
            for _ in range(3):
                values = values * 1.5
                own.append(weakref.ref(values))
            found = listed(self.body(x).detach())
            alive.append(sum(one() is not None for one in own))
            passes.append(torch.is_grad_enabled())
            return found

    model: Any = Counted(None).eval()
    with pytest.raises(
        NoScores, match=r"^Explain one detection of this model with xai_heatmap\.de"
    ):
        xh.explain(model, RGB, preprocess=PREPARED)
    assert max(alive) == 1
    assert sum(passes) == 1
    assert model.body.stem[0].weight.requires_grad


@pytest.mark.parametrize("image", [(96, 96), (128, 160), (640, 640), (100, 132)])
@pytest.mark.parametrize("each", [1, 3, 9])
def test_places_of_several_levels_are_counted(image, each):
    def places(strides):
        return sum(-(-image[0] // s) * -(-image[1] // s) for s in strides)

    assert covers_levels(each * places((8, 16, 32)), image)
    assert covers_levels(each * places((8, 16, 32, 64, 128)), image)
    assert not covers_levels(each * places((8, 16, 32)) + 1, image)
    assert not covers_levels(places((16,)), image)


def test_scores_of_tokens_are_no_boxes():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.look = nn.Conv2d(3, 12, 16, 16)

        def forward(self, x):
            return self.look(x).flatten(2).transpose(1, 2)

    with pytest.raises(NoScores, match="no scores of classes"):
        xh.explain(Tokens().eval(), RGB, preprocess=PREPARED)


def test_levels_of_the_toy_are_what_the_rule_counts():
    count = sum((SIDE // stride) ** 2 for stride in STRIDES)
    assert len(boxes_of(0, SIDE)) == 4
    assert covers_levels(count, (SIDE, SIDE))


@pytest.mark.slow
@pytest.mark.parametrize("side", [SIDE, 640])
def test_files_are_read_as_the_model_they_came_from(side):
    from xai_heatmap.testing.networks.levels import in_onnx

    rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(side, side), fit="stretch")
    model = Levels(CLASSES).eval()
    file: Any = xh.explain(in_onnx(model, side), rgb, preprocess=prepared)
    own: Any = xh.explain(model, rgb, preprocess=prepared)
    assert file.target == own.target
    assert file.layer_reason == own.layer_reason
    assert own.layer.name.startswith(file.layer.name)
    np.testing.assert_allclose(file.map, own.map, atol=1e-4 * np.abs(own.map).max())


def exported(model):
    pytest.importorskip("onnxscript", reason="needs the exporter")
    import onnx

    kept = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.rand(1, 3, SIDE, SIDE),), kept, dynamo=False)
    return onnx.load_from_string(kept.getvalue())


@pytest.mark.slow
def test_a_file_that_chooses_among_its_boxes_by_sorting_is_explained():
    model = CHOSEN["rows of detections"].eval()
    file: Any = xh.explain(exported(model), RGB, preprocess=PREPARED)
    own: Any = xh.explain(model, RGB, preprocess=PREPARED)
    assert file.target == own.target
    assert file.layer_reason == own.layer_reason
    np.testing.assert_allclose(file.map, own.map, atol=1e-4 * np.abs(own.map).max())


@pytest.mark.parametrize(
    ("turn", "task", "names"),
    [(lambda y: y, "detect", NAMED), (lambda y: beside(y, 1 / SIDE), "obb", NAMED)],
    ids=["boxes", "an angle"],
)
def test_a_file_says_what_its_exporter_wrote_into_it(turn, task, names):
    model = Answering(turn).eval()
    file = exported(model)
    wide = np.zeros((SIDE // 2, SIDE, 3), np.uint8) + RGB[: SIDE // 2]
    for key, value in {"task": task, "names": str(names), "imgsz": f"[{SIDE}, {SIDE}]"}.items():
        file.metadata_props.add(key=key, value=value)
    found: Any = xh.explain(file, wide)
    assert found.detection.label in NAMED.values()
    assert found.geometry.box == pytest.approx((0, -SIDE / 4, SIDE, 0.75 * SIDE))


@pytest.mark.parametrize("names", ["{", "__import__('os')", "{0: 1}", "{1: 'a'}", "[" * 5000])
def test_metadata_that_says_nothing_is_left_out(names):
    file = exported(Answering(lambda y: y).eval())
    file.metadata_props.add(key="task", value="detect")
    file.metadata_props.add(key="names", value=names)
    assert xh.network(file).declared.labels is None


@pytest.mark.parametrize("turn", [lambda y: y, listed], ids=["boxes", "chosen"])
def test_a_detector_that_answers_otherwise_each_time_is_told_so(turn):
    draw = np.random.default_rng(0)

    class Drawing(Answering):
        def forward(self, x):
            noise = draw.normal(size=tuple(x.shape)).astype(np.float32)
            return self.turn(self.body(x + 3 * torch.from_numpy(noise)))

    with pytest.raises(ModelError, match=r"same pictures twice, Drawing .* fixed seed"):
        xh.explain(Drawing(turn).eval(), RGB, preprocess=PREPARED)


def test_numbers_drawn_from_a_fixed_seed_are_no_obstacle():
    class Drawing(Answering):
        def forward(self, x):
            noise = np.random.default_rng(0).normal(size=tuple(x.shape[1:])).astype(np.float32)
            return self.turn(self.body(x + torch.from_numpy(noise)))

    found: Any = xh.explain(Drawing(lambda y: y).eval(), RGB, preprocess=PREPARED)
    assert found.detection is not None


def test_detections_whose_boxes_are_infinite_on_noise_are_detections():
    """A layout is told from noise, on which a network that learnt nothing of it may overflow."""
    from xai_heatmap.networks.opening.box_rows import in_one_tensor

    rows = np.array([[[3, 4, 30, 40, 0.9, 2], [-np.inf, 1, np.inf, 9, 0.5, 1]]], np.float32)
    found = in_one_tensor(rows.repeat(4, 1), (64, 64), lambda own: own)
    assert found is not None
    assert (found.chosen, found.order) == (True, "xyxy")
    rows[0, 1, 4] = np.inf
    assert in_one_tensor(rows.repeat(4, 1), (64, 64), lambda own: own) is None
