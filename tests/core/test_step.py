"""A target at one step of a sequence, and one value a place without an axis of classes."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import NoScores, UnknownTarget
from xai_heatmap.core.targets.wording import parsed


class Reader(nn.Module):
    """(n, steps, classes): step t reads column t of the picture."""

    def __init__(self, body=None):
        super().__init__()
        torch.manual_seed(0)
        self.body = body or nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU())
        self.last = nn.Linear(8, 5)

    def forward(self, x):
        return self.last(self.body(x).mean(2).transpose(1, 2))


class AtStep(nn.Module):
    def __init__(self, model, step):
        super().__init__()
        self.model, self.step = model, step

    def forward(self, x):
        return self.model(x)[:, self.step]


PICTURE = np.random.default_rng(0).random((2, 3, 64, 64)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["hirescam", "gradcam", "ablationcam"])
@pytest.mark.parametrize("at", [2, -1])
def test_a_step_is_the_wrapped_network(method, at):
    model = Reader().eval()
    right = xh.maps(
        AtStep(model, at).eval(), PICTURE, target=3, method=method, layer="model.body.1"
    )
    assert right.any()
    for target in (xh.step(3, at), xh.function(lambda scores: scores[:, at, 3])):
        got = xh.maps(model, PICTURE, target=target, method=method, layer="body.1")
        np.testing.assert_allclose(got, right, atol=2e-3 * abs(right).max())
    got = xh.maps(model, PICTURE, target=xh.step(xh.contrast(3, against=1), at), layer="body.1")
    wanted = xh.maps(
        AtStep(model, at).eval(), PICTURE, target=xh.contrast(3, against=1), layer="model.body.1"
    )
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_the_prediction_at_a_step_is_that_step_alone():
    model = Reader().eval()
    network = xh.network(model)
    answer = network.record(PICTURE).form
    assert answer.steps
    assert answer.grid == (16,)
    taken = parsed("@step4", ())[0]
    got = xh.maps(network, PICTURE[:1], target=taken, layer="body.1", method="hirescam")
    right = xh.maps(AtStep(model, 4).eval(), PICTURE[:1], method="hirescam", layer="model.body.1")
    np.testing.assert_allclose(got, right, atol=1e-6)
    asked = parsed("3@step4", ())[0]
    got = xh.maps(network, PICTURE[:1], target=asked, layer="body.1", method="hirescam")
    right = xh.maps(network, PICTURE[:1], target=xh.step(3, 4), layer="body.1", method="hirescam")
    np.testing.assert_array_equal(got, right)


def test_steps_of_a_signal_too():
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.last = nn.Conv1d(2, 6, 3, padding=1), nn.Linear(6, 4)

        def forward(self, x):
            return self.last(self.conv(x).relu().transpose(1, 2))

    x = np.random.default_rng(0).normal(size=(1, 2, 24)).astype(np.float32)
    model = Steps().eval()
    got = xh.maps(model, x, target=xh.step(3, 10), method="hirescam", layer="conv")[0]
    right = xh.maps(AtStep(model, 10).eval(), x, target=3, method="hirescam", layer="model.conv")[0]
    np.testing.assert_allclose(got, right, atol=1e-6)
    assert set(np.flatnonzero(got)) == {10}
    asked = xh.function(lambda scores: scores[:, 10, 3], gradient=_one_at(10, 3))
    got = xh.maps(model, x, target=asked, method="hirescam", layer="conv")[0]
    np.testing.assert_allclose(got, right, atol=1e-6)


def _one_at(step, which):
    def gradient(scores):
        slopes = np.zeros_like(scores)
        slopes[:, step, which] = 1
        return slopes

    return gradient


def test_a_function_of_arrays_answers_steps_too():
    def reads(x):
        return np.stack([x.mean(axis=(1, 2)), x.max(axis=(1, 2))], 2)  # step t is column t

    got = xh.maps(reads, PICTURE[:1], target=xh.step(0, 3), method="occlusion")[0]
    assert got.shape == (64, 64)
    assert got[:, 3].max() > 0


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (None, r"16x5.*step\(CLASS, STEP\).*answers=\"boxes\""),
        (3, r"step\(CLASS, STEP\)"),
        (xh.step(3, 16), "0 to 15; received step 16"),
    ],
)
def test_what_is_missing_is_said(target, words):
    with pytest.raises((NoScores, UnknownTarget), match=words):
        xh.maps(Reader().eval(), PICTURE, target=target, layer="body.1")


def test_a_step_of_other_networks_is_refused():
    plain = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with pytest.raises(UnknownTarget, match="one score a class"):
        xh.maps(plain, PICTURE, target=xh.step(1, 0))
    with pytest.raises(UnknownTarget, match="whole number"):
        xh.step(1, True)
    with pytest.raises(UnknownTarget, match="itself"):
        xh.step(xh.region(1, "all"), 0)


class Depth(nn.Module):
    def __init__(self, *, axis, size=None):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.last = nn.Sequential(nn.Conv2d(3, 4, 4, 4), nn.ReLU()), nn.Conv2d(4, 1, 1)
        nn.init.constant_(self.last.weight, 1)
        self.axis, self.size = axis, size

    def forward(self, x):
        found = self.last(self.body(x))
        if self.size != "grid":
            found = nn.functional.interpolate(found, size=x.shape[2:], mode="nearest")
        return found if self.axis else found[:, 0]


@pytest.mark.slow
@pytest.mark.parametrize("size", ["picture", "grid"])
@pytest.mark.parametrize("method", ["layercam", "occlusion", "saliency"])
def test_a_value_a_place_needs_no_axis_of_classes(size, method):
    ask = {"target": xh.region(0, (8, 16, 24, 32)), "method": method}
    networks = [
        xh.network(Depth(axis=axis, size=size).eval(), image_shape=(3, 64, 64), answers="values")
        for axis in (True, False)
    ]
    right, got = (xh.maps(network, PICTURE[:1], **ask)[0] for network in networks)
    assert right.any()
    np.testing.assert_allclose(got, right, atol=1e-6)
    assert networks[1].record(PICTURE).form.grid == ((64, 64) if size == "picture" else (16, 16))


@pytest.mark.parametrize("at", [torch.tensor(2), np.array(2), np.int64(2), torch.tensor([2])])
def test_a_step_is_a_whole_number_of_any_library(at):
    assert xh.step(1, at).label == xh.step(1, 2).label


@pytest.mark.parametrize("at", [torch.tensor(2.5), True, np.array([1, 2])])
def test_what_is_no_whole_number_is_no_step(at):
    with pytest.raises(UnknownTarget, match="whole number"):
        xh.step(1, at)
