"""Targets as users write them: arguments are brought into one form where they come in."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError, UnknownLayer, UnknownTarget
from xai_heatmap.core.targets.wording import parsed

torch = pytest.importorskip("torch")
nn = torch.nn

# as users call it: most of what is given here has none of the declared types
pytestmark = pytest.mark.usefixtures("unchecked")

SHAPE = (3, 16, 16)
X = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)


def opened(outputs=3, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 4, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, outputs),
    )
    return xh.network(model.eval(), image_shape=SHAPE, **options)


def tensorflow(value):
    return pytest.importorskip("tensorflow").constant(value)


def jax(value):
    return pytest.importorskip("jax").numpy.asarray(value)


MAKERS = [np.array, torch.tensor, tensorflow, jax]


@pytest.mark.parametrize("make", MAKERS)
def test_an_argmax_is_a_class(make):
    network = opened()
    right = xh.maps(network, X, target=1)
    for one in (make(1), make([1, 1]), [make(1), make(1)], (1, make(1)), xh.category(make(1))):
        assert (xh.maps(network, X, target=one) == right).all()
    ask = {"preprocess": xh.Preprocess("unit", input_size=SHAPE[1:], fit="stretch")}
    picture = np.zeros((16, 16, 3), np.uint8)
    assert xh.explain(network, picture, target=make(1), **ask).index == 1
    assert xh.explain(network, picture, target=make([1]), **ask).index == 1
    found = xh.compare(network, picture, targets=make([2, 0]), **ask)
    assert [one.index for one in found] == [2, 0]


@pytest.mark.parametrize("make", MAKERS)
def test_an_argmax_is_a_class_within_choices_too(make):
    network = opened()
    for given, plain in (
        (xh.contrast(make(1), against=make(2)), xh.contrast(1, against=2)),
        (xh.contrast(1, against=make([0, 2])), xh.contrast(1, against=[0, 2])),
        (xh.probability(make(1)), xh.probability(1)),
        (xh.negative(make(1)), xh.negative(1)),
        (xh.margin(make(1)), xh.margin(1)),
    ):
        assert given.label == plain.label
        assert (xh.maps(network, X, target=given) == xh.maps(network, X, target=plain)).all()


@pytest.mark.parametrize(
    "wrong",
    [1.5, float("nan"), object(), True, np.array(1.0), np.array(True), torch.tensor(0.5), {1: 2},
     {1}, b"cat", np.zeros((2, 2), int), [1.5, 0], [None, object()], iter([0, 1]), 1j],
)  # fmt: skip
def test_what_is_no_class_is_refused_before_the_network_runs(wrong):
    network = xh.network(lambda x: pytest.fail("it ran"), image_shape=SHAPE)
    with pytest.raises(UnknownTarget, match=r"number or its name|One target for all"):
        xh.maps(network, X, target=wrong, method="occlusion")
    picture = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(UnknownTarget, match="number or its name"):
        xh.explain(network, picture, target=wrong, method="occlusion", preprocess="unit")


@pytest.mark.parametrize(
    "make",
    [lambda: xh.likeness("x"), lambda: xh.likeness(None), lambda: xh.likeness([0.0, 0.0]),
     lambda: xh.likeness([np.nan, 1]), lambda: xh.likeness(np.zeros((2, 3))),
     lambda: xh.function(5), lambda: xh.function(None), lambda: xh.function(len, gradient=3)],
)  # fmt: skip
def test_targets_that_can_not_be_are_refused_at_making(make):
    with pytest.raises(UnknownTarget, match=r"outputs of|function of the outputs"):
        make()


def test_likeness_takes_what_a_network_answers():
    network, other = opened(answers="values"), np.float32([1, 2, 3])
    right = xh.maps(network, X, target=xh.likeness(other))
    for given in (other[None], torch.tensor(other, requires_grad=True), other.tolist()):
        assert (xh.maps(network, X, target=xh.likeness(given)) == right).all()


@pytest.mark.parametrize(
    "value",
    [lambda rows: None, lambda rows: "much", lambda rows: rows[:1, :2],
     lambda rows: rows[:, 0] * np.nan,
     lambda rows: object(), lambda rows: [[1], [2, 3]], lambda rows: 1 / 0, lambda rows: 1.0,
     lambda rows: rows[:, 0] * 1j, lambda: 3],
)  # fmt: skip
def test_a_function_that_answers_something_else_is_refused_in_words(value):
    with pytest.raises(UnknownTarget, match="y's value"):
        xh.maps(opened(), X, target=xh.function(value))
    with pytest.raises(UnknownTarget, match="y's gradient"):
        xh.maps(opened(), X, target=xh.function(lambda rows: rows[:, 0], gradient=value))


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"outputs": 1}, ["against", "for"]),
        ({"outputs": 3}, ["class 0", "class 1", "class 2"]),
        ({"outputs": 1, "answers": "values"}, ["the value"]),
        ({"outputs": 2, "answers": "values"}, ["value 0", "value 1"]),
    ],
)
def test_every_name_that_is_shown_can_be_asked_for(options, names):
    network = opened(**options)
    for number, name in enumerate(names):
        right = xh.maps(network, X, target=number, method="hirescam")
        for said in (name, name.upper(), f" {name} "):
            assert (xh.maps(network, X, target=said, method="hirescam") == right).all()
            (choice,) = parsed(said)
            assert (xh.maps(network, X, target=choice, method="hirescam") == right).all()
        (against,) = parsed(f"not {name}")
        assert (xh.maps(network, X, target=against, method="hirescam") == -right).all()


def test_names_that_are_given_come_first():
    network = opened(1)
    found = xh.maps(network, X, target="for", labels=["for", "against"], method="hirescam")
    assert (found == xh.maps(network, X, target=0, method="hirescam")).all()
    with pytest.raises(UnknownTarget, match="No class is called 'for'"):
        xh.maps(network, X, target="for", labels=["no", "yes"])


@pytest.mark.parametrize("answer", [lambda x: x.mean(), lambda x: x.mean()[None]])
def test_one_number_for_a_whole_batch_is_refused_in_words(answer):
    class Model(nn.Module):
        def forward(self, x):
            return answer(x)

    with pytest.raises(ModelError, match=r"image|picture"):
        xh.maps(xh.network(Model().eval(), image_shape=SHAPE), X, method="saliency")
    with pytest.raises(ModelError, match=r"image|picture"):
        xh.maps(lambda x: answer(x), X, method="occlusion")


def test_a_layer_of_what_is_held_says_so():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.side, self.head = (
                nn.Conv2d(3, 4, 4, 4),
                nn.Conv1d(1, 4, 1),
                nn.Linear(4, 3),
            )

        def forward(self, x, held):
            return self.head(self.conv(x).mean((2, 3)) + self.side(held).mean(2))

    network = xh.network(Both().eval(), image_shape=SHAPE, held={1: np.ones((1, 1, 5), np.float32)})
    with pytest.raises(UnknownLayer, match="'side' runs on what is held"):
        xh.maps(network, X, layer="side")
    with pytest.raises(UnknownLayer, match=r"did you mean|There is no layer"):
        xh.maps(network, X, layer="sides")


def test_a_bare_function_is_told_how_it_becomes_a_target():
    with pytest.raises(UnknownTarget, match=r"xai_heatmap\.function\(f\)"):
        xh.maps(opened(), X, target=lambda scores: scores[:, 1])
