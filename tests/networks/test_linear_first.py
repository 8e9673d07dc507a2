"""A linear layer that is the first to mix anything in a signal: features, or the steps of time?"""

import io
import warnings

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from test_input_axes import FEATURES_LAST
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray

STEPS, FEATURES = 24, 6


class Forecast(nn.Module):
    """DLinear: the steps less their moving mean, and that mean, by a linear layer over time."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.season, self.trend = nn.Linear(STEPS, 4), nn.Linear(STEPS, 4)
        self.fc = nn.Linear(4 * FEATURES, 3)

    def forward(self, x):
        x = x if self.first else x.permute(0, 2, 1)
        trend = nn.functional.avg_pool1d(x, 5, 1, 2)
        return self.fc((self.season(x - trend) + self.trend(trend)).flatten(1))


class Alone(nn.Module):
    """A linear layer over time for every feature by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.ModuleList([nn.Linear(STEPS, 4) for _ in range(FEATURES)])
        self.fc = nn.Linear(4 * FEATURES, 3)

    def forward(self, x):
        return self.fc(torch.cat([own(x[:, :, i]) for i, own in enumerate(self.each)], 1))


class Mixer(nn.Module):
    """TSMixer: time is mixed, then features."""

    def __init__(self, steps: int = STEPS, features: int = FEATURES) -> None:
        super().__init__()
        self.time, self.features = nn.Linear(steps, steps), nn.Linear(features, features)
        self.fc = nn.Linear(features, 3)

    def forward(self, x):
        x = x + self.time(x.transpose(1, 2)).relu().transpose(1, 2)
        return self.fc((x + self.features(x).relu()).mean(1))


class Inverted(nn.Module):
    """iTransformer: every feature's whole course is a token."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(STEPS, 8)
        self.body = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.body(self.embed(x.transpose(1, 2))).mean(1))


DOUBTFUL = {
    "DLinear": (lambda: Forecast(first=False), (STEPS, FEATURES)),
    "DLinear, time last": (lambda: Forecast(first=True), (FEATURES, STEPS)),
    "DLinear, one for each": (Alone, (STEPS, FEATURES)),
    "TSMixer": (Mixer, (STEPS, FEATURES)),
    "TSMixer of few steps": (lambda: Mixer(FEATURES, STEPS), (FEATURES, STEPS)),
    "iTransformer": (Inverted, (STEPS, FEATURES)),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_may_be_time_is_refused_with_the_word_to_say(name: str) -> None:
    made, shape = DOUBTFUL[name]
    torch.manual_seed(0)
    model, x = made().eval(), np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    for method in ("saliency", "occlusion", "hirescam"):
        with pytest.raises(BadArray, match=r"axes='tc'.*axes='ct'"):
            xh.maps(xh.network(model), x, method=method, target=0)
    time = shape.index(max(shape)) if "few" not in name else 0
    word = "tc" if time == 0 else "ct"
    network = xh.network(model, axes=word)
    found = xh.maps(network, x, method="saliency", target=0)
    leaf = torch.from_numpy(x).requires_grad_()
    (slope,) = torch.autograd.grad(model(leaf)[:, 0].sum(), leaf)
    right = slope.abs().amax(2 - time).numpy()
    assert found == pytest.approx(right, abs=1e-5)
    assert xh.explain(network, x[0], method="occlusion", target=0).heat().shape == (shape[time],)


class Steps(nn.Module):
    """Features at every step by a linear layer, and then what reads the steps."""

    def __init__(self, body: nn.Module | None = None, *, positions: bool = False) -> None:
        super().__init__()
        self.embed, self.body, self.fc = nn.Linear(20, 8), body, nn.Linear(8, 3)
        self.places = nn.Parameter(torch.randn(1, 12, 8)) if positions else None

    def forward(self, x):
        x = self.embed(x)
        x = x if self.places is None else x + self.places
        x = x if self.body is None else self.body(x)
        return self.fc((x[0] if isinstance(x, tuple) else x).mean(1))


class Turned(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(8, 8, 3, padding=1)

    def forward(self, x):
        return self.conv(x.transpose(1, 2)).relu().transpose(1, 2)


READ = {
    "recurrent": lambda: Steps(nn.GRU(8, 8, batch_first=True)),
    "convolution": lambda: Steps(Turned()),
    "positions": lambda: Steps(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), positions=True
    ),
}


@pytest.mark.parametrize("name", READ)
def test_more_features_than_steps_are_found_by_what_reads_the_steps(name: str) -> None:
    torch.manual_seed(0)
    network = xh.network(READ[name]().eval())
    assert network.axes_of((12, 20)).word == "tc"
    x = np.random.default_rng(0).normal(size=(2, 12, 20)).astype(np.float32)
    assert xh.maps(network, x, method="saliency", target=0).shape == (2, 12)


def test_nothing_reads_the_steps() -> None:
    """A mean alone may be one of features as well."""
    with pytest.raises(BadArray, match="axes="):
        xh.network(Steps().eval()).axes_of((12, 20))
    assert xh.network(Steps().eval()).axes_of((40, 20)).word == "tc"


def exported(model: nn.Module, shape: tuple[int, ...]):
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    file, x = io.BytesIO(), torch.zeros(2, *shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}}
        torch.onnx.export(model.eval(), (x,), file, dynamo=False, **named)
    return onnx.load_from_string(file.getvalue())


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_graph_that_may_mix_time_is_refused(name: str) -> None:
    made, shape = DOUBTFUL[name]
    model = exported(made(), shape)
    with pytest.raises(BadArray, match=r"axes='tc'.*axes='ct'"):
        xh.network(model)
    time = shape.index(max(shape)) if "few" not in name else 0
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    network = xh.network(model, axes="tc" if time == 0 else "ct")
    assert xh.maps(network, x, method="saliency", target=0).shape == (2, shape[time])


@pytest.mark.parametrize("name", [*READ, *FEATURES_LAST])
def test_a_graph_whose_features_are_last_is_found(name: str) -> None:
    made, shape = (READ[name], (12, 20)) if name in READ else (FEATURES_LAST[name], (12, 3))
    torch.manual_seed(0)
    model = made().eval()
    network = xh.network(exported(model, shape))
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    assert network.axes_of(shape).word == "tc"
    found = xh.maps(network, x, method="saliency", target=0)
    assert found == pytest.approx(xh.maps(model, x, method="saliency", target=0), abs=1e-5)


def test_any_number_of_rows_are_steps() -> None:
    """A graph that is open along an axis can't read it as features."""
    model = exported(Steps(), (12, 20))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "steps"
    assert xh.network(model, image_shape=(20, 12)).axes_of((12, 20)).word == "tc"


