"""Attention and LibraGrad's way back, on every backend: against plain numbers, and each other."""

import sys
from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoAttention, NoRule  # noqa: E402
from xai_heatmap.networks.rules import LIBRAGRAD  # noqa: E402
from xai_heatmap.networks.torch.libragrad import Balancing  # noqa: E402
from xai_heatmap.testing.networks import transformers as token_twins  # noqa: E402
from xai_heatmap.testing.networks.tokens import images  # noqa: E402
from xai_heatmap.testing.networks.transformers import (  # noqa: E402
    GRID,
    SHAPE,
    TOKEN_TWINS,
    lively,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

METHODS = ["rollout", "attention_relevance", "libragrad"]


@cache
def opened(kind, pool="token"):
    if kind == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    model, twin = TOKEN_TWINS[kind](pool)
    return xh.network(model, image_shape=SHAPE), xh.network(twin, image_shape=SHAPE)


def native(network, x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x


@pytest.mark.parametrize("pool", ["token", "mean"])
@pytest.mark.parametrize("kind", TOKEN_TWINS)
@pytest.mark.parametrize("name", METHODS)
def test_map_is_that_of_the_same_weights_in_pytorch(name, kind, pool):
    network, twin = opened(kind, pool)
    x, targets = images(3), [0, 2, 1]
    found = xh.maps(network, native(network, x), method=name, target=targets)
    wanted = xh.maps(twin, x, method=name, target=targets)
    assert found.shape == (3, *GRID)
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    each = [
        xh.maps(network, native(network, x[row : row + 1]), method=name, target=target)[0]
        for row, target in enumerate(targets)
    ]
    np.testing.assert_allclose(found, each, atol=1e-5 * np.abs(wanted).max())


def test_libragrad_differs_from_the_gradient():
    network, _ = opened("torch")
    recording = network.record(images(1), at=["input"])
    seed = np.eye(4, dtype=np.float32)[[1]]
    balanced, gradient = (
        recording.by(LIBRAGRAD).pullback(seed)["input"],
        recording.pullback(seed)["input"],
    )
    assert np.abs(balanced - gradient).max() > 0.1 * np.abs(gradient).max()


ACTIVATIONS = {
    "celu": functional.celu, "elu": functional.elu, "gelu": functional.gelu,
    "hard_sigmoid": functional.hardsigmoid, "hard_silu": functional.hardswish,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2), "mish": functional.mish,
    "relu6": functional.relu6, "selu": functional.selu, "sigmoid": torch.sigmoid,
    "silu": functional.silu, "softmax": lambda x: x.softmax(1), "softplus": functional.softplus,
    "softsign": functional.softsign, "tanh": torch.tanh,
    "gelu by tanh": lambda x: functional.gelu(x, approximate="tanh"),
}  # fmt: skip


class Squeezed(nn.Module):
    """An activation, a normalisation over groups, squeeze and excitation, a closing activation."""

    def __init__(self, activation):
        super().__init__()
        self.activation = activation
        self.conv, self.norm = nn.Conv2d(3, 8, 4, 4), nn.GroupNorm(2, 8, eps=1e-3)
        self.gate, self.last = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x):
        x = self.conv(x)
        x = self.norm(x + self.activation(x))
        x = x * torch.sigmoid(self.gate(x.mean((2, 3))))[:, :, None, None]
        x = x * (x.square().mean(1, keepdim=True) + 1).rsqrt()
        x = x / (1 + x.abs().amax((2, 3), True))
        x = x.mean((2, 3))
        return self.last(x + self.activation(x))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_libragrad_knows_the_gates_of_keras(name):
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers, ops

    if name == "mish" and keras.backend.backend() == "torch":
        pytest.xfail("Keras spells mish out there, as a product, and both factors get a share")
    twin = lively(Squeezed(ACTIVATIONS[name]))
    own = {
        "gelu by tanh": lambda x: ops.gelu(x, approximate=True),
        "gelu": lambda x: ops.gelu(x, approximate=False),
        "softmax": lambda x: ops.softmax(x, axis=-1),
    }.get(name) or layers.Activation(name)
    image = keras.Input((*SHAPE[1:], SHAPE[0]))
    conv, norm = layers.Conv2D(8, 4, 4), layers.GroupNormalization(2, epsilon=1e-3)
    gate, last = layers.Dense(8, "sigmoid"), layers.Dense(4)
    x = conv(image)
    x = norm(x + own(x))
    x = x * ops.expand_dims(gate(ops.mean(x, (1, 2))), (1, 2))
    x = x * ops.rsqrt(ops.mean(ops.square(x), -1, keepdims=True) + 1)
    x = x / (1 + ops.max(ops.abs(x), (1, 2), keepdims=True))
    x = ops.mean(x, (1, 2))
    model = keras.Model(image, last(x + own(x)))
    stored = {key: value.detach().numpy() for key, value in twin.state_dict().items()}
    conv.set_weights([stored["conv.weight"].transpose(2, 3, 1, 0), stored["conv.bias"]])
    norm.set_weights([stored["norm.weight"], stored["norm.bias"]])
    gate.set_weights([stored["gate.weight"].T, stored["gate.bias"]])
    last.set_weights([stored["last.weight"].T, stored["last.bias"]])
    network, other = xh.network(model, image_shape=SHAPE), xh.network(twin, image_shape=SHAPE)
    x, targets = images(2), [0, 3]
    found, wanted = (
        xh.maps(one, native(one, x), method="libragrad", layer="input", target=targets)
        for one in (network, other)
    )
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())


