"""Operators on codes without their rounding: each beside PyTorch's own, which rounds."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.ao import quantization
from torch.ao.nn import quantized
from torch.ao.quantization import quantize_fx

import xai_heatmap as xh
from xai_heatmap.core.errors import NoRule
from xai_heatmap.networks.torch import unrounded as module
from xai_heatmap.networks.torch.unrounded import NotWrittenOut, Unrounded

SCALE, ZERO = 0.04, 100
TO = 0.02, 120
OPS = torch.ops.quantized


@pytest.fixture(autouse=True)
def quiet() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def codes(*shape: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.quantize_per_tensor(drawn, SCALE, ZERO, torch.quint8)


@cache
def packed(kind: type, *args: int, **kwargs: int) -> nn.Module:
    torch.manual_seed(3)
    made = kind(*args, **kwargs)
    weight = made.weight().dequantize()
    drawn = torch.quantize_per_tensor(0.3 * torch.randn_like(weight), 0.005, 0, torch.qint8)
    made.set_weight_bias(drawn, torch.randn(args[1]))
    made.scale, made.zero_point = 0.06, 110
    return made


def _layer(kind: type, *shape: int, relu: bool = False, **kwargs: int) -> Callable:
    def run(given: Callable) -> torch.Tensor:
        made = packed(kind, 4, 6, **kwargs)
        return made(given(2, *shape))

    return run


CASES: dict[str, Callable[[Callable], torch.Tensor]] = {
    "conv1d": _layer(quantized.Conv1d, 4, 9, kernel_size=3, stride=2, padding=1),
    "conv2d": _layer(quantized.Conv2d, 4, 9, 8, kernel_size=3, stride=2, dilation=2),
    "conv2d of groups": _layer(quantized.Conv2d, 4, 9, 8, kernel_size=3, groups=2),
    "conv3d": _layer(quantized.Conv3d, 4, 5, 5, 5, kernel_size=3, padding=1),
    "transposed": _layer(
        quantized.ConvTranspose2d, 4, 5, 6, kernel_size=3, stride=2, output_padding=1
    ),
    "linear": _layer(quantized.Linear, 3, 4),
    "add": lambda given: OPS.add(given(2, 4), given(2, 4, seed=1), *TO),
    "add_relu": lambda given: OPS.add_relu(given(2, 4), given(2, 4, seed=1), *TO),
    "add of a number": lambda given: OPS.add(given(2, 4), 0.4),
    "mul": lambda given: OPS.mul(given(2, 4), given(2, 4, seed=1), *TO),
    "mul_relu": lambda given: OPS.mul_relu(given(2, 4), given(2, 4, seed=1), *TO),
    "mul_scalar": lambda given: OPS.mul_scalar(given(2, 4), 0.5),
    "matmul": lambda given: OPS.matmul(given(2, 3, 4), given(2, 4, 3, seed=1), *TO),
    "cat": lambda given: OPS.cat([given(2, 4), given(2, 3, seed=1)], 1, *TO),
    "cat_relu": lambda given: OPS.cat_relu([given(2, 4), given(2, 3, seed=1)], 1, *TO),
    "hardswish": lambda given: OPS.hardswish(given(2, 9), *TO),
    "leaky_relu": lambda given: OPS.leaky_relu(given(2, 9), 0.2, False, *TO),
    "prelu": lambda given: OPS.prelu(given(2, 3, 4), codes(3, seed=4), *TO),
    "celu": lambda given: OPS.celu(given(2, 9), *TO, 0.7),
    "elu": lambda given: OPS.elu(given(2, 9), *TO, 0.7),
    "sigmoid": lambda given: OPS.sigmoid(given(2, 9), 1 / 256, 0),
    "softmax": lambda given: OPS.softmax(given(2, 9), 1, 1 / 256, 0),
    "relu6": lambda given: OPS.relu6(given(2, 9)),
    "relu": lambda given: torch.relu(given(2, 9)),
    "clamp": lambda given: OPS.clamp(given(2, 9), -0.5, 0.5),
    "threshold": lambda given: OPS.threshold(given(2, 9), 0.2, 0.0),
    "mean": lambda given: given(2, 4, 5, 5).mean((2, 3)),
    "max_pool2d": lambda given: nn.functional.max_pool2d(given(2, 4, 6, 6), 2),
    "requantised": lambda given: torch.quantize_per_tensor(
        given(2, 9).dequantize(), *TO, torch.quint8
    ),
    "batch_norm": lambda given: OPS.batch_norm2d(
        given(2, 3, 4, 4), *(torch.tensor([0.4, 0.5, 0.7]) for _ in range(4)), 1e-5, *TO
    ),
    "layer_norm": lambda given: OPS.layer_norm(
        given(2, 8), [8], torch.full((8,), 0.3), torch.zeros(8), 1e-5, *TO
    ),
    "group_norm": lambda given: OPS.group_norm(
        given(2, 4, 5), 2, torch.full((4,), 0.3), torch.zeros(4), 1e-5, *TO
    ),
    "instance_norm": lambda given: OPS.instance_norm(
        given(2, 3, 4, 4), torch.full((3,), 0.3), torch.zeros(3), 1e-5, *TO
    ),
}


def both(case: str, factor: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """What PyTorch answers for codes, and what comes out without rounding for their numbers."""
    given: dict[object, torch.Tensor] = {}

    def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
        given[shape, seed] = codes(*shape, seed=seed)
        return given[shape, seed]

    rounded = CASES[case](drawn)
    numbers = {key: own.dequantize() * factor for key, own in given.items()}
    with Unrounded():
        return rounded, CASES[case](lambda *shape, seed=0: numbers[shape, seed])


@pytest.mark.parametrize("case", CASES)
def test_an_operator_is_its_own_but_for_rounding(case: str) -> None:
    rounded, free = both(case)
    step, zero = rounded.q_scale(), rounded.q_zero_point()
    least, most = step * (0 - zero), step * (255 - zero)
    assert not free.is_quantized
    assert float(((free > least) & (free < most)).float().mean()) > 0.5
    right = rounded.dequantize().numpy()
    assert free.clamp(least, most).numpy() == pytest.approx(right, abs=0.75 * step)


def test_a_transposed_convolution_of_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """By QNNPACK's kernel: FBGEMM's answers other values than the weights give."""
    monkeypatch.setattr(torch.backends.quantized, "engine", "qnnpack")
    made, x = packed(quantized.ConvTranspose1d, 4, 6, kernel_size=3, stride=2), codes(2, 4, 5)
    right = made(x).dequantize().numpy()
    with Unrounded():
        assert made(x.dequantize()).numpy() == pytest.approx(right, abs=0.75 * made.scale)


@pytest.mark.parametrize("case", ["conv2d", "linear", "add", "mean", "softmax", "layer_norm"])
def test_small_changes_are_not_lost(case: str) -> None:
    assert not torch.equal(both(case)[1], both(case, factor=1.001)[1])


def test_an_operator_without_a_rule_is_said_so() -> None:
    value = torch.zeros(2, 4)
    with Unrounded(), pytest.raises(NotWrittenOut, match="cell_params"):
        OPS.make_quantized_cell_params(None, None, value, value)


class Residual(nn.Module):
    """Two branches that are added and joined, read by their mean over the grid."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.stem, self.conv = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1)
        self.act, self.fc = nn.ReLU(), nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.stem(x))
        y = self.act(self.conv(x) + x)
        return self.fc(torch.cat([x, y], 1).mean((2, 3)))


X = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
X[..., 4:8, 4:8] += 2


def traced(net: nn.Module, backend: str = "x86") -> nn.Module:
    mapping = quantization.get_default_qconfig_mapping(backend)
    prepared = quantize_fx.prepare_fx(net.eval(), mapping, X)
    prepared(X)
    return quantize_fx.convert_fx(prepared)


@pytest.mark.parametrize("method", ["reciprocam", "ablationcam", "scorecam"])
@pytest.mark.parametrize("backend", ["x86", "qnnpack", "onednn"])
def test_heads_of_traced_operators_are_those_of_the_float_twin(backend: str, method: str) -> None:
    got = xh.maps(traced(Residual(), backend), X.numpy(), method=method, layer="stem", target=1)
    right = xh.maps(Residual().eval(), X.numpy(), method=method, layer="act#1", target=1)
    assert np.corrcoef(got.ravel(), right.ravel())[0, 1] > 0.9


def test_a_dynamic_layer_takes_its_scale_from_no_other_row() -> None:
    """Of dynamic layers all rows of a batch share a scale; without rounding there is none."""
    twin = Residual().eval()
    part = quantization.quantize_dynamic(Residual().eval(), {nn.Linear})
    got = xh.maps(part, X.numpy(), method="reciprocam", layer="act#1", target=1)
    right = xh.maps(twin, X.numpy(), method="reciprocam", layer="act#1", target=1)
    assert np.corrcoef(got.ravel(), right.ravel())[0, 1] > 0.99


def test_what_has_no_rule_is_run_as_the_network_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RULES", {})
    network = xh.network(traced(Residual()), image_shape=(3, 16, 16))
    recorded = network.record(X[:1].numpy(), ["conv"])
    part = recorded.activations["conv"] * 0.5
    assert recorded.replay("conv", part, row=0).scores == pytest.approx(rounded(part), abs=1e-6)
    with pytest.raises(NoRule, match="quantised"):
        xh.maps(network, X.numpy(), method="liftcam", layer="conv", target=1)


def rounded(part: np.ndarray) -> np.ndarray:
    """The int8 network's own scores, where its second convolution answers `part`."""
    int8 = traced(Residual())

    def instead(_: nn.Module, __: object, own: torch.Tensor) -> torch.Tensor:
        scale, zero = own.q_scale(), own.q_zero_point()
        return torch.quantize_per_tensor(torch.from_numpy(part), scale, zero, torch.quint8)

    int8.get_submodule("conv").register_forward_hook(instead)
    return int8(X[:1]).numpy()
