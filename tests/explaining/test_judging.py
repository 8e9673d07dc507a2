"""What is done once for many maps gives each of them what it has alone."""

from typing import Any

import numpy as np
import pytest

import xai_heatmap as xh
import xai_heatmap.methods
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.reach import Terms, reach
from xai_heatmap.core.registry import all_methods
from xai_heatmap.core.verdict import verdict
from xai_heatmap.explaining import forward_pass, judging
from xai_heatmap.explaining.forward_pass import MethodRequest
from xai_heatmap.explaining.judging import judged
from xai_heatmap.explaining.maps import plan_of

torch: Any = pytest.importorskip("torch", reason="needs PyTorch")

METHODS = all_methods()
DRAW = np.random.default_rng(0)
GRIDS = (9,), (3, 4), (2, 3, 2)
SIZES = 1e-6, 1.0, 1e12


def _evidence(kind: str, grid: tuple[int, ...]) -> Evidence:
    """Activation and gradient of a layer in a case that a verdict tells from others."""
    activation, gradient = DRAW.normal(size=(2, 5, *grid)).astype(np.float32)
    if kind == "against":
        activation, gradient = np.abs(activation), -np.abs(gradient)
    if kind == "zero":
        gradient = np.zeros_like(gradient)
    if kind == "silent":
        activation = np.zeros_like(activation)
    if kind == "cancelled":
        activation = np.ones_like(activation)
        gradient -= gradient.mean(0)
    return Evidence(activation=activation, gradient=gradient, score=0.7)


@pytest.mark.parametrize("kind", ["usual", "against", "zero", "silent", "cancelled"])
@pytest.mark.parametrize("name", ["gradcam", "hirescam", "layercam", "xgradcam", "eigengradcam"])
@pytest.mark.parametrize("probability", [False, True])
def test_the_strongest_place_tells_what_the_whole_layer_tells(kind, name, probability):
    """The oracle is the rule itself, of map, gradient and activation as a whole."""
    method, words = METHODS[name], set[str]()
    for grid in GRIDS:
        known = _evidence(kind, grid)
        map_ = method(known, {"relu": False} if name == "gradcam" else {})
        for y, size, flat, tied in [
            *((0.7, size, False, False) for size in SIZES),
            (0.9999, 1.0, False, False),
            (0.0, 1.0, False, True),
            (0.7, 1.0, True, False),
        ]:
            of = Terms(y, size, flat=flat, tied=tied)
            expected = verdict(
                map_,
                gradient=known.gradient,
                activation=known.activation,
                score=y,
                probability=probability,
                directed=method.directed,
                reach=reach(map_, method, known, of),
            )
            assert judged(map_, method, known, of, probability=probability) == expected
            words.add(expected.word)
    if kind == "usual":
        assert words == {"ok", "cancelled", *({"saturated"} if probability else ())}


def test_what_is_asked_of_layers_is_found_for_each_and_for_those_of_one_array():
    gradcam, eigencam = METHODS["gradcam"], METHODS["eigencam"]
    one = MethodRequest(gradcam, {}, ["a", "b", "d"])
    other = MethodRequest(eigencam, {}, ["b", "c"])
    plan, both = plan_of([one, other]), gradcam.needs | eigencam.needs
    assert plan(["a"]) == ([one], "a", gradcam.needs)
    assert plan(["b"]) == ([one, other], "b", both)
    assert plan(["c"]) == ([other], "c", eigencam.needs)
    assert plan(["x", "c", "d"]) == ([one, other], "c", both)
    assert plan(["x"]) == ([], "x", frozenset())
    assert plan(["x", "y"]) == ([], "x", frozenset())


class Usual(torch.nn.Module):
    """Layers that share an array, of feature maps that are used, that are not, and that are 0."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.relu = torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.ReLU(inplace=True)
        self.same, self.aside = torch.nn.Identity(), torch.nn.Conv2d(6, 2, 1)
        self.last = torch.nn.Conv2d(6, 4, 3)
        self.factor = factor

    def forward(self, x: Any) -> Any:
        x = self.same(self.relu(self.conv(x)))
        self.aside(x)
        return self.factor * self.last(x).mean((2, 3))


def _slowly(patch: pytest.MonkeyPatch) -> None:
    """Have every map made and judged by itself, with all that any method can ask for."""
    patch.setattr(forward_pass, "OF_THE_LAYER", frozenset())
    patch.setattr(forward_pass.MethodRequest, "plain", False)
    patch.setattr(judging, "OF_THE_LAYER", frozenset())
    patch.setattr(xh.explaining.question.Question, "_known", property(lambda _: {}))


TARGETS = {
    "classes": [xh.category(at) for at in range(4)],
    "contrast": [xh.contrast(1, against=2), xh.top(2)],
    "probability": [xh.probability(0), xh.probability(3)],
    "of one value": [xh.function(lambda rows: rows[:, 0] * 0), None],
}


@pytest.mark.parametrize("factor", [1.0, 40.0])
@pytest.mark.parametrize("wanted", TARGETS)
def test_many_maps_are_those_that_each_is_alone(monkeypatch, wanted, factor):
    network = xh.network(Usual(factor).eval(), image_shape=(3, 9, 8))
    picture = DRAW.integers(0, 256, (9, 8, 3), dtype=np.uint8)
    asked = {
        "methods": ["gradcam", "hirescam", "eigencam", "gradcam_pp"],
        "layers": "all", "targets": TARGETS[wanted], "preprocess": "unit",
        "options": {"gradcam": {"relu": False}},
    }  # fmt: skip
    found = xh.compare(network, picture, **asked)
    with monkeypatch.context() as patch:
        _slowly(patch)
        slow = xh.compare(network, picture, **asked)
    assert len(found) == len(slow) == len(TARGETS[wanted]) * 5 * 4
    for one, other in zip(found, slow, strict=True):
        np.testing.assert_array_equal(one.map, other.map)
        assert one.to_dict() == other.to_dict()
    options: Any = found[0].options
    options["relu"] = True
    assert found[4].method == found[0].method == "gradcam"
    assert found[4].options["relu"] is False


def test_many_maps_of_a_batch_are_those_of_each_picture(monkeypatch):
    network = xh.network(Usual().eval(), image_shape=(3, 9, 8))
    x = DRAW.random((3, 3, 9, 8), dtype=np.float32)
    found = xh.maps(network, x, layer="all", target=[0, xh.probability(1), None])
    with monkeypatch.context() as patch:
        _slowly(patch)
        slow = xh.maps(network, x, layer="all", target=[0, xh.probability(1), None])
    assert isinstance(found, dict)
    assert {*found} == {*slow}
    for name, own in found.items():
        np.testing.assert_array_equal(own, slow[name])
