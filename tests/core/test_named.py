"""Layers and names of classes in the forms that scripts hold them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadOption, UnknownLayer  # noqa: E402
from xai_heatmap.core.listed import class_names  # noqa: E402


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU()),
        nn.Conv2d(4, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 3),
    ).eval()


X = np.random.default_rng(0).random((2, 3, 32, 32), np.float32)


@pytest.mark.slow
def test_a_module_stands_for_its_name():
    model = small()
    for part, name in ((model[0], "0"), (model[0][-1], "0.1"), (model[2], "2")):
        np.testing.assert_array_equal(
            xh.maps(model, X, layer=part, target=1), xh.maps(model, X, layer=name, target=1)
        )


def test_a_list_of_modules_stands_for_their_names():
    model = small()
    found = xh.maps(model, X, layer=[model[0][0], "2"], target=0)
    assert list(found) == ["0.0", "2"]


def test_modules_of_a_parallel_model_are_the_models_own():
    model = small()
    found = xh.maps(nn.DataParallel(model), X, layer=model[2], target=0)
    np.testing.assert_array_equal(found, xh.maps(model, X, layer="2", target=0))


def test_compare_and_the_old_api_take_the_object_too():
    model = small()
    network = xh.network(model, image_shape=(3, 32, 32))
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    how = {"preprocess": "unit", "targets": [0]}
    compared = xh.compare(network, picture, layers=[model[0], model[2]], **how)
    assert [e.layer.name for e in compared] == ["0", "2"]
    assert xh.compare(network, picture, layers=model[2], **how)[0].layer.name == "2"
    assert xh.XAIHeatmap(model, [model[2]]).runTool(picture, X[:1], 0) is not None


def test_a_module_that_runs_twice_stands_for_its_last_call():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu, self.last = (
                nn.Conv2d(3, 3, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(3, 4, 1),
            )

        def forward(self, x):
            return self.last(self.relu(self.conv(self.relu(self.conv(x))))).mean((2, 3))

    torch.manual_seed(0)
    model = Twice().eval()
    np.testing.assert_array_equal(
        xh.maps(model, X, layer=model.relu, target=0), xh.maps(model, X, layer="relu#2", target=0)
    )


def test_an_object_of_another_model_is_refused_in_one_line():
    with pytest.raises(UnknownLayer, match="Conv2d is no part of Sequential") as refused:
        xh.maps(small(), X, layer=small()[1], target=0)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 350


def test_numbers_of_numpy_are_numbers():
    model = small()
    np.testing.assert_array_equal(
        xh.maps(model, X, layer=np.int64(-1), target=0), xh.maps(model, X, layer=-1, target=0)
    )


class Column:
    """A column of a table, as data frames have them."""

    def __init__(self, values):
        self.values = values

    def tolist(self):
        return list(self.values)


@pytest.mark.parametrize(
    "given",
    [
        ["cat", "dog"],
        ("cat", "dog"),
        np.array(["cat", "dog"]),
        np.array(["cat", "dog"], object),
        {1: "dog", 0: "cat"},
        Column(["cat", "dog"]),
        iter(["cat", "dog"]),
        {"cat": 1, "dog": 2}.keys(),
    ],
)
def test_names_of_classes_come_in_many_forms(given):
    assert class_names(given) == ("cat", "dog")


def test_numbers_are_names_of_classes():
    assert class_names(np.arange(3)) == class_names(torch.arange(3)) == ("0", "1", "2")
    assert class_names(None) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([None, None], "number 0 is None"),
        (["cat", 0.5], "number 1 is 0.5"),
        ("cat", "received 'cat'"),
        (7, "received 7"),
        ({"cat": 0}, "the keys"),
        ([True], "a bool"),
        ([["cat"]], "a list"),
        ({"cat", "dog"}, "a set, which has none"),
        (frozenset(["cat"]), "a set, which has none"),
    ],
)
def test_what_is_no_name_is_refused_in_words(given, said):
    with pytest.raises(BadOption, match=said):
        class_names(given)


def test_labels_as_an_array_name_the_classes():
    network = xh.network(small(), image_shape=(3, 32, 32))
    picture = np.zeros((32, 32, 3), np.uint8)
    names = np.array(["cat", "dog", "owl"])
    e = xh.explain(network, picture, preprocess="unit", labels=names, target="dog")
    assert (e.target, e.index) == ("dog", 1)
    assert xh.maps(network, X, labels=names, target="owl").shape == (2, 8, 8)


@pytest.mark.parametrize(
    ("function", "asked", "said"),
    [
        (xh.explain, {"output": 1}, r"xai_heatmap\.network\(model, output=\.\.\.\)"),
        (xh.maps, {"keep_closing": True}, "network"),
        (xh.compare, {"answers": "boxes"}, "network"),
        (xh.explain, {"colormap": "jet"}, r"overlay\(colormap"),
        (xh.compare, {"layer": "auto"}, "Did you mean 'layers'"),
        (xh.explain, {"targets": [1]}, "Did you mean 'target'"),
        (xh.explain, {"metod": "gradcam"}, "Did you mean 'method'"),
        (xh.explain, {"nothing_like_it": 1}, "It takes: network"),
    ],
)
def test_an_argument_of_another_function_is_answered_with_where_it_belongs(function, asked, said):
    with pytest.raises(BadOption, match=said):
        function(small(), X, **asked)