# ---- the theorem: contributions add up to the score


class Gated(nn.Module):
    """SwiGLU behind RMSNorm: a product of two values that both depend on the picture."""

    def __init__(self):
        super().__init__()
        self.norm, self.gate = nn.RMSNorm(8, eps=1e-6), nn.Linear(8, 12)
        self.value, self.out = nn.Linear(8, 12), nn.Linear(12, 8)

    def forward(self, x):
        x = self.norm(x)
        return self.out(functional.silu(self.gate(x)) * self.value(x))


class ByHand(nn.Module):
    """A layer norm, a root mean square, a GELU and a sigmoid gate, written out."""

    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        x = centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-6)
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        x = x * 0.5 * (1 + torch.erf(x / 2**0.5))
        return x * torch.sigmoid(x.mean(-1, keepdim=True))


class Attends(nn.Module):
    def __init__(self, *, weights):
        super().__init__()
        self.attention, self.weights = nn.MultiheadAttention(8, 2, batch_first=True), weights

    def forward(self, x):
        return self.attention(x, x, x, need_weights=self.weights)[0]


class OnGrid(nn.Module):
    """Squeeze and excitation, group and instance norm, on channels first."""

    def __init__(self):
        super().__init__()
        self.group, self.instance = nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)
        self.excite, self.mix = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        x = x.transpose(1, 2).reshape(len(x), 8, *GRID)
        x = functional.hardswish(self.mix(self.group(x)))
        x = self.instance(x * torch.sigmoid(self.excite(x.mean((2, 3), keepdim=True))))
        return functional.elu(x).flatten(2).transpose(1, 2)


