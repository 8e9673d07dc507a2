"""LIFT-CAM: slopes between two runs are DeepLIFT's, contributions add up to the score's rise."""

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="needs PyTorch")
onnx = pytest.importorskip("onnx", reason="needs ONNX")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
import xai_heatmap.methods  # noqa: E402 - registers them
from xai_heatmap.core.errors import NoRule  # noqa: E402
from xai_heatmap.core.evidence import Evidence, Multipliers  # noqa: E402
from xai_heatmap.core.log_recording import LogRecording, logarithmic_mean  # noqa: E402
from xai_heatmap.core.registry import find_method  # noqa: E402
from xai_heatmap.core.targets.target import linear  # noqa: E402
from xai_heatmap.networks.rules import DEEPLIFT  # noqa: E402
from xai_heatmap.networks.torch.deeplift import RULES, Secants  # noqa: E402
from xai_heatmap.testing import oracles  # noqa: E402
from xai_heatmap.testing.conformance import SHAPE as PLAIN  # noqa: E402
from xai_heatmap.testing.networks.twins import TWINS  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "autodiff"))
import exported_networks  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RESIDUAL = "completeness residual"
SHAPE = (3, 32, 32)


def pictures(n=1, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def contributed(network, x, layer, target=1):
    """What every entry of a layer contributed, and y before and after."""
    recording = network.record(x, at=[layer])
    pair = recording.between(layer, DEEPLIFT, row=0)
    seed = np.zeros_like(pair.scores)
    seed[0, target] = 1
    slopes = pair.pullback(seed)[layer]
    assert not slopes[1].any()
    return slopes[0] * recording.activations[layer][0], *pair.scores[::-1, target]


def assert_complete(network, x, layer, within=1e-4):
    own, before, after = contributed(network, x, layer)
    rise = float(after) - float(before)
    assert abs(rise) > 1e-6
    assert float(own.sum(dtype=np.float64)) == pytest.approx(rise, rel=within, abs=2e-7)
    return own


def exported(model, shape=SHAPE):
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (torch.zeros(2, *shape),), written, dynamo=False, opset_version=17,
            input_names=["x"], dynamic_axes={"x": {0: "n"}},
        )  # fmt: skip
    return xh.network(onnx.load_from_string(written.getvalue()), image_shape=shape)


# ---- the formula


@given(shape=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_liftcam_equals_its_oracle(shape, seed):
    activation, slopes = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
    own = slopes * activation
    total = float(own.sum(dtype=np.float64))
    evidence = Evidence(activation=activation, secant=Multipliers(slopes, 0.5, 0.5 + total))
    found = find_method("liftcam").found(evidence)
    wanted = oracles.liftcam_by_loops(activation, own)
    np.testing.assert_allclose(found.map, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))
    assert found.figures[RESIDUAL] <= 1e-3


def test_without_relu_evidence_against_is_kept():
    activation = np.array([[[1, 3]]], np.float32)
    evidence = Evidence(activation=activation, secant=Multipliers(-activation, -10.0, -20.0))
    liftcam = find_method("liftcam")
    np.testing.assert_array_equal(liftcam(evidence), np.zeros((1, 2)))
    np.testing.assert_array_equal(liftcam(evidence, {"relu": False}), [[-10, -30]])


def test_what_the_slopes_lack_stands_in_the_verdict():
    activation = np.ones((1, 1, 2), np.float32)
    short = Evidence(activation=activation, secant=Multipliers(activation, 0.0, 4.0))
    assert find_method("liftcam").found(short).figures[RESIDUAL] == pytest.approx(0.5)


# ---- slopes


