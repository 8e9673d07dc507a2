"""Parts that networks for signals and volumes are made of, at every layer."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import xai_heatmap as xh

GRIDS = {1: (32,), 3: (8, 8, 12)}


class Hourglass(nn.Module):
    """Down by strides and averages, up by transposed convolution, copying and interpolation."""

    def __init__(self, axes: int) -> None:
        super().__init__()
        convolution = {1: nn.Conv1d, 3: nn.Conv3d}[axes]
        self.stem = convolution(2, 6, 3, stride=2, padding=1)
        self.norm = {1: nn.BatchNorm1d, 3: nn.BatchNorm3d}[axes](6)
        self.bend = nn.GELU()
        self.pool = {1: nn.AvgPool1d, 3: nn.AvgPool3d}[axes](2)
        self.up = {1: nn.ConvTranspose1d, 3: nn.ConvTranspose3d}[axes](6, 4, 2, stride=2)
        self.copied = nn.Upsample(scale_factor=2, mode="nearest")
        self.drawn = nn.Upsample(scale_factor=0.5, mode={1: "linear", 3: "trilinear"}[axes])
        self.last = convolution(4, 5, 3, padding=1)
        self.most = {1: nn.AdaptiveMaxPool1d, 3: nn.AdaptiveMaxPool3d}[axes](2)
        self.fc = nn.Linear(5 * 2**axes, 4)

    def forward(self, x):
        x = self.pool(self.bend(self.norm(self.stem(x))))
        x = self.last(self.drawn(self.copied(self.up(x))))
        return self.fc(self.most(torch.tanh(x)).flatten(1))


class Recurrent(nn.Module):
    """Convolutions, then a recurrent layer along time, then a linear layer for every place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 6, 3, stride=2, padding=1)
        self.lstm = nn.LSTM(6, 16, batch_first=True)
        self.drop = nn.Dropout(0.5)
        self.each = nn.Linear(16, 5)
        self.fc = nn.Linear(5, 4)

    def forward(self, x):
        x, _ = self.lstm(self.conv(x).transpose(1, 2))
        return self.fc(torch.tanh(self.each(self.drop(x))).mean(1))


def drawn(model, seed=0):
    model.eval()
    random = torch.Generator().manual_seed(seed)
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=random) * 0.5
    return model


def inputs(axes, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(1, 2, *GRIDS[axes])).astype(np.float32)


def by_autograd(model, x, target, *, features_last=()):
    """Σ_k G_k ⊙ A_k at every part, written out with hooks."""
    seen = {}

    def keep(name):
        def hook(_, __, answer):
            answer = answer[0] if isinstance(answer, tuple) else answer
            answer.retain_grad()
            seen[name] = answer

        return hook

    hooks = [part.register_forward_hook(keep(name)) for name, part in model.named_children()]
    model(torch.tensor(x).requires_grad_())[0, target].backward()
    for hook in hooks:
        hook.remove()
    return {
        name: (a.grad * a)[0].sum(-1 if name in features_last else 0).detach().numpy()
        for name, a in seen.items()
    }


@pytest.mark.parametrize("axes", [1, 3])
def test_every_part_of_an_hourglass_has_the_map_that_autograd_gives(axes):
    model, x = drawn(Hourglass(axes)), inputs(axes)
    wanted = by_autograd(model, x, 1)
    found = xh.maps(model, x, method="hirescam", layer="all", target=1)
    parts = [name for name in wanted if name not in ("most", "fc")]
    assert set(parts) <= set(found)
    for name in parts:
        assert found[name].shape == (1, *wanted[name].shape)
        np.testing.assert_allclose(found[name][0], wanted[name], atol=1e-6, err_msg=name)
        assert found[name].any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("axes", [1, 3])
def test_the_rules_of_onnx_give_what_autograd_gives(axes):
    pytest.importorskip("onnxscript", reason="needs the exporter")
    from xai_heatmap.exporting.from_torch import from_torch

    model, x = drawn(Hourglass(axes)), inputs(axes)
    exported = from_torch(model, x.shape[1:])
    # the exporter folds the normalisation away: what its bias gave is the convolution's then
    signed = {"fullgrad": {"signed": True}}
    for method in ("input_x_gradient", "fullgrad", "scorecam", "gradcam", "occlusion"):
        how = {"method": method, "target": 1, "options": signed.get(method, {})}
        found, wanted = xh.maps(exported, x, **how), xh.maps(model, x, **how)
        assert wanted.any()
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


def test_a_recurrent_layer_of_a_signal_has_features_last():
    model, x = drawn(Recurrent()), inputs(1)
    wanted = by_autograd(model, x, 1, features_last=("lstm", "drop", "each"))
    found = xh.maps(model, x, method="hirescam", layer="all", target=1)
    for name in ("conv", "lstm", "drop", "each"):
        assert found[name].shape == (1, 16)
        np.testing.assert_allclose(found[name][0], wanted[name], atol=1e-6, err_msg=name)
    survey = xh.network(model).survey(x.shape[1:])
    assert survey.layers["lstm"].shape == (16, 16)
    assert survey.layers["each"].shape == (5, 16)
    assert survey.auto == "each"


def test_a_video_network_that_keeps_its_frames_has_grids():
    class Kept(nn.Module):
        """Strides in the picture alone, as slow pathways have them."""

        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(3, 8, (1, 7, 7), stride=(1, 4, 4), padding=(0, 3, 3))
            self.last = nn.Conv3d(8, 6, 3, stride=(1, 4, 4), padding=1)
            self.fc = nn.Linear(6, 4)

        def forward(self, x):
            return self.fc(torch.relu(self.last(torch.relu(self.stem(x)))).mean((2, 3, 4)))

    survey = xh.network(drawn(Kept())).survey((3, 16, 112, 112))
    assert survey.layers["stem"].grid == (16, 28, 28)
    assert survey.layers["last"].grid == (16, 7, 7)
    assert survey.auto == "last"