class Products(nn.Module):
    """Linear attention: matrices that all depend on the picture, multiplied."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x):
        query, key, value = self.qkv(functional.normalize(x, dim=-1)).chunk(3, -1)
        mixed = functional.relu(query) @ torch.einsum("nta,ntb->nab", functional.relu(key), value)
        return functional.glu(torch.cat([mixed, torch.tanh(value)], -1)) / value.std()


MIDDLES = {
    "nothing": nn.Identity,
    "gated": Gated,
    "by hand": ByHand,
    "attends": lambda: Attends(weights=False),
    "attends, weights asked for": lambda: Attends(weights=True),
    "on a grid": OnGrid,
    "products": Products,
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_contributions_of_picture_and_biases_sum_to_the_score(middle):
    class Middle(token_twins.SmallViT):
        def __init__(self):
            super().__init__(pool="mean")
            self.middle = MIDDLES[middle]()

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2) + self.position[:, 1:]
            return self.head(self.norm(self.blocks(self.middle(x))).mean(1))

    model = lively(Middle())
    constants = []
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.endswith("bias") or name == "position")
        constants += [weight] if weight.requires_grad else []
    x = torch.tensor(images(2)).requires_grad_()
    plainly = model(x)
    with Balancing():
        scores = model(x)
    plainly, values = plainly.detach().numpy(), scores.detach().numpy()
    np.testing.assert_allclose(values, plainly, atol=1e-5 * np.abs(plainly).max())
    for row, category in ((0, 1), (1, 3)):
        found = torch.autograd.grad(
            scores[row, category], [x, *constants], retain_graph=True, allow_unused=True
        )
        parts = [
            float((own.detach() * gradient).sum())
            for own, gradient in zip([x, *constants], found, strict=True)
            if gradient is not None
        ]
        assert sum(parts) == pytest.approx(float(values[row, category]), rel=1e-4, abs=1e-4)
        assert abs(parts[0]) > 1e-3 * abs(values[row, category])


# ---- what a model is, and stays


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_multihead_attention_is_written_out(name, weights):
    class Own(token_twins.SmallViT):
        def __init__(self, *, whole):
            super().__init__()
            self.attends = Attends(weights=weights) if whole else None

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
            return self.head(self.norm(x + self.mixed(x))[:, 0])

        def mixed(self, x):
            if self.attends is not None:
                return self.attends(x)
            theirs = model.attends.attention
            query, key, value = functional.linear(
                x, theirs.in_proj_weight, theirs.in_proj_bias
            ).chunk(3, -1)
            parts = (p.reshape(*p.shape[:2], 2, 4).transpose(1, 2) for p in (query, key, value))
            query, key, value = parts
            mixed = (query @ key.transpose(-2, -1) / 2).softmax(-1) @ value
            return theirs.out_proj(mixed.transpose(1, 2).flatten(2))

    model = lively(Own(whole=True))
    explicit = Own(whole=False)
    explicit.load_state_dict(model.state_dict(), strict=False)
    before = functional.softmax, functional.scaled_dot_product_attention
    found = xh.maps(xh.network(model, image_shape=SHAPE), images(2), method=name, layer="norm")
    wanted = xh.maps(
        xh.network(explicit.eval(), image_shape=SHAPE), images(2), method=name, layer="norm"
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())
    assert np.abs(wanted).max() > 0 or name == "libragrad"
    assert (functional.softmax, functional.scaled_dot_product_attention) == before


@pytest.mark.parametrize("name", METHODS)
def test_a_closing_softmax_is_left_out_behind_fused_attention(name):
    class Closed(token_twins.SmallViT):
        def forward(self, x):
            return functional.softmax(super().forward(x), -1)

    model = lively(Closed())
    open_ = lively(token_twins.SmallViT())
    found = xh.maps(xh.network(model, image_shape=SHAPE), images(2), method=name, target=1)
    wanted = xh.maps(xh.network(open_, image_shape=SHAPE), images(2), method=name, target=1)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("options", [
    {"is_causal": True},
    {"scale": 0.3},
    {"attn_mask": torch.rand(1, 1, 25, 25)},
    {"attn_mask": torch.eye(25, dtype=torch.bool) | (torch.arange(25) % 3 == 0)},
    {"enable_gqa": True},
], ids=lambda options: next(iter(options)))  # fmt: skip
def test_attention_written_out_is_fused_attention(options):
    from xai_heatmap.networks.torch.attention import written_out

    draw = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 25, 8, generator=draw)
    heads = 2 if "enable_gqa" in options else 4
    key, value = torch.randn(2, 2, heads, 25, 8, generator=draw)
    kept = []
    found = written_out(lambda w: kept.append(w) or w, query, key, value, **options)
    wanted = functional.scaled_dot_product_attention(query, key, value, **options)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert kept[0].shape == (2, 4, 25, 25)


def test_weights_and_flags_come_back_as_they_were():
    model = lively(token_twins.SmallViT()).train()
    for name in METHODS:
        xh.maps(xh.network(model, image_shape=SHAPE), images(1), method=name)
    assert model.training
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


class Windows(nn.Module):
    """Attention within the halves of a picture."""

    def __init__(self):
        super().__init__()
        self.patches, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 4)

    def forward(self, x):
        x = self.patches(x)
        rows = x.permute(0, 2, 3, 1).reshape(-1, 1, 12, 8)
        mixed = functional.scaled_dot_product_attention(rows, rows, rows)
        return self.head(mixed.reshape(len(x), -1, 8).mean(1))


@pytest.mark.parametrize("name", ["rollout", "attention_relevance"])
def test_windows_and_networks_without_attention_are_refused(name):
    with pytest.raises(NoAttention, match=r"windows.*gradcam"):
        xh.maps(xh.network(Windows(), image_shape=SHAPE), images(1), method=name)
    plain_ = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(NoAttention, match="no transformer blocks"):
        xh.maps(xh.network(plain_, image_shape=SHAPE), images(1), method=name)


def test_libragrad_needs_no_attention_among_all_tokens():
    found = xh.maps(xh.network(Windows(), image_shape=SHAPE), images(1), method="libragrad")
    assert found.any()


def test_a_layer_elsewhere_in_a_comparison_does_not_matter():
    model = lively(token_twins.SmallViT())
    network = xh.network(model, image_shape=SHAPE)
    picture = np.random.default_rng(0).integers(0, 255, (*SHAPE[1:], 3), np.uint8)
    compared = xh.compare(network, picture, methods=["rollout", "saliency"], preprocess="imagenet")
    assert [e.map.shape for e in compared] == [SHAPE[1:], GRID]
    with pytest.raises(NoAttention, match="auto"):
        xh.explain(network, picture, method="rollout", layer="input", preprocess="imagenet")


def test_a_function_has_neither():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=SHAPE)
    for name in METHODS:
        with pytest.raises(NoRule, match="occlusion"):
            xh.maps(network, images(1), method=name)


@pytest.mark.parametrize("pool", ["token", "mean"])
@pytest.mark.parametrize("kind", TOKEN_TWINS)
def test_liftcam_is_that_of_the_same_weights_in_pytorch(kind, pool):
    network, twin = opened(kind, pool)
    if network.channels_last and sys.modules["keras"].backend.backend() == "tensorflow":
        pytest.skip("says what to do, in tests/methods/test_liftcam.py")
    found, wanted = (
        xh.maps(
            one, native(one, images(1)), method="liftcam", layer="input",
            options={"relu": False}, target=2,
        )
        for one in (network, twin)
    )  # fmt: skip
    assert np.abs(wanted).max() > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
