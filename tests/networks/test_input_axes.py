"""The axes of a network's input: said, or found by what first consumes it, on every backend."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.axes import axes_of
from xai_heatmap.core.errors import BadArray, BadOption

# word, the shape of one input in these axes
INPUTS = {
    "tchw": (6, 3, 16, 16),
    "thwc": (6, 16, 16, 3),
    "cthw": (3, 6, 16, 16),
    "hwc": (16, 16, 3),
    "chw": (3, 16, 16),
    "tc": (24, 3),
    "ct": (3, 24),
    "t": (48,),
}


class Turning(nn.Module):
    """A convolution that takes its input in the axes that the word says, and reads place p."""

    def __init__(self, word):
        super().__init__()
        torch.manual_seed(0)
        rank = len(word.replace("c", ""))
        channels = 3 if "c" in word else 1
        self.word = word
        self.body = getattr(nn, f"Conv{rank}d")(channels, 4, 2, 2)
        self.last = nn.Linear(4, 2)

    def forward(self, x):
        x = x.movedim(1 + self.word.index("c"), 1) if "c" in self.word else x.unsqueeze(1)
        return self.last(self.body(x).relu().flatten(2).mean(2))


def lit(word, seed=0):
    """An input with one lit place, and the place."""
    shape = INPUTS[word]
    random = np.random.default_rng(seed)
    x = random.normal(size=shape).astype(np.float32) * 0.01
    grid = [n for letter, n in zip(word, shape, strict=True) if letter != "c"]
    place = tuple(int(random.integers(n // 2)) * 2 for n in grid)
    where = [slice(p, p + 2) for p in place]
    if "c" in word:
        where.insert(word.index("c"), slice(None))
    x[tuple(where)] = 3
    return x, grid, place


def on_its_place(map_, place, grid):
    found = np.unravel_index(int(np.abs(map_).argmax()), map_.shape)
    scale = [g / m for g, m in zip(grid, map_.shape, strict=True)]
    return all(abs(f * s - p) < 2 for f, s, p in zip(found, scale, place, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["hirescam", "input_x_gradient", "occlusion"])
@pytest.mark.parametrize("word", INPUTS)
@pytest.mark.parametrize("said", [True, False])
def test_heat_lies_on_the_inputs_own_axes(word, method, said):
    x, grid, place = lit(word)
    network = xh.network(Turning(word).eval(), axes=word if said else None)
    found = xh.maps(network, x[None], method=method, target=0)[0]
    assert found.shape == (tuple(grid) if method != "hirescam" else tuple(n // 2 for n in grid))
    assert on_its_place(found, place, grid)
    if word not in ("hwc", "chw"):
        explained = xh.explain(network, x, method=method, target=0)
        assert explained.heat().shape == tuple(grid)
        assert explained.overlay().ndim == 3


@pytest.mark.slow
@pytest.mark.parametrize("word", INPUTS)
def test_a_function_takes_its_own_axes(word):
    model = Turning(word).eval()

    def function(x):
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()

    x, grid, place = lit(word)
    network = xh.network(function, axes=word)
    found = xh.maps(network, x[None], method="occlusion", target=0)[0]
    right = xh.maps(model, x[None], method="occlusion", target=0)[0]
    np.testing.assert_allclose(found, right, atol=1e-5)
    assert found.shape == tuple(grid)
    assert on_its_place(found, place, grid)


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.read = kind
        self.last = nn.Linear(8, 2)

    def forward(self, x):
        read = self.read(x)
        return self.last((read[0] if isinstance(read, tuple) else read).mean(1))


FEATURES_LAST = {
    "lstm": lambda: Recurrent(nn.LSTM(3, 8, batch_first=True)),
    "gru, both ways": lambda: Recurrent(nn.GRU(3, 4, batch_first=True, bidirectional=True)),
    "linear": lambda: Recurrent(nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 8), nn.ReLU())),
    "transformer": lambda: Recurrent(
        nn.Sequential(
            nn.Linear(3, 8),
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        )
    ),
}


@pytest.mark.parametrize("steps", [3, 7, 40])
@pytest.mark.parametrize("name", FEATURES_LAST)
def test_features_last_are_found(name, steps):
    x = np.random.default_rng(0).normal(size=(2, steps, 3)).astype(np.float32)
    network = xh.network(FEATURES_LAST[name]().eval())
    assert network.axes_of((steps, 3)).word == "tc"
    assert xh.maps(network, x, method="saliency", target=0).shape == (2, steps)
    assert xh.explain(network, x[0], method="hirescam", target=0).heat().shape == (steps,)


class Patches(nn.Module):
    """Patches cut by hand, as einops does; a linear layer reads them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.last = nn.Linear(4 * 4 * 3, 8), nn.Linear(8, 2)

    def forward(self, x):
        n, c, h, w = x.shape
        x = x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 3, 5, 1).flatten(3)
        return self.last(self.embed(x.flatten(1, 2)).relu().mean(1))