@pytest.mark.parametrize("kind", TWINS)
def test_behind_an_average_and_a_linear_layer_weights_are_sums_of_hirescam(kind):
    if kind == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    model, _ = TWINS[kind]()
    network = xh.network(model, image_shape=PLAIN)
    x = pictures(shape=PLAIN)
    native = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x
    recording = network.record(x, at=["relu"])
    seed = np.eye(recording.scores.shape[1], dtype=np.float32)[[1]]
    gradient, activation = recording.pullback(seed)["relu"][0], recording.activations["relu"][0]
    parts = (gradient * activation).reshape(len(activation), -1).sum(axis=1)
    wanted = np.einsum("k,khw->hw", parts, activation)
    found = xh.maps(
        network, native, method="liftcam", layer="relu", target=1, options={"relu": False}
    )[0]
    assert wanted.any()
    np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", ["torch", "onnx"])
@pytest.mark.parametrize("name", ["ConvNextBlock", "Transformer", "ShiftedWindows", "MixedBag"])
def test_contributions_add_up_to_the_rise_and_are_the_same_in_onnx(name, kind):
    torch.manual_seed(0)
    model = getattr(exported_networks, name)().eval()
    network = xh.network(model, image_shape=SHAPE)
    own = assert_complete(network, pictures(), "input")
    if kind == "onnx":
        again = assert_complete(exported(model), pictures(), "input")
        np.testing.assert_allclose(again, own, atol=1e-4 * np.abs(own).max())


POINTWISE = [
    "relu", "leaky_relu", "relu6", "hardtanh", "elu", "selu", "celu", "gelu", "silu", "mish",
    "hardswish", "hardsigmoid", "softplus", "softsign", "logsigmoid", "sigmoid", "tanh",
]  # fmt: skip


class Odd(nn.Module):
    """A layer, and behind it whatever is asked for, with a linear layer at the end."""

    def __init__(self, behind):
        super().__init__()
        self.layer, self.behind = nn.Conv2d(3, 8, 4, 4), behind
        self.last = nn.Linear(8, 4)

    def forward(self, x):
        x = self.behind(self.layer(x) + 0.3)
        return self.last(x.mean((2, 3)) if x.ndim == 4 else x.mean(1))


def tokens(x):
    return x.flatten(2).transpose(1, 2)


BEHIND = {
    **{name: getattr(F, name) for name in POINTWISE},
    "in place": lambda x: F.relu_(x * 2) + x,
    "in place, read again": lambda x: (F.silu(x, inplace=True), x * x)[1],
    "square": lambda x: x**2 + x.square() + x.abs().sqrt(),
    "product": lambda x: x * x.mean((2, 3), keepdim=True),
    "product in place": lambda x: (x + 1).mul_(x),
    "matrices": lambda x: torch.softmax(tokens(x) @ x.flatten(2), -1) @ tokens(x),
    "einsum": lambda x: torch.einsum("nchw,nkhw->nck", x, x.tanh()).softmax(-1),
    "quotient": lambda x: x / (1 + x.abs()),
    "one over": lambda x: 1 / (1 + x * x) + 3 / (2 + x.sigmoid()),
    "pooled": lambda x: F.max_pool2d(x, 3, 2, 1),
    "largest": lambda x: F.adaptive_max_pool2d(x, 3) + x.amax((2, 3), keepdim=True),
    "maximum": lambda x: torch.maximum(x, x.flip(1)),
    "smaller": lambda x: x.clamp(-0.2, 0.5),
    "layer norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "group norm": lambda x: F.group_norm(x, 4),
    "instance norm": lambda x: F.instance_norm(x) * x,
    "rms norm": lambda x: F.rms_norm(tokens(x), (8,)),
    "normalised": lambda x: F.normalize(x),
    "log softmax": lambda x: F.log_softmax(tokens(x), dim=-1),
    "attention": lambda x: F.scaled_dot_product_attention(tokens(x), tokens(x) + 1, tokens(x)),
    "masked": lambda x: F.scaled_dot_product_attention(*[tokens(x)] * 3, is_causal=True),
    "split": lambda x: F.glu(x, 1).repeat(1, 2, 1, 1),
    "drawn out": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear").tanh(),
    "rolled": lambda x: torch.roll(x, 1, -1) * x,
}


