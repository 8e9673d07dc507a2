"""Targets at one place, and over several scores: a tuple, a table or a row of weights."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import UnknownTarget

torch = pytest.importorskip("torch", reason="needs PyTorch")
nn = torch.nn

pytestmark = pytest.mark.usefixtures("unchecked")

SHAPE = (3, 16, 16)
X = np.random.default_rng(0).random((3, *SHAPE)).astype(np.float32)


def classes(outputs=4):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 5, 4, 4), nn.Tanh(), nn.Flatten(), nn.Linear(5 * 16, outputs)
    ).eval()


def places():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 4, 4), nn.Tanh(), nn.Conv2d(5, 6, 1)).eval()


def slope(model, pick):
    """By PyTorch itself."""
    x = torch.tensor(X, requires_grad=True)
    return torch.autograd.grad(pick(model(x)).sum(), x)[0].sum(1).numpy()


def gradients(model, target, x=X):
    return xh.maps(model, x, method="gradient", target=target)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, atol=1e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("target", [(2, 1, 3), (2, -3, -1), xh.place(2, 1, 3), [(2, 1, 3)] * 3])
def test_a_class_at_one_place(target):
    model = places()
    close(
        gradients(model, target, X[:2] if isinstance(target, tuple) else X)[0],
        slope(model, lambda y: y[:, 2, 1, 3])[0],
    )


def test_the_place_of_an_explanation_is_that_of_the_output():
    network = xh.network(places(), image_shape=SHAPE)
    e = xh.explain(network, X[0], method="gradient", target=(2, 1, 3))
    close(e.map, slope(places(), lambda y: y[:, 2, 1, 3])[0])
    assert e.target == "class 2 at (1, 3)"
    assert e.score == pytest.approx(
        float(places()(torch.tensor(X[:1]))[0, 2, 1, 3].detach()), abs=1e-5
    )


def test_a_tuple_of_one_class_is_that_class():
    close(gradients(classes(), (2,), X[:2]), gradients(classes(), 2, X[:2]))


@pytest.mark.parametrize(
    ("model", "target", "said"),
    [
        (places(), (2, 9, 0), "answers 4x4 places; there is none at"),
        (places(), (2, 1), r"place of 2 axes: \(class, 2, 2\)"),
        (classes(), (2, 1, 3, 4), "answers one score a class"),
        (places(), (2, 1.5, 3, 4), "whole numbers, counted from 0"),
        (classes(), (), "A target is empty"),
        (classes(), np.array([1.0, 0.0]), "answers 4 scores, and 2 weights"),
        (classes(), np.zeros(4), "not all of them 0"),
        (classes(), np.array([1.0, np.nan, 0, 0]), "one finite number for each"),
    ],
)
def test_what_is_no_place_and_no_weights_is_told_so(model, target, said):
    with pytest.raises(UnknownTarget, match=said):
        gradients(model, target, X if len(target) == 2 else X[:2])


def test_weights_of_no_class_and_places_of_none_are_refused_at_once():
    for make, said in (
        (lambda: xh.weighted({1: 0}), "nothing would be explained"),
        (lambda: xh.weighted({1: "much"}), "a finite number"),
        (lambda: xh.place(3), "a number for each axis"),
        (lambda: xh.place(xh.region(1, "all"), 1, 2), "says itself"),
    ):
        with pytest.raises(UnknownTarget, match=said):
            make()


def tensorflow(value):
    return pytest.importorskip("tensorflow").constant(value, "float32")


def jax(value):
    return pytest.importorskip("jax").numpy.asarray(value, "float32")


@pytest.mark.parametrize("make", [np.float64, torch.tensor, tensorflow, jax])
def test_a_one_hot_row_is_a_class_and_any_row_weights_scores(make):
    make = np.array if make is np.float64 else make
    close(gradients(classes(), make([0.0, 0, 1, 0])), gradients(classes(), 2))
    each = make([[0.0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    close(gradients(classes(), each), gradients(classes(), [2, 0, 3]))
    two = make([1.0, 0, -0.5, 0])
    wanted = gradients(classes(), 0) - gradients(classes(), 2) / 2
    np.testing.assert_allclose(gradients(classes(), two), wanted, atol=1e-6)
    network = xh.network(classes(), image_shape=SHAPE)
    one = xh.explain(network, X[0], target=make([[0.0, 0, 1, 0]]), method="gradient")
    assert one.index == 2


def test_several_scores_are_added_up():
    both = xh.weighted({1: 1, 3: 1})
    close(gradients(classes(), both), slope(classes(), lambda y: y[:, 1] + y[:, 3]))
    against = xh.weighted({"b": 2, "d": -1})
    found = xh.maps(classes(), X, method="gradient", target=against, labels=list("abcd"))
    close(found, slope(classes(), lambda y: 2 * y[:, 1] - y[:, 3]))
    network = xh.network(classes(), image_shape=SHAPE)
    e = xh.explain(network, X[0], method="gradient", target=against, labels=list("abcd"))
    assert e.target == "2 b - 1 d"
    single = classes(1)
    close(gradients(single, xh.weighted({1: 2, 0: 1})), slope(single, lambda y: y[:, 0]))
