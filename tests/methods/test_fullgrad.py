"""FullGrad: its formula, and that pixels and biases add up to the score on every backend."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("keras", reason="needs Keras")

import keras
import torch
import torch.nn.functional as F
from torch import nn

import xai_heatmap as xh
import xai_heatmap.methods
from xai_heatmap.core.errors import BadOption, NoRule
from xai_heatmap.core.evidence import Evidence
from xai_heatmap.core.recording import for_and_against
from xai_heatmap.core.registry import find_method
from xai_heatmap.explaining.forward_pass import ForwardPass, MethodRequest
from xai_heatmap.explaining.maps import compute_maps, recording_rule
from xai_heatmap.networks.rules import BIASES
from xai_heatmap.testing import oracles
from xai_heatmap.testing.networks.twins import TWINS

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RESIDUAL, OFF = "completeness residual", "off the grid"
SHAPE = (3, 12, 16)


def pictures(n=2):
    return np.random.default_rng(0).normal(size=(n, *SHAPE)).astype(np.float32)


def found(network, x, target=None, *, layer="input", signed=True):
    """What FullGrad finds of every image, with its score."""
    ask = MethodRequest(find_method("fullgrad"), {"signed": signed}, [layer])
    recording = network.record(x, [layer], rule=BIASES)
    choice = target or xh.top()
    targets = [choice(scores) for scores in recording.scores]
    passed = ForwardPass(recording, x, targets, network, network.survey(x.shape[1:]))
    answers = compute_maps(passed, [ask], lambda _, __, own, known: (own, known.score))
    return [row[0] for row in answers[layer]]


def assert_complete(network, x, target=None, *, layer="input", within=1e-3):
    """The map, what is off the grid, and nothing else make the score."""
    for own, score in found(network, x, target, layer=layer):
        assert own.figures[RESIDUAL] <= within
        whole = float(own.map.sum(dtype=np.float64)) + own.figures[OFF] * abs(score)
        assert whole == pytest.approx(score, abs=within * max(abs(score), 1e-2))
        assert np.abs(own.map).max() > 0


# ---- the formula

grids = st.lists(st.tuples(*[st.integers(1, 4)] * 3), max_size=3)


@given(grids=grids, seed=st.integers(0, 10_000), signed=st.booleans())
@settings(max_examples=30, deadline=None, derandomize=True)
def test_fullgrad_equals_its_oracle(grids, seed, signed):
    random = np.random.default_rng(seed)
    x, gradient = random.normal(size=(2, 2, 5, 7)).astype(np.float32)
    biases = [random.normal(size=grid).astype(np.float32) for grid in grids]
    classifier = random.normal(size=(1, 4)).astype(np.float32)
    every = [for_and_against(own[None])[0] for own in (*biases, classifier[0])]
    total = sum(float(own.sum()) for own in ((x * gradient), *biases, classifier))
    evidence = Evidence(activation=x, gradient=gradient, score=total, biases=every)
    answer = find_method("fullgrad").found(evidence, {"signed": signed})
    wanted = oracles.fullgrad_by_loops(x, gradient, biases, signed=signed)
    assert answer.map.dtype == np.float32
    np.testing.assert_allclose(answer.map, wanted, atol=1e-5 * max(np.abs(wanted).max(), 1))
    assert answer.figures[RESIDUAL] <= 1e-5 * max(1, 100 / abs(total))
    assert answer.figures[OFF] == pytest.approx(float(classifier.sum()) / abs(total), rel=1e-4)


def test_what_is_missing_is_the_residual():
    x = np.ones((1, 1, 2), np.float32)
    evidence = Evidence(activation=x, gradient=x, score=-4.0, biases=[])
    assert find_method("fullgrad").found(evidence).figures == {RESIDUAL: 1.5, OFF: 0.0}


@pytest.mark.parametrize("kind", TWINS)
def test_biases_of_a_convolution_are_its_own_at_every_place(kind):
    """y = mean of ReLU(v) through a matrix: b ∂y/∂v from the recorded gradient of `conv`."""
    model, twin = TWINS[kind]()
    network, x = xh.network(model, image_shape=(3, 8, 8)), pictures(1)[:, :, :8, :8]
    opened = network.record(x, ["input", "conv"])
    cotangent = np.eye(opened.scores.shape[1], dtype=np.float32)[[1]]
    gradients = opened.pullback(cotangent)
    bias = twin.conv.bias.detach().numpy()[:, None, None] * gradients["conv"][0]
    for signed in (False, True):
        ((own, _),) = found(network, x, xh.category(1), signed=signed)
        wanted = oracles.fullgrad_by_loops(x[0], gradients["input"][0], [bias], signed=signed)
        np.testing.assert_allclose(own.map, wanted, atol=1e-5 * np.abs(wanted).max())


# ---- it adds up


class Middle(nn.Module):
    """A convolution and a batch normalisation, what is tried, an average and a linear layer."""

    def __init__(self, middle, width=6):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width)
        self.parts = nn.ModuleList(middle.parts(width) if hasattr(middle, "parts") else [])
        self.middle, self.fc = middle, nn.Linear(width, 4)
        with torch.no_grad():
            for value in (self.norm.weight, self.norm.bias, self.norm.running_mean):
                value.normal_()
            self.norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.norm(self.conv(x))
        y = self.middle(x, *self.parts)
        return self.fc(F.relu(y).mean((2, 3)))


def with_parts(**makers):
    """A function of x and of modules that are made for it."""

    def decorate(function):
        function.parts = lambda width: [make(width) for make in makers.values()]
        return function

    return decorate


@with_parts(one=lambda k: nn.Conv2d(k, k, 3, padding=1))
def residual(x, one):
    return x + F.relu(one(F.relu(x)))


@with_parts(one=lambda k: nn.Conv2d(k, k, 3, padding=1, groups=k))
def depthwise(x, one):
    return one(F.relu(x, inplace=True))


@with_parts(one=lambda k: nn.Conv2d(2 * k, k, 1))
def concatenated(x, one):
    return one(torch.cat([F.relu(x), F.leaky_relu(x)], 1))


@with_parts(one=lambda k: nn.ConvTranspose2d(k, k, 2, 2))
def pooled(x, one):
    return one(F.max_pool2d(F.relu(x), 2)) + F.avg_pool2d(x, 3, 1, 1)


@with_parts(one=lambda k: nn.Conv2d(k, 3, 1), two=lambda k: nn.Conv2d(3, k, 1))
def squeezed_and_excited(x, one, two):
    return x * torch.sigmoid(two(F.silu(one(F.adaptive_avg_pool2d(x, 1)))))


@with_parts(one=lambda k: nn.LayerNorm(k), two=lambda k: nn.Linear(k, k))
def channels_normalised(x, one, two):
    return x + F.gelu(two(one(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


@with_parts(one=lambda k: nn.Linear(k, 3 * k))
def attentive(x, one):
    tokens = one(F.avg_pool2d(x, 4).flatten(2).transpose(1, 2))
    query, key, value = tokens.chunk(3, -1)
    mixed = (query @ key.transpose(1, 2)).softmax(-1) @ value
    return mixed.transpose(1, 2).reshape(len(x), -1, 3, 4)


def bounded(x):
    return F.relu6(3 * x) + F.hardtanh(x)


def shifted(x):
    return 1 - (F.relu(x) + 0.5) * 2 / 3


def divided(x):
    return x / (1 + x**2) + 1 / (2 + torch.exp(-x))


MIDDLES = {
    "relu": F.relu,
    "hardswish": F.hardswish,
    "silu": F.silu,
    "gelu": F.gelu,
    "elu": F.elu,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    **{
        own.__name__: own
        for own in (
            *(residual, depthwise, concatenated, pooled, squeezed_and_excited),
            *(channels_normalised, attentive, bounded, shifted, divided),
        )
    },
}


def module(name):
    torch.manual_seed(0)
    return Middle(MIDDLES[name]).eval()


@pytest.mark.parametrize("name", MIDDLES)
def test_pytorch_is_complete(name):
    assert_complete(xh.network(module(name), image_shape=SHAPE), pictures(), within=1e-4)


@pytest.mark.skipif(importlib.util.find_spec("onnxscript") is None, reason="needs onnxscript")
@pytest.mark.parametrize("name", MIDDLES)
def test_onnx_is_complete(name):
    from xai_heatmap.exporting.from_torch import from_torch

    network = xh.network(from_torch(module(name), SHAPE), image_shape=SHAPE)
    # the epsilon of a layer normalisation is not seen there
    assert_complete(network, pictures(), within=1e-3 if name == "channels_normalised" else 1e-4)


def test_in_place_arithmetic_is_seen():
    def in_place(x):
        y = 1.5 * x
        y += 0.5
        y *= 2
        return y.sub_(0.1).clamp_(max=1.0)

    torch.manual_seed(0)
    network = xh.network(Middle(in_place).eval(), image_shape=SHAPE)
    assert_complete(network, pictures(), within=1e-4)


def keras_middle(name, x):
    layers, width = keras.layers, x.shape[-1]
    if name == "residual":
        y = layers.Conv2D(width, 3, padding="same", bias_initializer="random_normal")(x)
        return layers.Add()([x, layers.ReLU()(y)])
    if name == "depthwise":
        y = layers.DepthwiseConv2D(3, bias_initializer="random_normal")(layers.ReLU()(x))
        return layers.Concatenate()([y, layers.MaxPooling2D(3, 1)(x)])
    if name == "squeezed_and_excited":
        y = layers.GlobalAveragePooling2D(keepdims=True)(x)
        y = layers.Conv2D(3, 1, activation="silu", bias_initializer="random_normal")(y)
        return layers.Multiply()([x, layers.Conv2D(width, 1, activation="sigmoid")(y)])
    if name == "normalised":
        return layers.LayerNormalization()(x)
    if name == "rescaled":
        return layers.Rescaling(0.5, offset=0.3)(layers.ZeroPadding2D()(x))
    return layers.Activation(name)(x)


KERAS_MIDDLES = (
    *("relu", "relu6", "hard_silu", "silu", "gelu", "elu", "tanh", "softmax", "residual"),
    *("depthwise", "squeezed_and_excited", "rescaled", "normalised"),
)


def keras_model(name):
    keras.utils.set_random_seed(0)
    layers, uniform = keras.layers, keras.initializers.RandomUniform(0.5, 2)
    image = keras.Input((*SHAPE[1:], SHAPE[0]))
    x = layers.Conv2D(6, 3, padding="same", bias_initializer="random_normal")(image)
    x = layers.BatchNormalization(
        beta_initializer="random_normal",
        gamma_initializer=uniform,
        moving_mean_initializer="random_normal",
        moving_variance_initializer=uniform,
    )(x)
    x = layers.ReLU()(keras_middle(name, x))
    x = layers.GlobalAveragePooling2D()(x)
    scores = layers.Dense(4, activation="softmax", bias_initializer="random_normal")(x)
    return keras.Model(image, scores)


@pytest.mark.parametrize("name", KERAS_MIDDLES)
def test_keras_is_complete(name):
    assert_complete(xh.network(keras_model(name)), pictures(), within=1e-4)


@pytest.mark.parametrize(
    "target",
    [xh.contrast(1, against=2), xh.probability(1), xh.residual_softmax(2), xh.negative(0)],
)
def test_what_a_target_adds_is_off_the_grid(target):
    """ln and softmax are no lines through 0."""
    network = xh.network(module("relu"), image_shape=SHAPE)
    assert_complete(network, pictures(), target, within=1e-4)


def test_logarithms_of_probabilities_are_complete():
    """A softmax that can't be undone is explained by its logarithm, whose bias is log p - 1."""
    model = module("relu")
    inner = model.forward
    model.forward = lambda x: torch.exp(inner(x)) / torch.exp(inner(x)).sum(1, keepdim=True)
    network = xh.network(model, image_shape=SHAPE)
    assert network.record(pictures()).meaning == "log-probabilities"
    assert_complete(network, pictures(), within=1e-4)