class Loop(nn.Module):
    """A cell of a recurrent layer, called step by step."""

    def __init__(self, cell) -> None:
        super().__init__()
        self.cell, self.fc = cell, nn.Linear(6, 2)

    def forward(self, x):
        state = None
        for step in range(x.shape[1]):
            state = self.cell(x[:, step], state)
        return self.fc(state[0] if isinstance(state, tuple) else state)


class Product(nn.Module):
    """A product with weights that mixes an axis of (n, t, c), and a mean over the other one."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word, self.fc = word, nn.Linear(5, 2)
        sides = {"w @ x": (5, 12), "btc,td->bcd": (12, 5), "btc,cd->btd": (3, 5), "mean": (3, 5)}
        self.weights = nn.Parameter(torch.randn(sides[word]))

    def forward(self, x):
        if self.word == "w @ x":
            return self.fc((self.weights @ x).mean(2))
        if self.word == "mean":
            return self.fc(x.mean(1) @ self.weights)
        return self.fc(torch.einsum(self.word, x, self.weights).mean(1))


@pytest.mark.parametrize("cell", [nn.GRUCell, nn.LSTMCell, nn.RNNCell])
def test_cells_in_a_loop_read_features(cell) -> None:
    for steps, features in ((12, 3), (3, 8)):
        network = xh.network(Loop(cell(features, 6)).eval())
        assert network.axes_of((steps, features)).word == "tc"


@pytest.mark.parametrize("word", ["w @ x", "btc,td->bcd"])
def test_products_over_time_are_refused(word: str) -> None:
    with pytest.raises(BadArray, match="axes="):
        xh.network(Product(word).eval()).axes_of((12, 3))


@pytest.mark.parametrize("word", ["mean", "btc,cd->btd"])
def test_products_of_features_are_found(word: str) -> None:
    assert xh.network(Product(word).eval()).axes_of((12, 3)).word == "tc"
