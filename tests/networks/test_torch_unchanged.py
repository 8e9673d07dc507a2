"""A PyTorch model stays its user's: other threads, buffers, random states, compiled modules."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xai_heatmap.testing import conformance
from xai_heatmap.testing.conformance import unchanged as conformance_unchanged

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadOption, NotAModel  # noqa: E402
from xai_heatmap.networks.opening.model_cache import cache_of  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import Plain  # noqa: E402


class Looking(Plain):
    """Looks around between its layers, and ends in a softmax that no module owns."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self.look = [look]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.conv(x)
        self.look[0]()
        return functional.softmax(self.fc(self.relu(features).mean((2, 3))), -1)


class Writing(nn.Module):
    """A convolution, what writes, a linear layer."""

    def __init__(self, write: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 5, 3), nn.Linear(5, conformance.CLASSES)
        self.register_buffer("mean", torch.zeros(5))
        self.register_buffer("var", torch.ones(5))
        self.register_buffer("large", torch.zeros(1 << 17))
        self.calls, self.seen, self.loose = 0, None, torch.zeros(3)
        self.table = nn.Embedding(4, 5, max_norm=0.1)
        self.draws = torch.Generator().manual_seed(1)
        self.chance = np.random.default_rng(2)
        self.write = write

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.write(self, self.conv(x)).relu().mean((2, 3)))


def statistics(model: Any, a: torch.Tensor) -> torch.Tensor:
    return functional.batch_norm(a, model.mean, model.var, training=True)


def own_statistics(model: Any, a: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        model.mean.mul_(0.9).add_(0.1 * a.mean((0, 2, 3)))
    return a + 0 * model.mean.sum()


def replaced(model: Any, a: torch.Tensor) -> torch.Tensor:
    model.var = model.var * 0.5
    return a


def counted(model: Any, a: torch.Tensor) -> torch.Tensor:
    model.calls += 1
    model.seen = a
    model.latest = a.shape
    return a


def behind_the_versions(model: Any, a: torch.Tensor) -> torch.Tensor:
    model.mean.data += 1
    model.loose.data[0] += 1
    return a


def into_a_large_one(model: Any, a: torch.Tensor) -> torch.Tensor:
    model.large[7] += 1
    return a


def into_a_weight(model: Any, a: torch.Tensor) -> torch.Tensor:
    return a + 0 * model.table(torch.tensor([1])).sum()


def drawing(model: Any, a: torch.Tensor) -> torch.Tensor:
    own = torch.rand((), generator=model.draws)
    return a + 0 * own + 0 * model.chance.random()


WRITES = (
    *(statistics, own_statistics, replaced, counted, behind_the_versions, into_a_large_one),
    *(into_a_weight, drawing),
)


class TorchUnchanged:
    def looking(self, look: Callable[[], None]) -> nn.Module:
        return Looking(look).eval()

    def answer(self, model: nn.Module, x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    def writing(self) -> dict[str, nn.Module]:
        return {write.__name__: Writing(write).eval() for write in WRITES}

    def state(self, model: nn.Module) -> object:
        tensors = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
        attributes = {name: id(value) for name, value in vars(model).items()}
        buffers = {name: id(value) for name, value in model.named_buffers()}
        drawn = model.draws.get_state().tolist(), str(model.chance.bit_generator.state)
        return tensors, attributes, buffers, model.loose.tolist(), drawn


@pytest.mark.slow
@pytest.mark.parametrize("check", conformance_unchanged.CHECKS, ids=lambda check: check.__name__)
def test_conforms(check):
    check(TorchUnchanged())


def test_what_is_first_written_later_is_put_back_and_the_map_is_right():
    class Late(Writing):
        def forward(self, x):
            a = self.conv(x)
            if len(x) == 1:  # never so when it is first looked at
                self.mean += 1
            return self.fc((a * (1 + self.mean[None, :, None, None])).mean((2, 3)))

    model = Late(statistics).eval()
    before = TorchUnchanged().state(model)
    found = xh.maps(conformance.network(model), conformance.images(1), layer="conv", target=0)
    assert TorchUnchanged().state(model) == before
    doubled = nn.Sequential(model.conv, nn.AdaptiveAvgPool2d(1), nn.Flatten(), model.fc)
    wanted = xh.maps(conformance.network(doubled), conformance.images(1), layer="0", target=0)
    np.testing.assert_allclose(found, 2 * wanted, atol=1e-6)


def test_a_model_whose_first_call_completes_it_is_completed():
    class Grows(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 5, 3), nn.LazyLinear(conformance.CLASSES)

        def forward(self, x):
            return self.fc(self.conv(x).mean((2, 3)))

    model = Grows().eval()
    with pytest.warns(UserWarning, match=r"LazyLinear.weight of this Grows has no weights yet"):
        network = conformance.network(model)
    xh.maps(network, conformance.images(1), layer="conv", target=0)
    assert type(model.fc) is nn.Linear
    assert model.fc.in_features == 5


@pytest.mark.slow
def test_models_that_share_a_part_are_explained_by_several_threads():
    body = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU())
    heads = [nn.Linear(5, conformance.CLASSES) for _ in range(3)]
    models = [nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), own) for own in heads]
    x = conformance.images(1)
    methods = ("gradcam", "ablationcam")

    def every(model: nn.Module) -> list[np.ndarray]:
        opened = conformance.network(model)
        return [xh.maps(opened, x, layer="0.1", target=1, method=name) for name in methods]

    right, wrong = [every(model) for model in models], []

    def work(number: int) -> None:
        for _ in range(10):
            try:
                own = every(models[number])
                wrong.extend(
                    number for a, b in zip(own, right[number], strict=True) if (a != b).any()
                )
            except BaseException as problem:  # noqa: BLE001 - in a thread, none is lost
                wrong.append(problem)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert not any("forward" in vars(module) for model in models for module in model.modules())