def test_a_layer_inside_is_complete_too():
    network = xh.network(module("residual"), image_shape=SHAPE)
    assert_complete(network, pictures(), layer="norm", within=1e-4)


class Hidden(torch.autograd.Function):
    """An operation that nobody can look into: 2 x + 1."""

    @staticmethod
    def forward(context, x):
        return 2 * x + 1

    @staticmethod
    def backward(context, gradient):
        return 2 * gradient


def test_an_operation_that_is_not_known_shows_in_the_residual():
    torch.manual_seed(0)
    model = Middle(lambda x: Hidden.apply(F.relu(x))).eval()
    network = xh.network(model, image_shape=SHAPE)
    ((own, score),) = found(network, pictures(1), xh.category(1))
    lacking = float(model.fc.weight.detach()[1].sum())
    assert own.figures[RESIDUAL] == pytest.approx(abs(lacking / score), rel=1e-3)


# ---- how it is asked for


def test_one_backward_pass_and_nothing_left_on_the_model(monkeypatch):
    model, calls = module("silu"), []
    network, x = xh.network(model, image_shape=SHAPE), pictures(1)
    xh.maps(network, x, method="fullgrad")
    grad = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *a, **k: calls.append(1) or grad(*a, **k))
    xh.maps(network, x, method="fullgrad")
    assert len(calls) == 1
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_others_beside_it_get_what_they_get_alone():
    network, x = xh.network(module("silu"), image_shape=SHAPE), pictures(1)
    asked = [
        MethodRequest(find_method("fullgrad"), {}, ["input"]),
        MethodRequest(find_method("gradcam"), {}, ["norm"]),
        MethodRequest(find_method("reciprocam"), {}, ["norm"]),
    ]
    recording = network.record(x, ["input", "norm"], rule=recording_rule(asked, ["input", "norm"]))
    targets = [xh.category(1)(recording.scores[0])]
    passed = ForwardPass(recording, x, targets, network, network.survey(x.shape[1:]))
    answers = compute_maps(passed, asked, lambda _, __, own, ___: own.map)
    together = {"fullgrad": answers["input"][0][0], "gradcam": answers["norm"][0][0]}
    together["reciprocam"] = answers["norm"][0][1]
    for name, own in together.items():
        layer = "auto" if name == "fullgrad" else "norm"
        alone = xh.maps(network, x, method=name, layer=layer, target=1)[0]
        np.testing.assert_allclose(own, alone, rtol=1e-4, atol=1e-6)


