"""Detectors: read, explained by every method on every backend, drawn."""

from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("onnxscript", reason="needs the exporter")

import xai_heatmap as xh  # noqa: E402
import xai_heatmap.methods  # noqa: E402
from crossing import crossed  # noqa: E402
from xai_heatmap.core.boxes.detections import corners_of, evidence_of  # noqa: E402
from xai_heatmap.core.errors import BadOption, NoRule, NoScores, UnknownTarget  # noqa: E402
from xai_heatmap.core.registry import METHODS  # noqa: E402
from xai_heatmap.core.targets.answer import Answer, Seen  # noqa: E402
from xai_heatmap.testing.networks.anchors import (  # noqa: E402
    ANCHORS,
    GREEN,
    RED,
    SHAPE,
    SIDE,
    query,
    scene,
    square,
)
from xai_heatmap.testing.networks.detecting import Bright, exported, in_keras  # noqa: E402
from xai_heatmap.testing.short_options import SHORT  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HOW = {
    "detr": xh.Boxes(background="last"),
    "tuple": xh.Boxes(order="xyxy", unit="pixels", background="last"),
    "ssd": xh.Boxes(order="xyxy", unit="fractions", background="first"),
    "yolo": "boxes",
    "yolo with objectness": "boxes",
}
KINDS = [("torch", answer) for answer in HOW]
KINDS += [("onnx", answer) for answer in ("detr", "ssd", "yolo", "yolo with objectness")]
KINDS += [("keras", answer) for answer in ("detr", "tuple", "yolo")]
MAIN = [("torch", "detr"), ("onnx", "yolo"), ("keras", "detr")]
WHOLE = Seen((SIDE, SIDE), ((0.0, float(SIDE)),) * 2)
UNDRAWN = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")
"""Nothing is changed but the scale of the pixels."""


@cache
def opened(kind):
    backend, answer = kind
    if backend == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    model = in_keras(answer) if backend == "keras" else Bright(answer)
    model = exported(model) if backend == "onnx" else model
    return xh.network(model, image_shape=SHAPE, answers=HOW[answer])


def answer_of(network, x=None, **facts):
    recording = network.record(scene()[None] if x is None else x)
    facts = {"kind": "boxes", "meaning": recording.meaning, "seen": WHOLE} | facts
    return Answer(recording.scores[0], form=recording.form, **facts)


