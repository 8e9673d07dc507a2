"""Models as scripts hold them: what is opened, and what a model that is no network is told."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadOption, ModelError, NoScores  # noqa: E402

X = np.random.default_rng(0).random((1, 3, 32, 32)).astype(np.float32)


def small(*last):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 4, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
        *last,
    ).eval()


class Within(nn.Module):
    """A network in a model of another kind."""

    def __init__(self, forward, name="body"):
        super().__init__()
        self.way = forward
        self.add_module(name, small())

    def forward(self, *args, **kwargs):
        return self.way(getattr(self, next(iter(self._modules))), *args, **kwargs)


class Batch(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = small()

    def forward(self, batch):
        return self.body(batch["image"])


class Meta(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = small()

    def forward(self, inputs):
        return self.body(inputs["photo"]) + inputs["age"][:, None]


def test_a_dict_with_the_picture_alone_is_filled():
    model = Batch().eval()
    network = xh.network(model, picture="image", image_shape=(3, 32, 32))
    np.testing.assert_array_equal(xh.maps(network, X, target=0), xh.maps(model.body, X, target=0))


class AnyBatch(Batch):
    """As a training framework's steps are declared."""

    def forward(self, batch, *args, **kwargs):
        return self.body(batch["image"]) + (batch["age"][:, None] if "age" in batch else 0)


class Named(Batch):
    """Its picture goes by any name."""

    def forward(self, x=None, **others):
        return self.body(others["image"] if x is None else x)


@pytest.mark.parametrize("held", [{}, {"age": np.ones((1,), np.float32)}])
def test_a_dict_is_filled_where_more_might_follow(held):
    model = AnyBatch().eval()
    network = xh.network(model, picture="image", held=held, image_shape=(3, 32, 32))
    np.testing.assert_array_equal(xh.maps(network, X, target=0), xh.maps(model.body, X, target=0))


def test_a_name_among_any_names_is_no_key():
    model = Named().eval()
    network = xh.network(model, picture="image", image_shape=(3, 32, 32))
    np.testing.assert_array_equal(xh.maps(network, X, target=0), xh.maps(model.body, X, target=0))


def test_a_dict_with_more_is_filled_as_before():
    model = Meta().eval()
    network = xh.network(model, picture="photo", held={"age": np.ones((1,), np.float32)})
    np.testing.assert_array_equal(xh.maps(network, X, target=0), xh.maps(model.body, X, target=0))


@pytest.mark.slow
def test_a_wrong_key_is_told_what_the_model_said():
    network = xh.network(Batch().eval(), picture="photo", image_shape=(3, 32, 32))
    with pytest.raises(ModelError, match=r"KeyError: 'image'"):
        xh.maps(network, X, target=0)


def test_a_name_that_is_nearly_the_arguments_is_no_key():
    with pytest.raises(BadOption, match="Did you mean 'batch'"):
        xh.network(Batch().eval(), picture="bacth")


def detections(scores):
    return [{"boxes": torch.zeros(2, 4), "scores": s[:2], "labels": s[:2].long()} for s in scores]


class Result:
    def __init__(self, boxes):
        self.boxes = boxes


