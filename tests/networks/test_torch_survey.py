"""The survey of a PyTorch model: what it runs, what it holds meanwhile, and what it puts back."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch import survey  # noqa: E402
from xai_heatmap.networks.torch.state import JOINED, Untouched  # noqa: E402

X = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)

ALIVE: list[int] = []
"""Outputs of a model that were still there at the end of each pass that autograd followed."""


class Deep(nn.Module):
    """Convolutions, one behind the other, which count in `ALIVE`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(6))
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        a, seen = self.stem(x), []
        for block in self.blocks:
            a = block(a).relu()
            seen.append(weakref.ref(a))
        if a.requires_grad:
            ALIVE.append(sum(own() is not None for own in seen))
        return self.fc(a.mean((2, 3)))


def passes(model: nn.Module, shape: tuple[int, ...] = (3, 8, 8)) -> list[int]:
    """Pictures in each pass of a survey, of a model that is surveyed for the first time."""
    seen = list[int]()
    with torch.no_grad():
        handle = model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    xh.network(model.eval()).survey(shape)
    handle.remove()
    return seen


def test_three_passes_for_a_small_model():
    """For the axes, one picture for its scores, and the two that are watched."""
    assert passes(Deep()) == [2, 1, 2]


def test_outputs_are_not_held_all_at_once(monkeypatch):
    monkeypatch.setattr(survey, "SMALL", 0)
    ALIVE.clear()
    network = xh.network(Deep().eval())
    network.survey((3, 8, 8))
    assert ALIVE == [1]
    assert list(network.layers)[-2:] == ["blocks.5", "fc"]


@pytest.mark.parametrize("collecting", [True, False])
def test_nobody_looks_for_garbage_while_a_model_is_surveyed(collecting):
    looked = list[bool]()
    model = Deep().eval()
    model.register_forward_pre_hook(lambda *_: looked.append(gc.isenabled()))
    try:
        if not collecting:
            gc.disable()
        network = xh.network(model)
        network.axes_of((3, 8, 8))
        looked.clear()
        network.survey((3, 8, 8))
        assert looked == [False, False]
        network.record(X)
        assert looked[2:] == [collecting]
        assert gc.isenabled() == collecting
    finally:
        gc.enable()


class Told(nn.Conv2d):
    """Says where in memory its output lies."""

    def forward(self, x):
        made = super().forward(x)
        MADE.append(made.data_ptr())
        return made