def native(network, x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x


def relu_of(network):
    return next(name for name in network.layers if "relu" in name.lower())


def pictures():
    return np.stack([scene(), scene()[:, ::-1, ::-1].copy()])


def classes_of(answer):
    """Which class is red and which is green."""
    return (1, 2) if answer == "ssd" else (RED, GREEN)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_boxes_and_what_speaks_for_their_classes_are_read(kind):
    found = answer_of(opened(kind))
    with torch.no_grad():
        wanted = Bright(kind[1]).explained(torch.from_numpy(scene()[None]))[0]
    np.testing.assert_allclose(evidence_of(found), wanted, atol=2e-5)
    np.testing.assert_allclose(corners_of(found), ANCHORS, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
@pytest.mark.parametrize("method", ["gradcam", "hirescam", "layercam", "saliency"])
def test_maps_of_a_box_are_those_of_autograd(kind, method):
    network, own = opened(kind), Bright(kind[1])
    layer = "input" if method == "saliency" else relu_of(network)
    target = xh.box(square(GREEN), classes_of(kind[1])[GREEN])
    x = scene()[None]
    found = xh.maps(network, native(network, x), method=method, layer=layer, target=target)[0]
    image = torch.from_numpy(x).requires_grad_()
    kept = []
    own.relu.register_forward_hook(lambda *parts: kept.append(parts[-1]) or kept[-1])
    y = own.explained(image)[0, query(GREEN), classes_of(kind[1])[GREEN]]
    at = image if method == "saliency" else kept[0]
    gradient = torch.autograd.grad(y, at)[0][0].numpy()
    activation = at[0].detach().numpy()
    wanted = {
        "gradcam": lambda: np.maximum(np.einsum("k,khw", gradient.mean((1, 2)), activation), 0),
        "hirescam": lambda: (gradient * activation).sum(axis=0),
        "layercam": lambda: np.maximum((np.maximum(gradient, 0) * activation).sum(axis=0), 0),
        "saliency": lambda: np.abs(gradient).max(axis=0),
    }[method]()
    np.testing.assert_allclose(found, wanted, atol=1e-5 * max(1, np.abs(wanted).max()))
    assert np.abs(found).max() > 1e-3


@pytest.mark.parametrize("kind", MAIN, ids="-".join)
def test_integrated_gradients_of_a_box_add_up_to_what_its_score_gains(kind):
    network = opened(kind)
    found = xh.maps(
        network,
        native(network, scene()[None]),
        method="integrated_gradients",
        target=xh.box(square(RED), RED),
        options={"steps": 20},
    )
    with torch.no_grad():
        both = Bright(kind[1]).explained(torch.from_numpy(np.stack([scene(), scene() * 0])))
    gained = (both[0, query(RED), RED] - both[1, query(RED), RED]).item()
    assert found.sum() == pytest.approx(gained, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if "yolo" in kind[1]], ids="-".join)
def test_a_sigmoid_that_the_answer_ends_in_is_no_gate(kind):
    """Of convolutions and ReLU alone LibraGrad is gradient times activation."""
    network, x = opened(kind), native(opened(kind), scene()[None])
    ask = {"layer": relu_of(network), "target": xh.box(square(GREEN), GREEN)}
    found = xh.maps(network, x, method="libragrad", **ask)
    wanted = xh.maps(network, x, method="hirescam", **ask)
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(np.maximum(found, 0), np.maximum(wanted, 0), rtol=1e-3, atol=1e-5)


class Excited(torch.nn.Module):
    """Channels weighted by a gate, which is reshaped on its way, and one score a class."""

    answer = "yolo"

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, 2), torch.nn.ReLU())
        self.gate, self.score = torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)

    def forward(self, x):
        x = self.features(x)
        gate = self.gate(x.mean((2, 3))).sigmoid()
        gated = x * gate.reshape(len(x), 4, 1, 1).expand_as(x)
        return self.score(gated.mean((2, 3))).sigmoid()


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_a_gate_that_is_moved_to_where_it_weighs_is_held(backend):
    model = Excited().eval()
    own = exported(model) if backend == "onnx" else model
    network = xh.network(own, image_shape=SHAPE)
    layer = next(n for n in network.layers if "relu" in n.lower() or n == "features")
    found = xh.maps(network, scene()[None], method="libragrad", layer=layer, target=1)[0]
    with torch.no_grad():
        x = model.features(torch.from_numpy(scene()[None]))
        gate = model.gate(x.mean((2, 3))).sigmoid()[0]
        slopes = model.score.weight[1] * gate / x.shape[2] / x.shape[3]
        wanted = (slopes[:, None, None] * x[0]).sum(0).numpy()
    np.testing.assert_allclose(found, wanted, atol=1e-6)


ON_BOXES = [name for name, method in METHODS.items() if "attentions" not in method.needs]
CROSSED = [
    (name, kind)
    for kind in MAIN
    for name, _ in crossed(ON_BOXES, [kind[0]])
    if name != "cam"  # of a mean over the grid, which no detector ends in
]


@pytest.mark.parametrize(
    ("name", "kind"), CROSSED, ids=lambda one: one if isinstance(one, str) else "-".join(one)
)
def test_every_method_explains_a_box_and_a_batch_is_its_images(name, kind):
    network = opened(kind)
    layer = "auto" if METHODS[name].auto == "input" else relu_of(network)
    options = {"layer": layer, "method": name, "options": SHORT.get(name, {}), "target": RED}
    try:
        together = xh.maps(network, native(network, pictures()), **options)
    except NoRule as reason:
        assert kind[0] == "keras"
        pytest.skip(str(reason))
    alone = [xh.maps(network, native(network, x[None]), **options)[0] for x in pictures()]
    np.testing.assert_allclose(together, alone, atol=1e-4 * np.abs(together).max())
    assert np.abs(together).max() > 0


