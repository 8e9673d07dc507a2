"""Pictures enter a PyTorch model in the memory layout that suits it; the model stays as it is."""

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch import memory_layout  # noqa: E402

CPU = torch.device("cpu")
X = np.random.default_rng(0).random((2, 3, 16, 16), dtype=np.float32)
"""Two pictures, channels first in memory."""

HWC = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
"""The same as loops over files make them: channels last in memory."""

CAME: list[bool] = []
"""Whether the pictures of each run so far lay with their channels last."""

METHODS = ("gradcam", "layercam", "eigencam", "libragrad", "ablationcam", "reciprocam")
OF_SCORES = METHODS[-2:]


class Net(nn.Module):
    """Dense, grouped and strided convolutions, which says in what layout its pictures came."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.deep = nn.Conv2d(8, 8, 3, groups=8, padding=1)
        self.last = nn.Conv2d(8, 6, 1)
        self.fc = nn.Linear(6, 4)
        with torch.no_grad():  # large enough for what one channel adds to be no rounding
            for weight in self.parameters():
                weight *= 3

    def forward(self, x):
        CAME.append(memory_layout.channels_last(x))
        return self.head(self.last(self.deep(self.stem(x).relu()).relu()))

    def head(self, a):
        return self.fc(a.relu().mean((2, 3)))


class Views(Net):
    """Refuses channels last: what follows the last layer is a view of one stretch of memory."""

    def head(self, a):
        return a.relu().view(len(a), -1)[:, :4]


class Reads(Net):
    """Reads memory as it lies, so that its answer is another where the channels lie last."""

    def head(self, a):
        return self.fc(a.relu().as_strided((len(a), 6, 49), (294, 49, 1)).mean(2) * 2)


class Sets(Net):
    """Lays its pictures itself."""

    def forward(self, x):
        return super().forward(x.contiguous(memory_format=torch.channels_last))


@pytest.fixture
def clock(monkeypatch):
    """Seconds of the runs that are timed: channels first, which warms up, last, and first again;
    the smallest model counts.
    """
    told = [3.0, 1.0, 2.0]
    monkeypatch.setattr(memory_layout, "LARGE", 1)
    monkeypatch.setattr(memory_layout, "timed", lambda run: (told.pop(0), run()))
    return told


def mapped(network: Any, x: np.ndarray, **asked: Any) -> np.ndarray:
    found = xh.maps(network, x, **asked)
    assert isinstance(found, np.ndarray)
    return found


def opened(model):
    network = xh.network(model.eval(), image_shape=(3, 16, 16))
    network.survey((3, 16, 16))
    CAME.clear()
    return network


def usual(model, x=X, **asked):
    """Maps of pictures that lie with their channels first, of a model that nothing is known of."""
    return mapped(xh.network(model.eval(), image_shape=(3, 16, 16)), x, **asked)


def state(model):
    weights = model.state_dict().items()
    known = {name: (own.stride(), own.numpy().tobytes()) for name, own in weights}
    return known, [own.requires_grad for own in model.parameters()], model.training


def test_channels_last_where_faster_and_the_model_as_it_was(clock, monkeypatch):
    model = Net()
    before = state(model)
    network = opened(model)
    found = mapped(network, X, layer="last")
    monkeypatch.setattr(memory_layout, "LARGE", 1e9)
    assert CAME == [True]
    assert "took 0.50 of the usual time" in network.notes[0]
    CAME.clear()
    model(torch.from_numpy(X))
    assert CAME == [False]
    model.train()
    assert state(model) == before
    assert np.abs(found - usual(Net(), layer="last")).max() <= 1e-5 * np.abs(found).max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", ["stem", "last"])
def test_maps_are_the_same_in_both_layouts(clock, monkeypatch, method, layer):
    network = opened(Net())
    found = mapped(network, X, method=method, layer=layer)
    monkeypatch.setattr(memory_layout, "LARGE", 1e9)
    CAME.clear()
    plain = Net().eval()
    first = usual(plain, method=method, layer=layer)
    assert not any(CAME)
    size = np.abs(first).max()
    if method in OF_SCORES:  # differences of scores are as round as the scores
        size = max(size, plain(torch.from_numpy(X)).abs().max().item())
    assert np.abs(found - first).max() <= 1e-5 * size
    assert np.ptp(first) > 0


def test_strides_are_the_users_where_that_is_no_faster(clock):
    clock[:] = [1.0] * 3
    model = Net()
    network = opened(model)
    mapped(network, X)
    mapped(network, HWC)
    assert CAME == [False, True]
    assert network.notes == ()


@pytest.mark.parametrize("x", [X, HWC], ids=["first", "last"])
def test_no_copy_of_what_lies_so_already(x):
    layout = memory_layout.LAST if x is HWC else memory_layout.FIRST
    assert memory_layout.laid(x, layout, CPU).data_ptr() == x.ctypes.data
    other = memory_layout.FIRST if x is HWC else memory_layout.LAST
    assert memory_layout.channels_last(memory_layout.laid(x, other, CPU)) is (x is X)


def test_strange_strides_and_memory_that_may_not_be_written(clock):
    model = Net()
    network = opened(model)
    turned = np.flip(X, axis=3)
    still = HWC.copy(order="K")
    still.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(mapped(network, turned)).all()
        mapped(network, still)
    assert all(CAME)
    assert np.array_equal(still, X)


@pytest.mark.parametrize("x", [X, HWC], ids=["first", "last"])
@pytest.mark.parametrize(
    ("kind", "says"), [(Views, "the model fails on the other"), (Reads, "gives other scores")]
)
def test_a_model_that_takes_channels_first_alone_gets_them_so(clock, monkeypatch, kind, says, x):
    model = kind()
    network = opened(model)
    found = mapped(network, x)
    assert CAME == [False]
    monkeypatch.setattr(memory_layout, "LARGE", 1e9)
    assert [says in note for note in network.notes] == [True]
    assert np.array_equal(found, usual(kind(), X))


def test_a_model_that_lays_its_pictures_itself(clock):
    clock[:] = [1.0] * 3
    network = opened(Sets())
    assert np.abs(mapped(network, X) - mapped(network, HWC)).max() < 1e-6
    assert network.notes == ()


@pytest.mark.parametrize(
    ("seconds", "runs", "wins"),
    [
        ([3.0, 1.0, 2.0], [False, True, False], True),
        ([3.0, 2.0, 1.0, 1.5], [False, True, False, True], False),
        ([3.0, 2.0, 2.0, 1.0], [False, True, False, True], True),
        ([1.0, 2.0, 1.5], [False, True, True], False),
        ([2.0, 3.0, 1.0, 2.0], [False, True, True, False], True),
        ([2.0, 3.0, 1.5, 1.0], [False, True, True, False], False),
    ],
)
def test_a_first_run_that_is_no_slower_than_the_others_second_decides(clock, seconds, runs, wins):
    """Two runs of one picture more than a survey makes anyway, three where the first ones leave
    it open; once a model.
    """
    clock[:] = seconds
    model = Net().eval()
    CAME.clear()
    network = xh.network(model)
    network.survey((3, 16, 16))
    ended_early, glanced, watched, *tried = CAME
    assert [glanced, *tried] == runs
    assert not ended_early
    assert not watched
    assert bool(network.notes) == wins
    CAME.clear()
    xh.network(model).survey((3, 32, 32))
    assert CAME == [False, False]  # for the axes, and watched
    assert clock == []


def many(number):
    return np.concatenate([X] * (number // 2))


def test_a_loop_over_large_batches_is_tried_for_itself(clock):
    clock[:] = [1.0, 1.0, 1.0, 1.0, 2.0]
    network, batch = opened(Net()), many(memory_layout.MANY)
    usual_maps = mapped(network, batch, layer="last")
    assert CAME == [False]
    tried = mapped(network, batch, layer="last")
    assert CAME == [False, True, False, True]
    assert "a batch of 8 took 0.50 of the usual time" in network.notes[0]
    assert np.abs(tried - usual_maps).max() <= 1e-5 * np.abs(usual_maps).max()
    CAME.clear()
    for pictures in (batch, many(32), many(6)):
        mapped(network, pictures, layer="last")
    assert CAME == [True, True, False]
    assert clock == []


def test_batches_that_a_method_of_masks_sends_are_tried_too(clock, monkeypatch):
    clock[:] = [1.0, 1.0, 1.0, 1.0, 2.0]
    network, asked = opened(Net()), {"method": "rise", "options": {"samples": 64}}
    found = mapped(network, X[:1], layer="input", **asked)
    assert clock == []
    assert "a batch of 8 took 0.50" in network.notes[0]
    assert CAME[-1]
    monkeypatch.setattr(memory_layout, "LARGE", 1e9)
    slow = usual(Net(), X[:1], layer="input", **asked)
    assert not CAME[-1]
    assert np.abs(found - slow).max() <= 1e-5 * np.abs(slow).max()


def test_large_batches_stay_where_the_other_layout_is_no_faster(clock):
    clock[:] = [1.0] * 5
    network, batch = opened(Net()), many(memory_layout.MANY)
    for _ in range(3):
        mapped(network, batch)
    assert CAME == [False, True, False, False, False]
    assert network.notes == ()


def test_large_batches_of_a_model_that_takes_one_layout_alone_are_not_tried(clock):
    network, batch = opened(Views()), many(memory_layout.MANY)
    for _ in range(3):
        mapped(network, batch)
    assert CAME == [False] * 3


def test_learnt_again_where_parts_were_replaced(clock):
    model = Net()
    network = opened(model)
    assert network.notes
    model.add_module("deep", nn.Identity())
    clock[:] = [1.0] * 3
    mapped(network, X)
    assert not CAME[-1]
    assert network.notes == ()


def test_other_axes_are_left_alone(clock, monkeypatch):
    class Last(Net):
        def forward(self, x):
            return super().forward(x.movedim(-1, 1))

    model = Last().eval()
    network = xh.network(model, axes="hwc", image_shape=(16, 16, 3))
    found = mapped(network, np.ascontiguousarray(X.transpose(0, 2, 3, 1)), layer="last")
    assert clock == [1.0, 2.0]  # nothing but the glance was timed
    monkeypatch.setattr(memory_layout, "LARGE", 1e9)
    assert np.abs(found - usual(Net(), layer="last")).max() <= 1e-5 * np.abs(found).max()
    assert network.notes == ()


@pytest.mark.parametrize(
    ("resolution", "clock"), [(1e-9, "process_time"), (0.0156, "perf_counter")]
)
def test_the_processors_own_clock_where_it_is_fine(monkeypatch, resolution, clock):
    asked = []
    for name in ("process_time", "perf_counter"):
        monkeypatch.setattr(memory_layout.time, name, lambda name=name: asked.append(name) or 1.0)
    info = type("Info", (), {"resolution": resolution})
    monkeypatch.setattr(memory_layout.time, "get_clock_info", lambda name: info)
    assert memory_layout.timed(lambda: torch.ones(1))[0] == 0
    assert asked == [clock, clock]