ANSWERS = {
    "booleans": (lambda y: y > 0, "a choice"),
    "chosen classes": (lambda y: y.argmax(1, keepdim=True), "a choice"),
    "whole numbers": (lambda y: y.int(), "int32"),
    "complex": (lambda y: y.to(torch.complex64), "complex"),
    "no classes": (lambda y: y[:, :0], "no class"),
    "numpy": (lambda y: y.detach().numpy(), "numpy"),
    "a sparse tensor": (lambda y: y.to_sparse(), "to_dense"),
    "text": (lambda y: "cat", "str"),
    "nothing": (lambda y: None, "NoneType"),
    "numbers": (lambda y: 0.5, "float"),
    "a dict of texts": (lambda y: {"a": "cat"}, "a dict of a"),
    "nothing in a list": (lambda y: [], "0 values"),
    "detections": (detections, "xai_heatmap.detector"),
    "a tuple of detections": (lambda y: tuple(detections(y)), "xai_heatmap.detector"),
    "a list of texts": (lambda y: ["cat"] * len(y), "values: str"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_is_no_scores_is_told_in_words(kind):
    how, said = ANSWERS[kind]
    network = xh.network(Within(lambda body, x: how(body(x))).eval(), image_shape=(3, 32, 32))
    with pytest.raises(NoScores, match=said):
        xh.maps(network, X, target=0)


@pytest.mark.parametrize("name", ["model", "net", "module"])
@pytest.mark.parametrize("answers", [None, "boxes"])
def test_a_wrapper_that_answers_objects_is_told_of_the_network_in_it(name, answers):
    model = Within(lambda body, x: [Result(y) for y in body(x)], name).eval()
    network = xh.network(model, answers=answers, image_shape=(3, 32, 32))
    with pytest.raises(NoScores, match=rf"hand in `model\.{name}`"):
        xh.maps(network, X, target=0)


def test_being_refused_keeps_nothing_for_a_way_back():
    kept = []

    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()

        def forward(self, x):
            kept.append((torch.is_grad_enabled(), len(x)))
            return detections(self.body(x))

    with pytest.raises(NoScores):
        xh.maps(xh.network(Counted().eval(), image_shape=(3, 32, 32)), X, target=0)
    # The first ends where something reads the channels; one picture gives no scores, nor do two.
    assert kept == [(False, 2), (False, 1), (False, 2)]


def test_a_network_is_glanced_at_once():
    passes = []
    model = small()
    model[0].register_forward_hook(lambda *_: passes.append(torch.is_grad_enabled()))
    network = xh.network(model, image_shape=(3, 32, 32))
    network.survey((3, 32, 32))
    network.survey((3, 64, 64))
    assert passes.count(False) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("forward", "said"),
    [
        (lambda body, x, tokens=None: body(x) + tokens, "TypeError"),
        (lambda body, x: 1 / 0, "ZeroDivisionError"),
        (lambda body, x: {}["a"], "KeyError"),
        (lambda body, x: body(x)[:, 99], "IndexError"),
        (lambda body, x: body.nothing, "AttributeError"),
    ],
)
def test_what_a_model_raises_when_it_is_tried_is_told_in_words(forward, said):
    network = xh.network(Within(forward).eval(), image_shape=(3, 32, 32))
    with pytest.raises(ModelError, match=f"failed on a picture of 3x32x32: {said}"):
        xh.maps(network, X, target=0)


@pytest.mark.slow
def test_an_argument_that_a_model_asks_for_is_named():
    class Texts(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = small()

        def forward(self, pixels, captions=None, mask=None):
            if captions is None:
                raise ValueError("You have to specify captions")
            return self.body(pixels) + captions.float().sum()

    network = xh.network(Texts().eval(), image_shape=(3, 32, 32))
    with pytest.raises(ModelError, match=r"held=\{'captions': \.\.\.\}"):
        xh.maps(network, X, target=0)
    assert xh.maps(network, X, target=0, held={"captions": xh.whole(np.ones(2, np.float32))}).any()


def exported(model):
    many = {0: torch.export.Dim("n", min=1, max=64)}
    return torch.export.export(model, (torch.rand(2, 3, 32, 32),), dynamic_shapes=(many,))


class Twice(nn.Module):
    """One weight in two places, a sum, a reshape, and a dict for an answer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.register_buffer("shift", torch.full((1, 3, 1, 1), 0.1))
        self.last = nn.Linear(3, 5)

    def forward(self, x):
        y = self.conv(x).relu()
        y = self.conv(y + self.shift) + x
        return {"logits": self.last(y.mean((2, 3)))}


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradcam", "layercam", "occlusion"])
@pytest.mark.parametrize(
    ("make", "part", "operator"),
    [(small, "1", "relu"), (Twice, "conv#1", "conv2d"), (Twice, "conv#2", "conv2d_1")],
)
def test_an_exported_program_is_opened_at_its_operators(make, part, operator, method):
    model = make().eval()
    program = exported(model)
    right = xh.maps(model, X, layer=part, target=0, method=method)
    for given in (program, program.module()):
        found = xh.maps(given, X, layer=operator, target=0, method=method)
        np.testing.assert_allclose(found, right, atol=1e-6, rtol=1e-4)
    assert any(name.startswith("relu") for name in xh.network(program).survey((3, 32, 32)).layers)


@pytest.mark.slow
def test_an_exported_softmax_is_left_out():
    program = exported(small(nn.Softmax(1)))
    network = xh.network(program, image_shape=(3, 32, 32))
    assert network.closing == "softmax"
    np.testing.assert_allclose(
        xh.maps(network, X, target=0), xh.maps(small(), X, target=0), atol=1e-5
    )


def test_what_is_exported_stays_what_it_was():
    module = exported(small()).module()
    before = str(module.graph)
    xh.maps(module, X, target=0)
    assert str(module.graph) == before
    assert [name for name, _ in module.named_modules() if name and "guard" not in name] == [
        name
        for name, _ in exported(small()).module().named_modules()
        if name and "guard" not in name
    ]