@pytest.mark.parametrize("kind", MAIN, ids="-".join)
@pytest.mark.parametrize("colour", [RED, GREEN])
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("hirescam", {}),
        ("layercam", {}),
        ("integrated_gradients", {"steps": 8}),
        ("occlusion", {"window": 2, "stride": 2}),
        ("rise", {"samples": 600, "cells": 8}),
    ],
)
def test_what_speaks_for_a_box_lies_in_it(kind, method, options, colour):
    network = opened(kind)
    layer = relu_of(network) if method in ("hirescam", "layercam") else "auto"
    map_ = xh.maps(
        network,
        native(network, scene()[None]),
        method=method,
        layer=layer,
        options=options,
        target=xh.box(square(colour), colour),
    )[0]
    left, top, right, bottom = square(colour)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[top:bottom, left:right] = True
    assert inside[np.unravel_index(map_.argmax(), map_.shape)]
    relevant = np.maximum(map_, 0)
    if method == "rise":  # its masks are as wide as a quarter of the box, and blurred
        assert relevant[inside].mean() > 5 * relevant[~inside].mean()
    else:
        assert relevant[inside].sum() > 0.999 * relevant.sum()


def picture(width=SIDE, height=SIDE) -> np.ndarray:
    scaled = (scene().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    return np.repeat(np.repeat(scaled, height // SIDE, 0), width // SIDE, 1)


def explained(kind=("torch", "detr"), image=None, **options):
    image = picture(64, 64) if image is None else image
    return xh.explain(opened(kind), image, **{"preprocess": UNDRAWN, "layer": "relu"} | options)


def test_without_a_target_the_best_detection_is_explained():
    found = explained(labels=["red", "green"])
    assert found.detection.box == pytest.approx((8, 16, 24, 32))
    assert found.target == "red in [8 16 24 32]"
    assert (found.index, found.detection.index) == (RED, RED)
    with torch.no_grad():
        logits, _ = Bright().found(torch.from_numpy(UNDRAWN(picture(64, 64))[0][None]))
    assert found.score == pytest.approx(logits[0, query(RED), RED].item(), abs=1e-4)
    wanted = torch.softmax(logits[0, query(RED)], dim=0)[RED].item()
    assert found.detection.probability == pytest.approx(wanted, abs=1e-5)
    assert found.predictions[0].probability == pytest.approx(wanted, abs=1e-5)
    assert [p.label for p in found.predictions[:2]] == [
        "red in [8 16 24 32]",
        "green in [40 32 56 48]",
    ]
    assert found.to_dict()["detection"]["query"] == query(RED)
    assert "number 15" in " ".join(found.notes)


def test_ranks_are_of_detections_and_classes_of_their_best_box():
    second = explained(target=xh.top(2))
    assert second.target == "class 1 in [40 32 56 48]"
    for target in (GREEN, xh.category(GREEN), xh.box(None, GREEN), xh.contrast(GREEN, against=RED)):
        assert explained(target=target).detection.query == query(GREEN)
    with pytest.raises(UnknownTarget, match=r"top\(99\) needs a rank from 1 to \d+"):
        explained(target=xh.top(99))


def test_every_choice_is_made_in_the_box():
    with torch.no_grad():
        z = Bright().explained(torch.from_numpy(UNDRAWN(picture(64, 64))[0][None]))[0]
    z = z[query(GREEN)].numpy()
    box = tuple(4 * edge for edge in square(GREEN))
    wanted = {
        xh.box(box): z[GREEN],
        xh.box(box, RED): z[RED],
        xh.box(box, xh.contrast(GREEN, against=RED)): z[GREEN] - z[RED],
        xh.box(box, xh.margin()): z[GREEN] - max(z[RED], z[2]),
        xh.box(box, xh.probability(GREEN)): np.exp(z[GREEN]) / np.exp(z).sum(),
        xh.negative(xh.box(box, GREEN)): -z[GREEN],
        xh.box(box, xh.top(3)): np.sort(z)[0],
    }
    for target, score in wanted.items():
        assert explained(target=target).score == pytest.approx(score, abs=1e-4), target.label


@pytest.mark.parametrize("fit", ["letterbox", "crop", "stretch"])
@pytest.mark.parametrize("kind", [("torch", "detr"), ("onnx", "yolo")], ids="-".join)
def test_a_box_is_in_pixels_of_the_picture(kind, fit):
    image = picture(64, 32) if fit == "stretch" else picture(64, 64)
    if fit != "stretch":
        border = np.full((64, 128, 3), 51, np.uint8)
        border[:, 32:96] = image
        image = border
    prepared = xh.Preprocess(
        mode="unit", input_size=(SIDE, SIDE), fit=fit, **({"ratio": 1.0} if fit == "crop" else {})
    )
    shift = 0 if fit == "stretch" else 32
    down = 2 if fit == "stretch" else 4
    left, top, right, bottom = square(GREEN)
    box = (left * 4 + shift, top * down, right * 4 + shift, bottom * down)
    layer = relu_of(opened(kind))
    found = xh.explain(
        opened(kind), image, target=xh.box(box, GREEN), preprocess=prepared, layer=layer,
        method="hirescam",
    )  # fmt: skip
    covered = 0.25 if fit == "letterbox" else 1  # there a box of the detector is twice as large
    assert found.detection.overlap == pytest.approx(covered)
    heat = found.heat()
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert box[0] <= column < box[2]
    assert box[1] <= row < box[3]
    left, top, right, bottom = found.detection.box
    drawn = found.overlay()
    assert tuple(drawn[round(top), round((left + right) / 2)]) == (0, 229, 255)
    assert (drawn == (0, 229, 255)).all(axis=2).sum() > 20


def test_the_nearest_box_is_taken_and_of_those_as_near_the_surest():
    exact = explained(target=xh.box((8, 16, 24, 32)))
    assert exact.detection.overlap == pytest.approx(1)
    between = explained(target=xh.box((11, 16, 29, 32), RED))
    wanted = explained(target=xh.box((16, 16, 32, 32), RED))
    assert between.detection.query == query(RED)
    assert wanted.detection.query == query(RED) + 1
    assert wanted.score < between.score


@pytest.mark.parametrize("kind", [("torch", "detr"), ("torch", "yolo")], ids="-".join)
def test_a_box_that_is_not_held_is_measured_as_d_rise_does(kind):
    model = Bright(kind[1], moving=3.0)
    network = xh.network(model, image_shape=SHAPE, answers=HOW[kind[1]])
    x = np.random.default_rng(0).random((1, *SHAPE)).astype(np.float32)
    where = (3.0, 4.5, 7.5, 8.0)
    target = xh.box(where, GREEN, held=False)

    def y(image):
        z = model.explained(image)[0]
        p = torch.sigmoid(z[:, GREEN]) if kind[1] == "yolo" else torch.softmax(z, -1)[:, GREEN]
        boxes, wanted = model.found(image)[1][0], torch.tensor(where)
        sides = torch.minimum(wanted[2:], boxes[:, 2:]) - torch.maximum(wanted[:2], boxes[:, :2])
        common = sides.clamp(min=0).prod(dim=1)
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1) + (wanted[2:] - wanted[:2]).prod()
        return (common / (areas - common) * p).max()

    image = torch.from_numpy(x).requires_grad_()
    value = y(image)
    value.backward()
    gradient = image.grad[0].numpy()
    found = xh.maps(network, x, method="input_x_gradient", target=target)[0]
    np.testing.assert_allclose(found, (x[0] * gradient).sum(axis=0), atol=1e-6)
    assert np.abs(gradient[2]).max() > 0  # blue moves boxes and says nothing of their class
    recording = network.record(x)
    own = target(answer_of(network, x))
    assert own.value(recording.scores)[0] == pytest.approx(value.item(), abs=1e-6)


def test_scores_that_are_probabilities_are_explained_as_such_where_the_closing_is_kept():
    network = xh.network(Bright("yolo"), image_shape=SHAPE, answers="boxes", keep_closing=True)
    found = xh.explain(network, picture(64, 64), preprocess=UNDRAWN, layer="relu")
    logit = explained(("torch", "yolo"))
    assert found.meaning == "probabilities"
    assert found.score == pytest.approx(found.detection.probability, abs=1e-6)
    assert found.score == pytest.approx(1 / (1 + np.exp(-logit.score)), abs=1e-5)
    assert logit.meaning == "log-odds"
    assert "log p - log(1 - p)" in " ".join(logit.notes)


def test_names_may_leave_out_the_class_of_nothing():
    named = explained(labels=["red", "green"], target=xh.box(None, 2))
    assert named.target.startswith("nothing in ")
    with pytest.raises(BadOption, match="3 classes; received"):
        explained(labels=["red"])


class Counting:
    """A network that says how often it ran."""

    def __init__(self, monkeypatch):
        network = opened(("torch", "detr"))
        network.survey(SHAPE)
        self.passes = 0

        def record(*parts, **options):
            self.passes += 1
            return recorded(*parts, **options)

        recorded = network.inner.record
        monkeypatch.setattr(network.inner, "record", record)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (lambda: xh.box((5, 1, 1, 5)), "left < right"),
        (lambda: xh.box((1, 1, 5)), "left < right"),
        (lambda: xh.box((1, 1, 5, float("nan"))), "left < right"),
        (lambda: xh.box((70, 1, 90, 5)), "outside of the picture, which is 64 x 64"),
        (lambda: xh.box((-9, -9, 0, 5)), "outside of the picture"),
        (lambda: xh.box((8, 16, 24, 32), "blue"), "No class is called 'blue'"),
        (lambda: xh.box((8, 16, 24, 32), 7), "There is no class 7"),
        (lambda: xh.box((8, 16, 24, 32), xh.region(1, "all")), "says itself what it is over"),
    ],
)
def test_what_is_wrong_with_a_box_is_said_before_the_network_runs(monkeypatch, target, words):
    counting = Counting(monkeypatch)
    with pytest.raises(UnknownTarget, match=words):
        explained(target=target(), labels=["red", "green"])
    assert counting.passes == 0


