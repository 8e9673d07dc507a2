"""All detections of a picture at once, numbered; one by its number; what was dropped, and why."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.boxes.spec import BoxForm  # noqa: E402
from xai_heatmap.core.errors import UnknownTarget  # noqa: E402
from xai_heatmap.core.targets.answer import Answer, Form, Seen  # noqa: E402
from xai_heatmap.core.targets.wording import parsed  # noqa: E402
from xai_heatmap.testing.networks.anchors import (  # noqa: E402
    GREEN,
    RED,
    SHAPE,
    SIDE,
    STRIDES,
    boxes_of,
    scene,
    square,
)
from xai_heatmap.testing.networks.detecting import Bright  # noqa: E402
from xai_heatmap.testing.networks.levels import Levels  # noqa: E402

UNDRAWN = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")
NAMES = ["red", "green"]


def picture():
    small = (scene().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    return np.repeat(np.repeat(small, 4, 0), 4, 1)


@pytest.fixture(scope="module")
def network():
    return xh.network(Bright("yolo"), image_shape=SHAPE, answers="boxes")


def compared(network, targets, **more):
    own = {"methods": ["layercam"], "layers": "relu", "labels": NAMES, "preprocess": UNDRAWN}
    return xh.compare(network, picture(), targets=targets, **own | more)


def answered(network):
    recording = network.record(UNDRAWN(picture())[0][None])
    seen = Seen((SIDE, SIDE), ((0.0, float(SIDE)),) * 2)
    own = recording.scores[0], tuple(NAMES), recording.form, "boxes", recording.meaning, seen
    return Answer(*own)


def by_hand(least, probabilities, boxes):
    """Suppression written out: one after the other, the likeliest first."""
    order = sorted(range(len(boxes)), key=lambda q: -max(probabilities[q]))
    kept = []
    for q in order:
        best = int(np.argmax(probabilities[q]))
        if probabilities[q][best] < least:
            continue
        covered = False
        for other, index in kept:
            a, b = boxes[q], boxes[other]
            width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
            covered |= index == best and width * height / union >= 0.5
        if not covered:
            kept.append((q, best))
    return kept


@pytest.mark.parametrize("least", [0.2, 0.6])
def test_all_boxes_are_those_of_a_suppression_by_hand(network, least):
    model = Bright("yolo")
    with torch.no_grad():
        x = torch.from_numpy(UNDRAWN(picture())[0][None])
        p, boxes = torch.sigmoid(model.explained(x)[0]), model.found(x)[1][0]
    found = xh.boxes(min_score=least).pick(answered(network))
    wanted = by_hand(least, p.tolist(), boxes.tolist())
    assert [(one.detection.query, one.index) for one in found] == wanted
    assert [one.detection.number for one in found] == list(range(1, len(wanted) + 1))
    assert [one.label.split()[0] for one in found] == [f"#{n}" for n in range(1, len(wanted) + 1)]


def test_a_box_has_the_map_that_it_has_alone(network):
    together = compared(network, xh.boxes(0.2, most=2))
    assert len(together) == 2
    for one in together:
        alone = compared(network, [xh.box(one.detection.number)])[0]
        np.testing.assert_array_equal(alone.map, one.map)
        assert (alone.target, alone.detection) == (one.target, one.detection)


def test_boxes_of_one_class_keep_their_numbers(network):
    answer = answered(network)
    every, green = xh.boxes(0.2).pick(answer), xh.boxes(0.2, "green").pick(answer)
    assert {one.index for one in green} == {GREEN} < {one.index for one in every}
    own = [one.detection for one in every if one.index == GREEN]
    assert [one.detection for one in green] == own
    assert len(xh.boxes(0.05, most=2).pick(answer)) == 2


def test_twelve_boxes_take_one_forward_pass_and_a_backward_pass_each(monkeypatch):
    from xai_heatmap.networks.torch import passes

    side, forward, backward = 96, [], []
    model = Levels(3).eval()
    network = xh.network(model, image_shape=(3, side, side), answers="boxes")
    rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(side, side), fit="stretch")
    ask = {"preprocess": prepared, "methods": ["layercam"]}
    xh.compare(network, rgb, targets=[xh.top(1)], **ask)  # surveys once
    model.stem.register_forward_hook(lambda *_: forward.append(1))
    pull = passes.pull
    monkeypatch.setattr(passes, "pull", lambda *given: backward.append(1) or pull(*given))
    found = xh.compare(network, rgb, targets=xh.boxes(0.01, most=12), **ask)
    assert (len(found), len(forward), len(backward)) == (12, 1, 12)
    assert len({e.layer.name for e in found}) > 1


def test_runner_up_in_a_box_and_one_box_against_another(network):
    box = tuple(4 * edge for edge in square(GREEN))
    margin = compared(network, [xh.box(box, xh.margin())])[0]
    both = [compared(network, [xh.box(box, index)])[0].score for index in (GREEN, RED)]
    assert margin.score == pytest.approx(both[0] - both[1], abs=1e-4)
    one, other = compared(network, [xh.box(1), xh.box(2)])
    against = compared(network, [xh.contrast(xh.box(1), against=xh.box(2), weight=0.5)])[0]
    assert against.score == pytest.approx(one.score - 0.5 * other.score, abs=1e-4)
    assert against.target == f"{one.target} - {other.target}"
    signed = {"methods": ["hirescam"]}
    maps = [
        compared(network, [target], **signed)[0].map
        for target in (xh.contrast(xh.box(1), against=xh.box(2)), xh.box(1), xh.box(2))
    ]
    np.testing.assert_allclose(maps[0], maps[1] - maps[2], atol=1e-5)


def of_three(probabilities):
    """The answer of a detector of one class with three boxes, two of which overlap by 0.9."""
    boxes = np.array([[10, 10, 50, 50], [12, 10, 52, 50], [70, 70, 90, 90]], np.float32)
    row = np.concatenate([np.array(probabilities), boxes.T.ravel()]).astype(np.float32)
    form = Form((3,), BoxForm("xyxy", (100.0, 100.0)))
    seen = Seen((100, 100), ((0.0, 100.0),) * 2)
    return Answer(row, ("cup",), form, "boxes", "log-odds", seen)


def test_what_was_dropped_says_why():
    answer = of_three([0.9, 0.6, 0.1])
    low = xh.suppressed((70, 70, 90, 90))(answer)
    assert low.detection.query == 2
    assert low.detection.dropped == "its probability 0.1 is below 0.25"
    assert low.value(answer.scores[None])[0] == pytest.approx(np.log(0.1 / 0.9), abs=1e-5)
    with pytest.raises(UnknownTarget, match=r"Something is found at this place: cup .*box\(1\)"):
        xh.suppressed((10, 10, 50, 50))(answer)
    with pytest.raises(UnknownTarget, match="lies at this place: the nearest overlaps it by 0 %"):
        xh.suppressed((0, 90, 5, 99))(answer)
    seen = xh.suppressed((70, 70, 90, 90), min_score=0.05)
    with pytest.raises(UnknownTarget, match=r"Something is found .*box\(2\)"):
        seen(answer)


def test_numbers_stand_in_the_pictures(network, tmp_path):
    found = compared(network, xh.boxes(0.2, most=2))
    one, unnumbered = found[0], compared(network, [xh.top(1)])[0]
    assert one.detection.box == unnumbered.detection.box
    assert (one.overlay() != unnumbered.overlay()).any()
    tile = found.sheet(size=64, columns=1)
    plain = compared(network, [xh.top(n) for n in range(1, len(found) + 1)])
    assert (tile[:100] != plain.sheet(size=64, columns=1)[:100]).any()
    assert len(found.save(tmp_path)) == len(found) + 1


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("boxes", "boxes(min_score=0.25)"),
        ("boxes:0.4", "boxes(min_score=0.4)"),
        ("boxes:0.4:green", "boxes(min_score=0.4, which='green')"),
        ("box:2", "box(2)"),
        ("box:2:green", "box(2, which=category('green'))"),
        ("suppressed:1,2,3,4", "suppressed((1, 2, 3, 4))"),
        ("suppressed:1,2,3,4:red", "suppressed((1, 2, 3, 4), which='red')"),
    ],
)
def test_words_of_the_command_line(word, label):
    (choice,) = parsed(word, NAMES)
    assert choice.label == label


@pytest.mark.parametrize("word", ["boxes:high", "suppressed:3", "boxes:0.4@all", "box:1:boxes"])
def test_words_that_are_none_are_refused(word):
    with pytest.raises(UnknownTarget):
        parsed(word, NAMES)


def test_what_can_not_be_is_one_clear_error(network):
    for wrong in (-0.1, 1.5):
        with pytest.raises(UnknownTarget, match="min_score is a probability"):
            xh.boxes(wrong)
    with pytest.raises(UnknownTarget, match="number of detections from 1 up"):
        xh.boxes(most=0)
    with pytest.raises(UnknownTarget, match=r"likeliest of \d+ boxes is red .*min_score=0\.\d+"):
        compared(network, xh.boxes(0.9999999))
    with pytest.raises(UnknownTarget, match="No class is called 'blue'"):
        compared(network, xh.boxes(0.2, "blue"))
    with pytest.raises(UnknownTarget, match=r"box\(999\) needs a rank from 1"):
        compared(network, [xh.box(999)])
    with pytest.raises(UnknownTarget, match="outside of the picture"):
        compared(network, [xh.suppressed((100, 100, 120, 120))])
    with pytest.raises(UnknownTarget, match=r"compare\(\.\.\., targets=xai_heatmap\.boxes\("):
        xh.explain(network, picture(), target=xh.boxes(), preprocess=UNDRAWN)
    with pytest.raises(UnknownTarget, match="as many targets as are found"):
        xh.maps(network, scene()[None], target=xh.boxes())
    classes = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 16), torch.nn.Flatten()).eval()
    with pytest.raises(UnknownTarget, match="A box needs a network that answers boxes"):
        xh.compare(classes, picture(), targets=xh.boxes(), preprocess=UNDRAWN, layers="input")


def test_measuring_takes_all_boxes():
    side, level = 96, 2
    network = xh.network(Levels(2).eval(), image_shape=(3, side, side), answers="boxes")
    rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(side, side), fit="stretch")
    mask = np.zeros((side, side), bool)
    left, top, right, bottom = boxes_of(level, side)
    mask[top:bottom, left:right] = True
    assert right - left == STRIDES[level]
    found = xh.measure(
        network, rgb, metrics=["pointing"], targets=xh.boxes(0.01, most=3), mask=mask,
        preprocess=prepared, methods=["layercam"],
    )  # fmt: skip
    assert [one.target.split()[0] for one in found if one.method == "layercam"] == [
        "#1",
        "#2",
        "#3",
    ]
