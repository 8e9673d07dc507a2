"""Quantised PyTorch networks: layers are what their codes stand for; gradients are refused."""

import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.ao import quantization
from torch.ao.quantization import quantize_fx

import xai_heatmap as xh
from xai_heatmap.core.errors import NoRule
from xai_heatmap.testing.short_options import SHORT

X = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
X[..., 4:8, 4:8] += 2


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.enter, self.leave = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv, self.act, self.fc = nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.leave(self.fc(self.act(self.conv(self.enter(x))).mean((2, 3))))


def twin() -> nn.Module:
    return Net().eval()


def eager() -> nn.Module:
    net = twin()
    net.qconfig = quantization.get_default_qconfig("x86")
    quantization.prepare(net, inplace=True)
    net(X)
    return quantization.convert(net)


def traced() -> nn.Module:
    mapping = quantization.get_default_qconfig_mapping("x86")
    prepared = quantize_fx.prepare_fx(twin(), mapping, X)
    prepared(X)
    return quantize_fx.convert_fx(prepared)


@pytest.fixture(autouse=True)
def quiet() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def layer_of(network: xh.Network) -> str:
    return next(name for name, own in network.layers.items() if own.places == 49)


@pytest.mark.slow
@pytest.mark.parametrize("made", [eager, traced])
def test_codes_are_read_as_what_they_stand_for(made) -> None:
    network = xh.network(made(), image_shape=(3, 16, 16))
    layer = layer_of(network)
    found = network.record(X.numpy(), [layer]).activations[layer]
    with torch.no_grad():
        right = twin().conv(X)
    step = float(right.abs().max()) / 60
    ended = right if layer == "conv" and made is eager else right.relu()
    assert found == pytest.approx(ended.numpy(), abs=2 * step)


@pytest.mark.slow
@pytest.mark.parametrize("made", [eager, traced])
def test_feature_maps_of_codes_are_those_of_the_float_twin(made) -> None:
    network = xh.network(made(), image_shape=(3, 16, 16))
    own = "act" if made is eager else layer_of(network)
    got = xh.maps(network, X.numpy(), method="eigencam", target=1, layer=own)
    right = xh.maps(xh.network(twin()), X.numpy(), method="eigencam", target=1, layer="act")
    assert np.corrcoef(got.ravel(), right.ravel())[0, 1] > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("made", [eager, traced])
@pytest.mark.parametrize("method", ["occlusion", "rise"])
def test_masked_pictures_are_scored_by_the_network_as_it_is(made, method: str) -> None:
    int8 = made()
    how = {"method": method, "target": 1, "options": SHORT[method]}
    got = xh.maps(xh.network(int8), X.numpy(), **how)

    def function(x: np.ndarray) -> np.ndarray:
        return int8(torch.from_numpy(np.ascontiguousarray(x))).numpy()

    assert got == pytest.approx(xh.maps(function, X.numpy(), **how), abs=1e-6)


@pytest.mark.parametrize("made", [eager, traced])
def test_heads_of_codes_do_not_round_and_begin_at_the_recorded_score(made) -> None:
    int8 = made()
    network = xh.network(int8, image_shape=(3, 16, 16))
    layer = "act" if made is eager else layer_of(network)
    recorded = network.record(X[:1].numpy(), [layer])
    own = recorded.activations[layer]
    weight, bias = int8.fc.weight().dequantize(), int8.fc.bias()

    def floating(values: np.ndarray) -> np.ndarray:
        return (torch.from_numpy(values).mean((2, 3)) @ weight.T + bias).detach().numpy()

    def replayed(values: np.ndarray) -> np.ndarray:
        return recorded.replay(layer, values, row=0).scores

    assert replayed(own) == pytest.approx(recorded.scores, abs=1e-6)
    for channel in range(own.shape[1]):
        part = own.copy()
        part[:, channel] = 0
        right = recorded.scores + floating(part) - floating(own)
        assert replayed(part) == pytest.approx(right, abs=1e-5)


@pytest.mark.parametrize("made", [eager, traced])
def test_a_place_of_less_than_half_a_code_has_its_share(made) -> None:
    network = xh.network(made(), image_shape=(3, 16, 16))
    own = "act" if made is eager else layer_of(network)
    got = xh.maps(network, X.numpy(), method="reciprocam", target=1, layer=own)
    right = xh.maps(xh.network(twin()), X.numpy(), method="reciprocam", target=1, layer="act")
    assert np.corrcoef(got.ravel(), right.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("made", [eager, traced])
@pytest.mark.parametrize("method", ["gradcam", "layercam", "saliency", "integrated_gradients"])
def test_gradients_of_codes_are_refused_by_the_name_of_the_layer(made, method: str) -> None:
    network = xh.network(made(), image_shape=(3, 16, 16))
    with pytest.raises(NoRule, match=r"quantised.*ablationcam"):
        xh.maps(network, X.numpy(), method=method, target=1)


def test_gradients_that_would_run_around_a_quantised_part_are_refused() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net.append(nn.Linear(4, 4)).append(nn.Linear(4, 2))
    part = quantization.quantize_dynamic(net.eval(), {"4": quantization.default_dynamic_qconfig})
    with pytest.raises(NoRule, match="'4' is quantised"):
        xh.maps(part, X.numpy(), method="gradcam", layer="1", target=0)
    assert xh.maps(part, X.numpy(), method="eigencam", layer="1", target=0).shape == (2, 14, 14)