def test_a_box_that_the_network_does_not_see_is_refused(monkeypatch):
    counting = Counting(monkeypatch)
    wide = np.zeros((64, 256, 3), np.uint8)
    cropped = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="crop", ratio=1.0)
    with pytest.raises(UnknownTarget, match=r"what the network sees of it: .96, 0, 160, 64. .*fit"):
        explained(image=wide, target=xh.box((0, 0, 40, 40)), preprocess=cropped)
    assert counting.passes == 0


def test_where_no_box_is_the_best_ones_are_named():
    with pytest.raises(UnknownTarget) as caught:
        explained(target=xh.box((0, 0, 3, 3), RED), labels=["red", "green"])
    assert "None of the detector's 49 boxes lies at (0, 0, 3, 3)" in str(caught.value)
    assert "red 0.9" in str(caught.value)
    assert "in [8 16 24 32]; green" in str(caught.value)


def test_a_box_needs_a_detector_and_a_detector_no_region():
    from xai_heatmap.testing.networks.segmenting import Colours

    for_places = xh.network(Colours(), image_shape=(3, 12, 12))
    with pytest.raises(UnknownTarget, match="answers='boxes'"):
        xh.maps(for_places, np.zeros((1, 3, 12, 12), np.float32), target=xh.box((1, 1, 5, 5)))
    with pytest.raises(UnknownTarget, match=r"box\(where, which\)"):
        explained(target=xh.region(RED, "all"))