NORMAL = {
    "patches": (Patches, (3, 16, 16)),
    "normalised": (lambda: nn.Sequential(Scaled(), Turning("chw")), (3, 16, 16)),
    "padded": (lambda: nn.Sequential(nn.ZeroPad2d(1), Turning("chw")), (3, 16, 16)),
    "grey": (lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), (1, 8, 8)),
    "a single frame": (lambda: nn.Sequential(nn.Conv3d(3, 2, 1), nn.Flatten()), (3, 1, 8, 8)),
    "batch norm": (lambda: nn.Sequential(nn.BatchNorm1d(3), Turning("ct")), (3, 24)),
}


class Scaled(nn.Module):
    def forward(self, x):
        return (x / 255 - torch.tensor([0.4, 0.5, 0.6])[:, None, None]).clamp(-1, 1)


@pytest.mark.parametrize("name", NORMAL)
def test_channels_first_stay_as_they_are(name):
    made, shape = NORMAL[name]
    torch.manual_seed(0)
    network = xh.network(made().eval())
    assert network.axes_of(shape).first
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    assert xh.maps(network, x, method="saliency", target=0).shape == (1, *shape[1:])


def test_looking_for_axes_ends_at_the_first_operation():
    calls = []

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
            self.first.register_forward_pre_hook(lambda *_: calls.append("first"))
            self.second.register_forward_pre_hook(lambda *_: calls.append("second"))

        def forward(self, x):
            return self.second(self.first(x).relu()).mean((2, 3))

    model = Counting().eval()
    x = np.zeros((1, 3, 16, 16), np.float32)
    xh.maps(model, x, method="hirescam", layer="first", target=0)
    assert calls.count("first") == calls.count("second") + 1  # the one that looks ends there
    calls.clear()
    xh.maps(model, x, method="hirescam", layer="first", target=0)
    assert calls.count("second") == 1  # nothing is looked for again


@pytest.mark.parametrize("word", ["", "cc", "c", "xyz", "tdhwc", 3, "nchw"])
def test_words_that_name_no_axes_are_refused(word):
    with pytest.raises(BadOption, match="axes='tchw'"):
        axes_of(word)


def test_what_contradicts_the_axes_is_refused():
    model = Turning("tc").eval()
    with pytest.raises(BadArray, match="says that an input has 2 axes; received one of 3"):
        xh.maps(xh.network(model, axes="tc"), np.zeros((1, 3, 24, 5), np.float32))
    with pytest.raises(BadOption, match="image_shape gives the length of every axis"):
        xh.network(model, axes="tc", image_shape=(3, 24, 24))
    with pytest.raises(BadArray, match="axes='t'"):
        xh.maps(nn.Conv2d(12, 3, 1).eval(), np.zeros((1, 12), np.float32))


def test_image_shape_is_in_the_networks_own_axes():
    network = xh.network(Turning("tchw").eval(), image_shape=(6, 3, 16, 16))
    assert network.declared.input_shape == (3, 6, 16, 16)
    assert network.layers["body"].grid == (3, 8, 8)
    said = xh.network(Turning("t").eval(), axes="t", image_shape=(48,))
    assert said.layers["body"].grid == (24,)


