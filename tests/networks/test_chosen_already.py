"""Outputs in which a model has chosen already, and objects that hold a model, are told apart."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelFailed, NoScores, NotAModel

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

SHAPE = (3, 16, 16)


class Answers(nn.Module):
    """Three scores, brought into a form of answer; or five boxes of each picture."""

    def __init__(self, form, boxes=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 3)
        self.form, self.boxes = form, boxes

    def forward(self, x):
        z = self.conv(x).relu()
        if not self.boxes:
            return self.form(self.fc(z.mean((2, 3))))
        best, kinds = z.flatten(2).max(1)
        best, at = best.topk(5)
        sides = torch.stack([at % 4 * 4, at // 4 * 4, at % 4 * 4 + 4, at // 4 * 4 + 4], 2)
        return self.form(list(zip(sides.float(), best, kinds.gather(1, at), strict=True)))


def explained(form, boxes=False, **options):
    network = xh.network(Answers(form, boxes).eval(), image_shape=SHAPE, **options)
    return xh.maps(network, images(), target=1)


def images():
    return np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)


RANKED = {
    "topk": lambda y: y.topk(2),
    "a plain tuple": lambda y: tuple(y.topk(2)),
    "sort": lambda y: y.sort(1, descending=True),
    "max": lambda y: y.max(1),
}


@pytest.mark.parametrize("form", RANKED.values(), ids=RANKED)
def test_scores_by_rank_are_no_classes(form):
    with pytest.raises(NoScores, match=r"largest scores.*in the order of the classes"):
        explained(form)


def test_one_of_them_may_be_asked_for():
    found = explained(lambda y: y.topk(2), output=0)
    rank = torch.argsort(Answers(lambda y: y).eval()(torch.from_numpy(images())), dim=1)[:, -2]
    right = [explained(lambda y: y)[0], explained(lambda y: y)[1]]
    for row, second in enumerate(rank):
        network = xh.network(Answers(lambda y: y).eval(), image_shape=SHAPE)
        right[row] = xh.maps(network, images(), target=int(second))[row]
    np.testing.assert_allclose(found, right, atol=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        lambda y: (y.argmax(1, keepdim=True).float(), y),
        lambda y: {"chosen": y.argmax(1, keepdim=True).float(), "raw": y},
    ],
)
def test_a_class_as_a_float_is_no_score(form):
    with pytest.raises(NoScores, match=r"no derivative leads back .* say output="):
        explained(form)
    key = "raw" if isinstance(form(torch.zeros(1, 3)), dict) else 1
    np.testing.assert_allclose(explained(form, output=key), explained(lambda y: y), atol=1e-6)


BOXES = {
    "tuples": lambda found: found,
    "other names": lambda found: [{"pred_boxes": b, "scores": s, "of": k} for b, s, k in found],
    "rows": lambda found: [torch.cat([b, s[:, None], k[:, None]], 1) for b, s, k in found],
    "instances": lambda found: [{"instances": object()} for _ in found],
    "a dict of lists": lambda found: {"boxes": [b for b, _, _ in found], "scores": []},
    "behind losses": lambda found: ({}, [{"bboxes": b, "s": s} for b, s, _ in found]),
}


@pytest.mark.parametrize("form", BOXES.values(), ids=BOXES)
def test_detections_in_any_spelling_are_told_as_such(form):
    with pytest.raises(NoScores, match=r"xai_heatmap.detector\(.*list of detections"):
        explained(form, boxes=True)


def test_two_heads_of_six_classes_are_no_boxes():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.fc = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 12)

        def forward(self, x):
            return self.fc(self.conv(x).relu().mean((2, 3))).chunk(2, 1)

    assert xh.maps(xh.network(Two().eval(), image_shape=SHAPE), images(), target=5).any()


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_the_precision_is_that_of_what_multiplies(kind):
    class Scaled(Answers):
        def __init__(self):
            super().__init__(lambda y: y)
            self.conv, self.scale = self.conv, nn.Parameter(torch.ones(1, dtype=kind))
            self._parameters = {"scale": self.scale}

    network = xh.network(Scaled().eval(), image_shape=SHAPE)
    found = xh.maps(network, images(), target=1)
    np.testing.assert_allclose(found, explained(lambda y: y), atol=1e-6)


class Trainer:
    """What a library hands out around a model."""

    def __init__(self, model):
        self.steps, self.network = 3, model


@pytest.mark.parametrize(
    ("wrap", "where"),
    [
        (Trainer, "trainer.network"),
        (lambda model: {"epoch": 1, "model": model}, r"dict\['model'\]"),
        (lambda model: [model], r"list\[0\]"),
    ],
)
def test_an_object_that_holds_a_model_says_where(wrap, where):
    with pytest.raises(NotAModel, match=f"It holds a model, Answers: hand in `{where}`"):
        xh.network(wrap(Answers(lambda y: y)))


def graph(nodes, outputs):
    """ONNX file of three scores, named y, and what `nodes` make of them."""
    from onnx import TensorProto, helper, numpy_helper

    random, value = np.random.default_rng(0), helper.make_tensor_value_info
    made = {"w": random.normal(size=(4, 3, 4, 4)), "m": random.normal(size=(4, 3))}
    stored = [numpy_helper.from_array(own.astype("f4"), name) for name, own in made.items()]
    whole = {"k": [2], "sh": [-1, 4, 3]}
    stored += [numpy_helper.from_array(np.array(own), name) for name, own in whole.items()]
    before = [
        helper.make_node("Conv", ["x", "w"], ["c"], "c", strides=[4, 4]),
        helper.make_node("Relu", ["c"], ["r"], "r"),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "m"], ["y"]),
    ]
    after = [helper.make_node(op, *wires, **how) for op, wires, how in nodes]
    kinds = {"i": TensorProto.INT64, "f": TensorProto.FLOAT}
    answered = [value(name, kinds[kind], shape) for name, kind, shape in outputs]
    taken = [value("x", TensorProto.FLOAT, ["n", *SHAPE])]
    own = helper.make_graph([*before, *after], "g", taken, answered, stored)
    return helper.make_model(own, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


LABEL = [
    ("ArgMax", (["y"], ["a"]), {"axis": 1, "keepdims": 1}),
    ("Cast", (["a"], ["label"]), {"to": 1}),
]


def test_a_file_that_casts_its_class_is_explained_by_its_scores():
    pytest.importorskip("onnxruntime")
    scores = graph([], [("y", "f", ["n", 3])])
    found = xh.maps(
        graph(LABEL, [("label", "f", ["n", 1]), ("y", "f", ["n", 3])]), images(), target=1
    )
    np.testing.assert_allclose(found, xh.maps(scores, images(), target=1), atol=1e-6)
    with pytest.raises(NoScores, match="such as ArgMax"):
        xh.network(graph(LABEL, [("label", "f", ["n", 1])]))


def test_a_file_that_ranks_its_scores_is_refused():
    pytest.importorskip("onnxruntime")
    ranked = [("TopK", (["y", "k"], ["v", "i"]), {"axis": 1})]
    with pytest.raises(NoScores, match="in the order of the classes"):
        xh.network(graph(ranked, [("v", "f", ["n", 2]), ("i", "i", ["n", 2])]))


def test_a_file_that_counts_its_pictures_says_what_went_in():
    pytest.importorskip("onnxruntime")
    shaped = [
        ("Reshape", (["y", "sh"], ["q"]), {}),
        ("ReduceMean", (["q"], ["z"]), {"axes": [1], "keepdims": 0}),
    ]
    model = graph(shaped, [("z", "f", ["m", 3])])
    with pytest.raises(ModelFailed, match=r"on 2x3x16x16.*another number of pictures.*first axis"):
        xh.maps(model, np.concatenate([images()] * 2), target=1)