class Answering(torch.nn.Module):
    """A detector whose output is made of another's."""

    def __init__(self, turn):
        super().__init__()
        self.inner, self.turn = Bright("tuple"), turn

    def forward(self, x):
        return self.turn(*self.inner(x))


UNREADABLE = {
    "chosen inside": (
        lambda s, b: [{"boxes": b[0], "scores": s[0], "labels": s[0]}], "boxes",
        r"^Explain one detection of this model with xai_heatmap\.detector\(",
    ),
    "order unsaid": (lambda s, b: (s, b), "boxes", "order='xyxy'"),
    "nothing of the kind": (lambda s, b: {"a": s[0], "b": b[0]}, "boxes", "scores=KEY"),
    "no such output": (
        lambda s, b: {"a": s, "b": b}, xh.Boxes(scores="a", boxes="c"), "no 'c'",
    ),
    "fractions said": (
        lambda s, b: (s, b), xh.Boxes(order="xyxy", unit="fractions"), "unit='pixels'",
    ),
    "pixels said": (
        lambda s, b: (s, b / SIDE), xh.Boxes(order="xyxy", unit="pixels"), "unit='fractions'",
    ),
    "no classes": (lambda s, b: b.transpose(1, 2), "boxes", "none is left for a class"),
    "square": (
        lambda s, b: torch.cat([b, s], -1)[:, :7], xh.Boxes(objectness=False), "nobody can tell",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("turn", "answers", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_can_not_be_read_is_refused(turn, answers, words):
    network = xh.network(Answering(turn), image_shape=SHAPE, answers=answers)
    with pytest.raises(NoScores, match=words):
        network.record(scene()[None])


@pytest.mark.usefixtures("unchecked")
def test_a_wrong_word_in_a_description_is_named():
    with pytest.raises(BadOption, match="Did you mean 'xyxy'"):
        xh.Boxes(order="xyyx")
    with pytest.raises(BadOption, match="Objectness"):
        xh.Boxes(scores="a", objectness=True)
    with pytest.raises(BadOption, match="read together"):
        xh.network(Bright(), answers="boxes", output="logits")
    with pytest.raises(BadOption, match=r"xai_heatmap\.detector"):
        xh.network(lambda x: x, answers="boxes")


def test_boxes_chosen_inside_of_a_file_are_refused():
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores"], ["chosen"])
    cast = helper.make_node("Cast", ["chosen"], ["found"], to=TensorProto.FLOAT)
    boxes = helper.make_node("Reshape", ["image", "four"], ["boxes"])
    scores = helper.make_node("Reshape", ["image", "one"], ["scores"])
    graph = helper.make_graph(
        [boxes, scores, node, cast], "chosen",
        [value("image", TensorProto.FLOAT, [1, 3, 4, 4])],
        [value("found", TensorProto.FLOAT, [1, None, 3])],
        [
            helper.make_tensor("four", TensorProto.INT64, [3], [1, -1, 4]),
            helper.make_tensor("one", TensorProto.INT64, [3], [1, 4, -1]),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    with pytest.raises(NoScores, match="nms=False"):
        xh.network(model, answers="boxes")


def test_outputs_with_detrs_names_need_no_word():
    network = xh.network(Bright("detr"), image_shape=SHAPE)
    assert network.record(scene()[None]).form.boxes.order == "cxcywh"
    again = xh.network(network._adapter._module, image_shape=SHAPE)
    assert again.record(scene()[None]).form.boxes is not None


def test_an_output_may_be_named_by_key_or_place():
    how = {"order": "xyxy", "unit": "pixels"}
    turned = Answering(lambda s, b: {"x": s[:, :, :2], "y": b, "z": s})
    for scores, classes in (("x", 2), ("z", 3)):
        network = xh.network(turned, image_shape=SHAPE, answers=xh.Boxes(scores, "y", **how))
        assert answer_of(network).classes == classes
    listed = Answering(lambda s, b: [s, b])
    network = xh.network(listed, image_shape=SHAPE, answers=xh.Boxes(0, 1, **how))
    assert answer_of(network).classes == 3


def test_one_class_alone_is_no_against():
    turned = Answering(lambda s, b: (s[:, :, :1], b))
    network = xh.network(turned, image_shape=SHAPE, answers=xh.Boxes(order="xyxy", unit="pixels"))
    found = xh.explain(network, picture(64, 64), preprocess=UNDRAWN, layer="inner.relu")
    assert (found.index, found.target) == (0, "class 0 in [8 16 24 32]")
    assert found.detection.probability == pytest.approx(1 / (1 + np.exp(-found.score)), abs=1e-6)
    with pytest.raises(UnknownTarget, match="no class 1"):
        xh.explain(network, picture(64, 64), preprocess=UNDRAWN, target=1)