def test_noise_around_it_sees_the_biases_of_every_noisy_picture():
    network, x = xh.network(module("silu"), image_shape=SHAPE), pictures(1)
    plain = xh.maps(network, x, method="fullgrad", target=1)
    options = {"noise": 0.0, "samples": 2}
    smooth = xh.maps(network, x, method="smooth:fullgrad", target=1, options=options)
    np.testing.assert_allclose(smooth, plain, rtol=1e-5, atol=1e-7)


def test_two_layers_at_once_are_refused():
    network = xh.network(module("relu"), image_shape=SHAPE)
    with pytest.raises(BadOption, match="one layer at a time"):
        xh.maps(network, pictures(1), method="fullgrad", layer=["input", "norm"])


def test_a_function_has_no_biases():
    with pytest.raises(NoRule, match="needs gradients"):
        xh.maps(lambda x: x.mean((2, 3)), pictures(1), method="fullgrad")


def test_signed_maps_are_drawn_with_evidence_against():
    image = np.random.default_rng(0).integers(0, 255, (*SHAPE[1:], 3), np.uint8)
    network = xh.network(module("relu"), image_shape=SHAPE)
    plain, signed = (
        xh.explain(
            network, image, method="fullgrad", preprocess="imagenet", options={"signed": own}
        )
        for own in (False, True)
    )
    assert (plain.signed, signed.signed) == (False, True)
    assert set(plain.verdict.figures) == {RESIDUAL, OFF}
    assert plain.map.min() >= 0 > signed.map.min()