@pytest.mark.parametrize("again", [copy.deepcopy, pickle.dumps])
def test_a_network_is_neither_pickled_nor_copied_but_its_model_is(again):
    for network in (
        conformance.network(Plain()),
        conformance.network(Plain(), answers="labels"),
        xh.network(lambda x: x.mean((2, 3)), image_shape=conformance.SHAPE),
    ):
        with pytest.raises(NotAModel, match=r"xai_heatmap\.network\(model\)"):
            again(network)
    again(Plain())
    assert copy.copy(conformance.network(Plain())).layers


@pytest.mark.slow
def test_a_private_copy_is_explained_while_another_thread_trains():
    torch.manual_seed(0)
    model = Plain().train()
    network = conformance.network(model, exclusive=False)
    x = conformance.images(2)
    right = xh.maps(network, x, layer="conv", method="ablationcam", target=1)
    step, stop, wrong, steps = torch.optim.SGD(model.parameters(), 0.1), threading.Event(), [], [0]

    def train():
        while not stop.is_set():
            try:
                step.zero_grad()
                model(torch.from_numpy(x)).square().mean().backward()
                wrong.extend(name for name, w in model.named_parameters() if w.grad is None)
                wrong.extend(name for name, m in model.named_modules() if not m.training)
                step.step()
                steps[0] += 1
            except RuntimeError as problem:
                wrong.append(problem)

    training = threading.Thread(target=train)
    training.start()
    try:
        for _ in range(50):
            found = xh.maps(network, x, layer="conv", method="ablationcam", target=1)
            np.testing.assert_allclose(found, right, atol=1e-6)
    finally:
        stop.set()
        training.join()
    assert not wrong
    assert steps[0] > 0
    newer = conformance.network(model, exclusive=False)
    assert np.abs(newer.record(x).scores - network.record(x).scores).max() > 1e-4


def test_a_model_that_cannot_be_copied_says_what_to_do():
    model = Plain()
    model.loose = model.fc.weight * 2  # of a graph, which PyTorch does not copy
    with pytest.raises(BadOption, match="load_state_dict"):
        xh.network(model, exclusive=False)
    with pytest.raises(NotAModel, match="exclusive"):
        xh.network(conformance.network(Plain()), exclusive=False)


@pytest.mark.slow
def test_what_is_remembered_is_bounded_and_freed():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network, state = xh.network(model, image_shape=(3, 8, 8)), cache_of(model)
    for side in range(8, 248):
        x = np.zeros((1, 3, 8, side), np.float32)
        xh.maps(network, x, layer="1", method=("gradcam", "ablationcam")[side % 2], target=0)
        tables = (state.surveys, state.proven, state.meanings, state.heads, network._views)
        assert max(map(len, (state.surveys, network._views))) <= 16
        assert max(map(len, tables)) <= 1024
    assert network.image_shape == (3, 8, 8)
    kept = weakref.ref(state.surveys[next(iter(state.surveys))][0])
    del network, state, model, tables
    gc.collect()
    assert kept() is None


class Hooked(nn.Module):
    """A model that hooks its own parts in its first call, marks that, and uses what they say."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3)
        self.said, self.hooked = [], False

    def forward(self, x):
        if not self.hooked:
            self.one.register_forward_hook(lambda *of: self.said.append(of[2]))
            self.hooked = True
        self.said.clear()
        self.one(x)
        return self.last(sum(self.said).relu().mean((2, 3)))


@pytest.mark.parametrize("called_before", [False, True])
def test_hooks_that_a_model_adds_are_no_more_than_it_meant(called_before):
    model, x = Hooked().eval(), torch.randn(2, 3, 8, 8)
    if called_before:
        model(x)
    network = xh.network(model, image_shape=(3, 8, 8))
    found = [network.record(x.numpy()).scores for _ in range(3)]
    maps = xh.maps(network, x.numpy(), method="scorecam", layer="one", target=0)
    assert len(model.one._forward_hooks) == int(called_before)
    with torch.no_grad():
        wanted = model(x).numpy()
    for scores in found:
        np.testing.assert_allclose(scores, wanted, atol=1e-6)
    assert np.isfinite(maps).all()


@pytest.mark.parametrize("what", ["trains", "learns"])
def test_a_model_that_is_trained_in_the_middle_of_a_pass_is_refused(what):
    """As another thread does, here at a moment that is known."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    network, x = xh.network(model), np.ones((1, 3, 8, 8), np.float32)
    right = xh.maps(network, x, method="gradcam", target=0)

    def meanwhile(module, given, answer):
        if what == "trains":
            model.training = True
        else:
            model[0].weight.requires_grad_(True)

    hook = model[1].register_forward_hook(meanwhile)
    with pytest.raises(xh.XaiHeatmapError, match="exclusive=False"):
        xh.maps(network, x, method="gradcam", target=0)
    hook.remove()
    model.eval()
    assert xh.maps(network, x, method="gradcam", target=0) == pytest.approx(right)
