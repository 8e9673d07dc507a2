"""Layers that a network runs on every frame, and layers on a grid of their own."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import NoGrid
from xai_heatmap.core.folded import FoldedLayout, folded
from xai_heatmap.core.layers.layout import Layout

FRAMES, SIDE = 4, 16


class Frames(nn.Module):
    """A CNN on every frame; `order` says how frames are folded into the images."""

    def __init__(self, order="images first", mix=False):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 4, 4, 2, 1), nn.ReLU(), nn.AvgPool2d(2))
        self.last, self.order = nn.Linear(4, 3), order
        self.mix = nn.Conv2d(4, 4, 1) if mix else None
        with torch.no_grad():
            for weight in self.parameters():
                weight.abs_()

    def forward(self, video):
        n, frames = video.shape[:2]
        if self.order == "images first":
            rows = self.body(video.flatten(0, 1))
            if self.mix is not None:
                own = rows.unflatten(0, (n, frames))
                rows = self.mix((own + own.mean(1, keepdim=True)).flatten(0, 1))
            return self.last(rows.mean((2, 3)).view(n, frames, -1).mean(1))
        rows = self.body(video.transpose(0, 1).flatten(0, 1))
        return self.last(rows.mean((2, 3)).view(frames, n, -1).mean(0))


def video(n=1):
    x = np.random.default_rng(0).random((n, FRAMES, 3, SIDE, SIDE)).astype(np.float32) * 0.01
    x[0, 2, :, 8:12, 4:8] = 1
    return x


@pytest.mark.parametrize("method", ["gradcam", "layercam", "hirescam", "ablationcam", "integrated"])
def test_frames_among_the_images_are_frames(method):
    network = xh.network(Frames().eval())
    found = xh.maps(network, video(2), method=method, layer="body.2", target=0)
    assert found.shape == (2, FRAMES, 4, 4)
    assert np.unravel_index(found[0].argmax(), found[0].shape) == (2, 2, 1)
    alone = xh.maps(network, video(2)[:1], method=method, layer="body.2", target=0)
    np.testing.assert_allclose(alone, found[:1], atol=1e-5)


def test_maps_of_frames_are_those_of_the_network_on_volumes():
    class AsVolumes(nn.Module):
        def __init__(self, frames):
            super().__init__()
            self.body = nn.Conv3d(3, 4, (1, 4, 4), (1, 2, 2), (0, 1, 1))
            self.last = frames.last
            self.body.weight.data = frames.body[0].weight.data[:, :, None]
            self.body.bias.data = frames.body[0].bias.data

        def forward(self, x):
            own = self.body(x.transpose(1, 2)).relu()
            return self.last(own.mean((3, 4)).mean(2))

    model = Frames().eval()
    wanted = xh.maps(AsVolumes(model).eval(), video(), method="hirescam", layer="body", target=1)
    found = xh.maps(model, video(), method="hirescam", layer="body.0", target=1)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_auto_is_a_layer_of_frames():
    found = xh.explain(Frames().eval(), video()[0], target=0)
    assert found.layer.name in ("body", "body.2")
    assert found.heat().shape == (FRAMES, SIDE, SIDE)
    assert found.overlay().ndim == 3


def test_layers_that_mix_frames_later_keep_theirs():
    network = xh.network(Frames(mix=True).eval(), image_shape=(FRAMES, 3, SIDE, SIDE))
    assert network.layers["mix"].grid == (FRAMES, 4, 4)
    assert isinstance(network.layers["mix"].layout, FoldedLayout)


def test_frames_in_another_order_are_not_believed():
    network = xh.network(Frames("frames first").eval(), image_shape=(FRAMES, 3, SIDE, SIDE))
    assert network.layers["body.2"].layout is None
    with pytest.raises(NoGrid, match="batch"):
        xh.maps(network, video(), target=0)


def test_a_folded_layout_is_a_bijection():
    own = folded(Layout("tokens", (2, 3), 1), 4)
    native = np.random.default_rng(0).normal(size=(8, 7, 5)).astype(np.float32)
    grid = own.to_grid(native)
    assert grid.shape == (2, 5, 4, 2, 3)
    np.testing.assert_array_equal(grid[1, :, 2], own.frame.to_grid(native)[6])
    back = own.to_native(grid[:1], like=native[:4])
    np.testing.assert_array_equal(back, native[:4])


class Tone(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.last = nn.Linear(4, 2)
        self.register_buffer("window", torch.hann_window(64))

    def forward(self, wave):
        power = torch.stft(wave, 64, 32, window=self.window, return_complex=True).abs()[:, None]
        return self.last(self.body(power).mean((2, 3)))


@pytest.mark.parametrize("method", ["layercam", "gradcam", "ablationcam"])
def test_a_spectrogram_inside_has_a_grid_of_its_own(method):
    wave = np.zeros(2048, np.float32)
    wave[1200:1400] = np.sin(np.arange(200) * 0.9)
    network = xh.network(Tone().eval())
    assert network.axes_of((2048,)).word == "t"
    found = xh.explain(network, wave, method=method, layer="body.2", target=0)
    assert found.map.shape == found.heat().shape == (16, 32)
    assert 17 <= int(np.abs(found.map).sum(axis=0).argmax()) <= 23
    assert found.overlay().ndim == 3


def test_pixels_of_a_waveform_stay_on_the_waveform():
    wave = np.random.default_rng(0).normal(size=2048).astype(np.float32)
    found = xh.explain(Tone().eval(), wave, method="saliency", target=0)
    assert found.heat().shape == (2048,)


class Divided(nn.Module):
    """Attention over the patches of a frame, then over the frames of a patch, as in TimeSformer:
    as many patches as frames.
    """

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 8, 8, 8)
        self.first, self.split = nn.LayerNorm(8), nn.Identity()
        self.pairs, self.space = nn.Identity(), nn.Linear(8, 8)
        self.time, self.later, self.last = nn.LayerNorm(8), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, video):
        n, frames = video.shape[:2]
        z = self.first(self.patches(video.flatten(0, 1)).flatten(2).transpose(1, 2))
        heads = self.split(z.unflatten(2, (2, -1)).transpose(1, 2))
        own = self.pairs((heads @ heads.transpose(2, 3)).softmax(-1)) @ heads
        z = z + self.space(own.transpose(1, 2).flatten(2))
        z = self.time(z.unflatten(0, (n, frames)).transpose(1, 2).flatten(0, 1))
        z = z + (z @ z.transpose(1, 2)).softmax(-1) @ z
        z = self.later(z).unflatten(0, (n, -1)).transpose(1, 2)
        return self.last(z.mean((1, 2)))


def test_rows_that_are_places_are_no_frames_though_there_are_as_many():
    layers = xh.network(Divided().eval(), image_shape=(4, 3, SIDE, SIDE)).layers
    assert layers["first"].grid == layers["space"].grid == (4, 2, 2)
    assert layers["time"].layout is layers["later"].layout is None


def test_features_and_attention_by_heads_in_frames_lie_nowhere():
    layers = xh.network(Divided().eval(), image_shape=(8, 3, 24, 24)).layers
    assert layers["first"].grid == layers["space"].grid == (8, 3, 3)
    assert layers["split"].layout is None
    assert "head by head" in layers["split"].without
    assert layers["pairs"].layout is None
    assert "pair of tokens" in layers["pairs"].without