@pytest.mark.parametrize("name", BEHIND)
def test_whatever_follows_contributions_add_up(name):
    torch.manual_seed(0)
    network = xh.network(Odd(BEHIND[name]).eval(), image_shape=SHAPE)
    assert_complete(network, pictures(), "layer")


def test_attention_of_pytorch_itself_is_complete():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 4)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            x = tokens(self.layer(x))
            return self.last(self.attention(x, x, x)[0].mean(1))

    torch.manual_seed(0)
    assert_complete(xh.network(Model().eval(), image_shape=SHAPE), pictures(), "layer")


def test_rules_hold_for_both_runs_alike():
    """From A to A every slope is the derivative."""
    x = torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    for name in ("gelu", "product", "matrices", "layer norm", "pooled"):
        secants, leaf = Secants(), x.clone().requires_grad_()
        with secants:
            BEHIND[name](x.clone().requires_grad_() * 1)
            secants.rewind()
            found = BEHIND[name](leaf * 1)
        found.pow(3).sum().backward()
        own = x.clone().requires_grad_()
        BEHIND[name](own * 1).pow(3).sum().backward()
        np.testing.assert_allclose(leaf.grad, own.grad, atol=1e-4 * float(own.grad.abs().max()))


def test_what_has_no_rule_but_is_straight_is_taken():
    assert "cumsum" not in RULES
    network = xh.network(Odd(lambda x: torch.cumsum(x, 2)).eval(), image_shape=SHAPE)
    assert_complete(network, pictures(), "layer")


# ---- targets


def test_a_probability_rises_by_what_is_contributed():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)
    )
    e = xh.explain(
        xh.network(model.eval(), image_shape=SHAPE),
        np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8),
        method="liftcam", target=xh.probability(2), preprocess="imagenet",
    )  # fmt: skip
    assert e.verdict.figures[RESIDUAL] <= 1e-3


@given(seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_a_target_between_two_rows_gives_the_rise(seed):
    scores = np.random.default_rng(seed).normal(size=(2, 5)).astype(np.float32)
    target = xh.probability(1)(scores[0])
    own = target.between(scores)
    rise = float(np.subtract(*target.value(scores)))
    assert float(own @ (scores[0] - scores[1])) == pytest.approx(rise, abs=1e-6)
    weights = np.array([1, 0, -2, 0, 0.5], np.float32)
    np.testing.assert_allclose(linear(weights, "w").between(scores), weights, atol=1e-5)


def test_the_logarithm_of_probabilities_rises_by_what_is_contributed():
    class Closed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Conv2d(3, 5, 3), nn.Linear(5, 4)

        def forward(self, x):
            scores = self.last(self.layer(x).relu().mean((2, 3))).exp()
            return scores / scores.sum(1, keepdim=True)

    torch.manual_seed(0)
    network = xh.network(Closed().eval(), image_shape=SHAPE)
    recording = network.record(pictures(), at=["layer"])
    assert isinstance(recording, LogRecording)
    assert_complete(network, pictures(), "layer")


def test_the_logarithmic_mean_lies_between():
    a, b = np.array([[1, 2, 3, 1e-30], [1, 4, 3.0001, 0.5]], np.float32)
    found = logarithmic_mean(a, b)
    wanted = [1, 2 / np.log(2), 3.00005, 0.5 / np.log(0.5 / 1e-30)]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


# ---- refusals


def test_an_operation_without_a_rule_is_refused_by_name():
    network = xh.network(Odd(lambda x: torch.cumprod(x, 1)).eval(), image_shape=SHAPE)
    with pytest.raises(NoRule, match=r"no rule for cumprod .*integrated"):
        xh.maps(network, pictures(), method="liftcam", layer="layer")


def test_an_operator_without_a_rule_is_refused_by_name_in_onnx():
    model = Odd(lambda x: x.flatten(2).norm(dim=-1)[..., None, None] * x).eval()
    network = exported(model)
    with pytest.raises(NoRule, match=r"\(ReduceL2\).*integrated"):
        xh.maps(network, pictures(), method="liftcam", layer="input")


def test_a_network_that_goes_another_way_from_nothing_is_refused():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.last = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 4)

        def forward(self, x):
            x = self.layer(x)
            x = x.tanh() if float(x.detach().abs().sum()) == 0 else x.sigmoid()
            return self.last(x.mean((2, 3)))

    torch.manual_seed(0)
    network = xh.network(Branching().eval(), image_shape=SHAPE)
    with pytest.raises(NoRule, match="another way"):
        xh.maps(network, pictures(), method="liftcam", layer="layer")


