"""Heads in PyTorch start from what the recorded pass left, unless the model wrote into it since."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch.memories import Memories  # noqa: E402

X = np.random.default_rng(0).random((1, 3, 8, 8), dtype=np.float32)
RUNS: list[int] = []
"""Pictures of each run of the trunk so far."""


class Net(nn.Module):
    """A trunk, a skip around the layer `last`, and a head that bends."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.trunk = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.last = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(inplace=True))
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        RUNS.append(len(x))
        before = self.trunk(x)
        return self.fc(self.joined(before, self.last(before)).relu().mean((2, 3)))

    def joined(self, before, a):
        return before - a


class WritesIntoTheTrunk(Net):
    def joined(self, before, a):
        return before.sub_(a)


class WritesIntoTheLayer(Net):
    def joined(self, before, a):
        return a.neg_().add_(before)


class Pair(Net):
    """The layer answers a tuple, in which the second value is what the trunk said."""

    def __init__(self):
        super().__init__()
        inner, own = self.last, nn.Module()
        own.forward = lambda x: (inner(x), x)  # type: ignore[method-assign]
        self.last = own

    def joined(self, before, a):
        return a[1] - a[0]


def mapped(model, method, **asked: Any) -> np.ndarray:
    network = xh.network(model.eval(), image_shape=(3, 8, 8))
    xh.maps(network, X, method=method, layer="last", **asked)  # what is learnt at first
    RUNS.clear()
    found = xh.maps(network, X, method=method, layer="last", **asked)
    assert isinstance(found, np.ndarray)
    return found


def without_memories(monkeypatch, *asked: Any, **more: Any) -> np.ndarray:
    with monkeypatch.context() as patch:
        patch.setattr(Memories, "untouched", lambda self: {})
        return mapped(*asked, **more)


@pytest.mark.parametrize("method", ["ablationcam", "reciprocam", "integrated", "feature_factors"])
@pytest.mark.parametrize("kind", [Net, WritesIntoTheTrunk, WritesIntoTheLayer, Pair])
def test_the_map_is_that_of_a_trunk_that_runs_again(monkeypatch, kind, method):
    found = mapped(kind(), method)
    with_memories = list(RUNS)
    again = without_memories(monkeypatch, kind(), method)
    np.testing.assert_array_equal(found, again)
    assert np.ptp(found) > 0
    spared = 0 if kind is WritesIntoTheTrunk else 1  # its remembered value is another one by then
    assert len(RUNS) - len(with_memories) == spared


def test_several_layers_of_one_recording():
    network = xh.network(Net().eval(), image_shape=(3, 8, 8))
    asked: dict[str, Any] = {"method": "reciprocam"}
    together = xh.maps(network, X, layer=["trunk", "last"], **asked)
    for name in ("trunk", "last"):
        np.testing.assert_array_equal(together[name], xh.maps(network, X, layer=name, **asked))


def test_a_batch_runs_its_trunks_again_for_each_picture():
    network = xh.network(Net().eval(), image_shape=(3, 8, 8))
    x = np.concatenate([X, X[..., ::-1]])
    both = np.asarray(xh.maps(network, x, method="reciprocam", layer="last"))
    for row in range(2):
        alone = np.asarray(xh.maps(network, x[row : row + 1], method="reciprocam", layer="last"))
        assert np.abs(both[row] - alone[0]).max() <= 1e-5 * np.abs(alone).max()


def test_methods_without_a_head_keep_nothing(monkeypatch):
    kept = []
    monkeypatch.setattr(Memories, "_reached", lambda self, memory: kept.append(memory))
    mapped(Net(), "gradcam")
    assert kept == []