class Passing(nn.Module):
    """A convolution within two others, and activations that write into what they are given."""

    def __init__(self, *, inplace: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        act = nn.ReLU(inplace=inplace)
        self.block = nn.Sequential(nn.Sequential(Told(3, 4, 3)), nn.Identity(), act)
        self.last = nn.Sequential(nn.Flatten(), nn.Linear(144, 3), nn.Sigmoid())

    def forward(self, x):
        seen = self.block(x)
        MADE.append(seen.data_ptr())
        return self.last(seen)


MADE: list[int] = []


def test_outputs_are_passed_on_without_a_copy():
    model = Passing().eval()
    network = xh.network(model)
    network.axes_of((3, 8, 8))
    MADE.clear()
    network.survey((3, 8, 8))
    assert len(MADE) == 4  # its scores, and what is watched
    assert MADE[2] == MADE[3]


def test_what_writes_into_its_input_is_followed_like_what_does_not():
    models = (Passing(inplace=own).eval() for own in (True, False))
    found = [xh.network(model, image_shape=(3, 8, 8)) for model in models]
    one, other = (network.survey((3, 8, 8)) for network in found)
    assert found[0].layers == found[1].layers
    assert one == other
    assert found[0].closing == found[1].closing == "sigmoid"
    maps = [xh.maps(network, X, layer="block.0.0", target=1) for network in found]
    np.testing.assert_array_equal(maps[0], maps[1])


class Energy(Deep):
    """Goes back to its own features in its forward pass, as networks of forces do."""

    def __init__(self, *, caught: bool = False, transformed: bool = False) -> None:
        super().__init__()
        self.caught, self.transformed = caught, transformed

    def slopes(self, a):
        if self.transformed:
            return torch.func.grad(lambda own: own.square().sum())(a)
        with torch.enable_grad():
            own = a if a.requires_grad else a.requires_grad_()
            return torch.autograd.grad(own.square().sum(), own, create_graph=True)[0]

    def forward(self, x):
        a = self.stem(x).relu()
        try:
            slopes = self.slopes(a)
        except RuntimeError:
            if not self.caught:
                raise
            slopes = torch.zeros_like(a)
        return self.fc((a + self.blocks[0](slopes)).mean((2, 3)))


@pytest.mark.parametrize("caught", [False, True])
def test_a_model_that_goes_back_in_its_own_pass_is_followed(caught):
    model = Energy(caught=caught).eval()
    network = xh.network(model, image_shape=(3, 8, 8))
    assert list(network.layers) == ["input", "stem", "blocks.0", "fc"]
    assert network.survey((3, 8, 8)).auto == "blocks.0"
    own = model.stem(torch.from_numpy(X)).relu().detach()
    slopes = model.blocks[0](2 * own).detach().requires_grad_()
    model.fc((own + slopes).mean((2, 3)))[:, 1].sum().backward()
    right = (slopes.grad.mean((2, 3), keepdim=True) * slopes).sum(1).relu().detach()
    found = xh.maps(network, X, layer="blocks.0", target=1)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, right, atol=1e-6)


@pytest.mark.slow
def test_a_model_that_transforms_functions_is_followed():
    """PyTorch refuses to do so in a pass that keeps nothing."""
    network = xh.network(Energy(transformed=True).eval(), image_shape=(3, 8, 8))
    assert list(network.layers) == ["input", "stem", "blocks.0", "fc"]


class Squeezed(nn.Module):
    """Ends in a large sigmoid, squeezed: a view of what the last part answers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.act = nn.Conv2d(3, 1, 3, padding=1), nn.Sigmoid()

    def forward(self, x):
        return self.act(self.conv(x)).squeeze(1)


def test_the_last_part_is_known_by_a_view_of_what_it_answered(monkeypatch):
    monkeypatch.setattr(survey, "SMALL", 0)
    network = xh.network(Squeezed().eval(), image_shape=(3, 8, 8))
    assert network.closing == "sigmoid"


NUMBERS = {
    "float32": torch.randn(5),
    "large": torch.randn(JOINED // 4 + 3),
    "turned": torch.randn(90, 100).T,
    "float16": torch.randn(3).half(),
    "float64": torch.randn(3).double(),
    "complex": torch.randn(3, dtype=torch.complex128),
    "bool": torch.tensor([True, False, True]),
    "uint8": torch.arange(7, dtype=torch.uint8),
    "large bytes": (torch.arange(JOINED + 5) % 251).to(torch.uint8),
    "nan": torch.tensor([1.0, float("nan")]),
    "one": torch.tensor(2.0),
    "none": torch.zeros(0),
}


def written(own: Any) -> None:
    """Write other numbers so that no version counts it."""
    own.data.copy_(~own.data if own.dtype == torch.bool else own.data + 1)


@pytest.mark.parametrize("which", [None, *NUMBERS])
def test_numbers_of_any_kind_are_put_back_bit_for_bit(which):
    module: Any = nn.Module()
    for name, own in NUMBERS.items():
        module.register_buffer(name.replace(" ", "_"), own.clone())
    buffers = dict(module.named_buffers())
    before = {name: own.clone() for name, own in buffers.items()}
    untouched = Untouched()
    with untouched.during([module]):
        if which is not None:
            written(buffers[which.replace(" ", "_")])
    for name, own in buffers.items():
        assert own.numpy().tobytes() == before[name].numpy().tobytes(), name
    assert len(untouched._writes) == (which not in (None, "none"))
