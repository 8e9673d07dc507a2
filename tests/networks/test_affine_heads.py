"""Behind a layer that only what is affine follows, methods of the head need no run of the head."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.affine import Affine, fits  # noqa: E402
from xai_heatmap.core.moves import Moves  # noqa: E402
from xai_heatmap.networks.opening import head_check  # noqa: E402
from xai_heatmap.testing.kits.onnx_kit import OnnxKit  # noqa: E402

X = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
RUNS: list[int] = []
"""Pictures or activations of each run so far."""

ASKED = (
    *(("ablationcam", {}), ("ablationcam", {"fill": 1.0, "relu": False})),
    *(("reciprocam", {}), ("reciprocam", {"gaussian": False})),
    *(("integrated", {"steps": 4}), ("integrated", {"steps": 2, "baseline": "mean"})),
    *(("shapleycam", {}), ("shapleycam", {"relu": False})),
    *(("liftcam", {}), ("liftcam", {"relu": False})),
)


class Net(nn.Module):
    """Average and a linear layer behind the layer `act`, with a bend where one is asked for."""

    def __init__(self, bend: Any = None):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.act, self.fc = nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Linear(5, 4)
        self.bend = bend

    def forward(self, x):
        RUNS.append(len(x))
        a = self.act(self.conv(x))
        return self.fc((a if self.bend is None else self.bend(a)).mean((2, 3)))


def opened(model):
    return xh.network(model.eval(), image_shape=(3, 8, 8))


def mapped(network, method, options, target=2, x=X) -> np.ndarray:
    found = xh.maps(network, x, method=method, options=options, target=target, layer="act")
    assert isinstance(found, np.ndarray)
    return found


def by_runs(monkeypatch, network, *asked, **more) -> np.ndarray:
    """The same by runs of the head."""
    with monkeypatch.context() as patch:
        patch.setattr(head_check, "_affine", lambda head: None)
        return mapped(network, *asked, **more)


@pytest.mark.parametrize(("method", "options"), ASKED)
def test_the_map_is_that_of_runs(monkeypatch, method, options):
    network = opened(Net())
    mapped(network, method, options)
    RUNS.clear()
    found = mapped(network, method, options)
    assert RUNS == [2]  # the pictures, once
    slow = by_runs(monkeypatch, opened(Net()), method, options)
    assert np.abs(found - slow).max() <= 1e-5 * np.abs(slow).max()
    assert np.ptp(slow) > 0


@pytest.mark.parametrize(
    "target", [1, xh.contrast(3, against=0), xh.negative(2), xh.top(2), xh.margin()]
)
def test_targets_that_are_linear(monkeypatch, target):
    found = mapped(opened(Net()), "reciprocam", {}, target)
    slow = by_runs(monkeypatch, opened(Net()), "reciprocam", {}, target)
    assert np.abs(found - slow).max() <= 1e-5 * np.abs(slow).max() + 2e-7  # a score's rounding


@pytest.mark.parametrize("target", [xh.probability(1), xh.residual_softmax()])
def test_targets_that_bend_are_run(target):
    network = opened(Net())
    mapped(network, "reciprocam", {}, target)
    RUNS.clear()
    mapped(network, "reciprocam", {}, target)
    assert len(RUNS) > 1


BENDS = {
    "relu": functional.relu,
    "clipped far away": lambda a: a.clamp(-2, 2),
    "absolute": torch.abs,
    "nearly straight": lambda a: torch.tanh(a / 20),
    "largest": lambda a: functional.max_pool2d(a, 2),
    "normalised": lambda a: functional.layer_norm(a, a.shape[1:]),
    "squared a little": lambda a: a + 1e-3 * a**2,
}


@pytest.mark.parametrize("bend", BENDS.values(), ids=list(BENDS))
def test_what_bends_is_run(monkeypatch, bend):
    network = opened(Net(bend))
    mapped(network, "reciprocam", {})
    RUNS.clear()
    found = mapped(network, "reciprocam", {})
    assert len(RUNS) > 1
    assert np.array_equal(found, by_runs(monkeypatch, opened(Net(bend)), "reciprocam", {}))


def test_weights_that_changed_since_are_noticed(monkeypatch):
    model = Net()
    network = opened(model)
    mapped(network, "ablationcam", {})
    with torch.no_grad():
        model.fc.weight.copy_(torch.linspace(-1, 1, 20).view(4, 5))
    found = mapped(network, "ablationcam", {})
    other = Net()
    other.load_state_dict(model.state_dict())
    slow = by_runs(monkeypatch, opened(other), "ablationcam", {})
    assert np.abs(found - slow).max() <= 1e-5 * np.abs(slow).max()


def test_a_bend_that_came_since_is_noticed(monkeypatch):
    model = Net()
    network = opened(model)
    mapped(network, "ablationcam", {})
    model.bend = lambda a: torch.relu(a - 0.3)
    RUNS.clear()
    found = mapped(network, "ablationcam", {})
    assert len(RUNS) > 1
    slow = by_runs(monkeypatch, opened(Net(model.bend)), "ablationcam", {})
    assert np.abs(found - slow).max() <= 1e-5 * np.abs(slow).max()


@pytest.mark.parametrize(("method", "options"), ASKED[::2])
def test_in_onnx(monkeypatch, method, options):
    def found() -> np.ndarray:
        network = xh.network(OnnxKit().plain().model)
        maps = xh.maps(network, X, method=method, options=options, layer="relu", target=1)
        assert isinstance(maps, np.ndarray)
        return maps

    own = found()
    with monkeypatch.context() as patch:
        patch.setattr(head_check, "_affine", lambda head: None)
        slow = found()
    assert np.abs(own - slow).max() <= 1e-5 * np.abs(slow).max()


@pytest.mark.parametrize("method", ["ablationcam", "reciprocam", "integrated", "shapleycam"])
def test_the_verdict_is_that_of_runs(monkeypatch, method):
    picture = (255 * np.random.default_rng(3).random((8, 8, 3))).astype(np.uint8)

    def verdict() -> str:
        asked = {"preprocess": "unit", "layer": "act", "method": method}
        return str(xh.explain(opened(Net()), picture, **asked).verdict)

    own = verdict()
    monkeypatch.setattr(head_check, "_affine", lambda head: None)
    assert own == verdict()


def test_closed_form_beside_sums_that_are_written_out():
    dice = np.random.default_rng(2)
    slopes, activation, other = dice.normal(size=(3, 2, 2, 3)).astype(np.float32)
    known = Affine(slopes, activation, 1.5, Moves())
    rises = [
        sum(float(slopes[k, i, j] * other[k, i, j]) for i in range(2) for j in range(3))
        for k in range(2)
    ]
    assert np.allclose(known.rises(other), rises, atol=1e-6)
    at = 1.5 + sum(
        float(slopes[k, i, j] * (other - activation)[k, i, j])
        for k, i, j in np.ndindex(slopes.shape)
    )
    assert known.at(other) == pytest.approx(at, abs=1e-6)
    assert known.between(activation, other) == pytest.approx([1.5, at], abs=1e-6)
    assert (known.moves.least, known.moves.most) == pytest.approx(sorted([1.5, at]), abs=1e-6)
    rise = float((slopes * other).sum())
    assert fits(slopes, other, rise)
    assert not fits(slopes, other, rise + 0.01)