def test_a_function_has_no_slopes():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=SHAPE)
    with pytest.raises(NoRule):
        xh.maps(network, pictures(), method="liftcam")


@pytest.mark.parametrize("name", ["stack", "unstack", "split", "tile", "flip", "roll"])
def test_contributions_pass_through_what_only_moves_values_in_keras(name):
    keras = pytest.importorskip("keras", reason="needs Keras")
    from keras import layers, ops

    if keras.backend.backend() == "tensorflow":
        pytest.skip("says so below")
    moved = {
        "stack": lambda x: ops.max(ops.stack([x, 0.5 * x], axis=1), axis=1),
        "unstack": lambda x: ops.concatenate(ops.unstack(x, 8, axis=2), axis=1),
        "split": lambda x: ops.concatenate(ops.split(x, 2, axis=1)[::-1], axis=2),
        "tile": lambda x: ops.tile(x, (1, 2, 1, 1)),
        "flip": lambda x: ops.flip(x, axis=1),
        "roll": lambda x: ops.roll(x, 3, axis=2),
    }[name]
    keras.utils.set_random_seed(0)
    image = keras.Input((*PLAIN[1:], PLAIN[0]))
    x = moved(ops.tanh(layers.Conv2D(4, 3, padding="same")(image)))
    axes = tuple(range(1, len(x.shape) - 1))
    model = keras.Model(image, layers.Dense(4)(ops.tanh(ops.mean(x, axis=axes))))
    assert_complete(xh.network(model, image_shape=PLAIN), pictures(shape=PLAIN), "input")


def test_keras_on_tensorflow_says_what_to_do():
    keras = pytest.importorskip("keras", reason="needs Keras")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("it is there")
    model, _ = TWINS["keras"]()
    network = xh.network(model, image_shape=PLAIN)
    x = np.moveaxis(pictures(shape=PLAIN), 1, -1)
    with pytest.raises(NoRule, match=r"KERAS_BACKEND=torch.*integrated"):
        xh.maps(network, np.ascontiguousarray(x), method="liftcam", layer="input")


# ---- real networks


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("name", ["squeezenet", "mobilenet", "deit"])
def test_contributions_add_up_in_trained_networks(name, reference):
    sys.path.insert(0, str(reference))
    try:
        import reference_models
    finally:
        sys.path.remove(str(reference))
    model, preprocess = {
        "squeezenet": lambda: (
            reference_models.squeezenet_torch(
                str(reference / "models" / "squeezenet1_1_torchvision.safetensors")
            ),
            "imagenet",
        ),
        "mobilenet": lambda: (
            reference_models.mobilenet_v1_torch(
                str(reference / "models" / "mobilenet_v1_025_224_torch.safetensors")
            ),
            "tf",
        ),
        "deit": lambda: (
            reference_models.deit_tiny_clipped(str(reference / "models" / "deit_tiny_clipped.npz")),
            "imagenet",
        ),
    }[name]()
    network = xh.network(model)
    photo = reference / "images" / "n02056570_king_penguin.JPEG"
    grids = [own for own, layer in network.layers.items() if layer.places > 1]
    for layer in ["auto", *grids[:: len(grids) // 5]]:
        e = xh.explain(network, photo, method="liftcam", layer=layer, preprocess=preprocess)
        assert e.verdict.figures[RESIDUAL] <= 1e-3, layer