def test_a_spectrogram_without_channels_is_a_plane():
    class Spectral(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.body, self.last = nn.Conv2d(1, 4, 2, 2), nn.Linear(4, 2)

        def forward(self, x):
            return self.last(self.body(x[:, None]).relu().mean((2, 3)))

    x = np.random.default_rng(0).normal(size=(32, 20)).astype(np.float32)
    network = xh.network(Spectral().eval(), axes="tf")
    found = xh.explain(network, x, method="hirescam", target=0)
    assert found.map.shape == (16, 10)
    assert found.heat().shape == (32, 20)
    assert found.overlay().shape == (32, 20, 3)


class FrameByFrame(nn.Module):
    """A convolution for one frame after the other, in a loop of the model's own."""

    def __init__(self, axis):
        super().__init__()
        torch.manual_seed(0)
        self.axis, self.body, self.last = axis, nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        frames = [self.body(x.select(self.axis, t)) for t in range(x.shape[self.axis])]
        return self.last(torch.stack(frames, 1).relu().mean((1, 3, 4)))


@pytest.mark.parametrize(
    ("axis", "word", "shape"), [(1, "tchw", (5, 3, 8, 8)), (2, "cdhw", (3, 5, 8, 8))]
)
@pytest.mark.parametrize("method", ["saliency", "occlusion"])
def test_frames_in_a_loop_are_places(axis, word, shape, method):
    network = xh.network(FrameByFrame(axis).eval())
    x = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    assert network.axes_of(shape).word == word
    assert xh.maps(network, x, method=method, target=0).shape == (1, 5, 8, 8)


class ColourByColour(nn.Module):
    """A convolution for one channel after the other: what it reads of each shows no channels."""

    def __init__(self):
        super().__init__()
        self.body, self.last = nn.Conv2d(1, 4, 3), nn.Linear(4, 2)

    def forward(self, x):
        own = [self.body(x[:, c : c + 1]) for c in range(3)]
        return self.last(torch.stack(own, 1).relu().mean((1, 3, 4)))


def test_channels_in_a_loop_are_no_places():
    assert xh.network(ColourByColour().eval()).axes_of((3, 8, 8)).word == "chw"


@pytest.mark.parametrize(
    ("shape", "likely", "read"),
    [
        ((32, 24, 3), "hwc", "chw"),
        ((32, 24, 1), "hwc", "chw"),
        ((8, 3, 16, 24), "tchw", "cdhw"),
        ((4, 3, 16, 24), "tchw", "cdhw"),
        ((5, 1, 16, 24), "tchw", "cdhw"),
        ((8, 16, 24, 3), "dhwc", "cdhw"),
        ((128, 3), "tc", "ct"),
    ],
)
def test_a_convention_that_nothing_shows_is_not_believed_against_the_shape(shape, likely, read):
    def dark(x):
        return -x.reshape(len(x), -1)[:, :3]

    x = np.random.default_rng(0).random((1, *shape), np.float32)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(x.size, 3)).eval()
    for model, method in ((dark, "occlusion"), (flat, "input_x_gradient")):
        with pytest.raises(BadArray, match=rf"axes='{likely}'\), or axes='{read}'"):
            xh.maps(model, x, method=method, target=0)
        for word in (likely, read):
            grid = tuple(n for letter, n in zip(word, shape, strict=True) if letter != "c")
            own = xh.network(model, axes=word)
            assert xh.maps(own, x, method=method, target=0).shape == (1, *grid)
    with pytest.raises(BadArray, match=f"axes='{likely}'"):
        xh.network(dark, image_shape=shape)


def test_usual_pictures_with_many_channels_stay_as_they_are():
    def first(x):
        return x.reshape(*x.shape[:2], -1).mean(2)[:, :2]

    for shape in ((13, 32, 32), (3, 32, 4), (64, 5, 32), (4, 4, 4), (3, 4, 16, 16), (1, 4, 16, 16)):
        x = np.ones((1, *shape), np.float32)
        assert xh.maps(first, x, method="occlusion", target=0).shape == (1, *shape[1:])


class Colours(nn.Module):
    """A network of pictures with channels last whose first operation shows no channels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.last = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.body(torch.stack([x[..., c] for c in range(3)], 1)).mean((2, 3)))


def test_advice_on_a_picture_that_does_not_go_in_names_the_axes():
    picture, model = np.zeros((64, 64, 3), np.uint8), Colours().eval()
    picture[8:16, 40:48] = 255
    ask = {"preprocess": xh.Preprocess("unit", input_size=(64, 64), fit="stretch"), "target": 0}
    with pytest.raises(BadArray, match=r"takes channels last: .*axes='hwc'"):
        xh.explain(model, picture, **ask)
    one = xh.explain(xh.network(model, axes="hwc"), picture, **ask, method="hirescam")
    changed = np.abs(one.map - one.map[0, 0])
    assert np.unravel_index(changed.argmax(), (16, 16))[0] in (2, 3)
    assert np.unravel_index(changed.argmax(), (16, 16))[1] in (10, 11)
