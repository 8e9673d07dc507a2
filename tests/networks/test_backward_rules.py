"""Backward rules: one table of operators in every framework, and a rule that is added from outside
by one declaration and one file for each framework.
"""

import importlib

import keras
import numpy as np
import onnx
import pytest
import torch
from guided import GUIDED
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption, NoRule
from xai_heatmap.networks.rules import (
    BIASES,
    CANONICAL,
    DEEPLIFT,
    GRADIENT,
    JAX,
    LIBRAGRAD,
    ONNX,
    RULES,
    TENSORFLOW,
    TORCH,
    BackwardRule,
    implemented_by,
    implements,
    named,
    treated,
)

FRAMEWORKS = {"torch": TORCH, "jax": JAX, "tensorflow": TENSORFLOW, "onnx": ONNX}
LANE = keras.backend.backend()
random = np.random.default_rng(0)
X = random.normal(size=(2, 3, 4, 4)).astype(np.float32)
W1, W2 = (random.normal(size=shape).astype(np.float32) for shape in ((5, 3), (4, 5)))
FC = random.normal(size=(3, 4)).astype(np.float32)
SEED = np.array([[0, 1, 0], [1, 0, 0]], np.float32)


def table(framework):
    return importlib.import_module(f"{framework.folder}.canonical").OPERATORS


def importable(name):
    return name in ("torch", "onnx") or importlib.util.find_spec(name) is not None


def guided_by_loops(x, seed):
    """∂y/∂x of fc · mean(relu(W2 relu(W1 x))), place by place; back through a ReLU only what is
    positive.
    """
    gradient = np.zeros_like(x)
    for n, row, column in np.ndindex(len(x), *x.shape[2:]):
        u1 = W1 @ x[n, :, row, column]
        u2 = W2 @ np.maximum(u1, 0)
        back = seed[n] @ FC / 16
        for weights, u in ((W2, u2), (W1, u1)):
            back = np.array([g if g > 0 and own > 0 else 0 for g, own in zip(back, u, strict=True)])
            back = back @ weights
        gradient[n, :, row, column] = back
    return gradient


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.one = torch.nn.Conv2d(3, 5, 1, bias=False)
        self.two = torch.nn.Conv2d(5, 4, 1, bias=False)
        self.fc = torch.nn.Linear(4, 3, bias=False)
        for part, weights in ((self.one, W1), (self.two, W2), (self.fc, FC)):
            part.weight.data = torch.tensor(weights).reshape(part.weight.shape)

    def forward(self, x):
        x = torch.relu(self.two(torch.relu(self.one(x))))
        return self.fc(x.mean((2, 3)))


def small_keras():
    one = keras.layers.Conv2D(5, 1, use_bias=False, activation="relu")
    two = keras.layers.Conv2D(4, 1, use_bias=False, activation="relu")
    fc = keras.layers.Dense(3, use_bias=False)
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, fc(keras.layers.GlobalAveragePooling2D()(two(one(image)))))
    for layer, weights in ((one, W1), (two, W2), (fc, FC)):
        layer.set_weights([weights.T.reshape(tuple(layer.kernel.shape))])
    return model


def small_onnx():
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["u1"]),
        helper.make_node("Relu", ["u1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["u2"]),
        helper.make_node("Relu", ["u2"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "fc"], ["y"], transB=1),
    ]
    weights = {"w1": W1.reshape(5, 3, 1, 1), "w2": W2.reshape(4, 5, 1, 1), "fc": FC}
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


SMALL = {"torch": Small, "onnx": small_onnx, f"keras on {LANE}": small_keras}


@pytest.mark.parametrize("name", [name for name in FRAMEWORKS if importable(name)])
def test_every_framework_says_which_of_its_operators_each_name_stands_for(name):
    own = table(FRAMEWORKS[name])
    assert list(own) == list(CANONICAL)
    every = [operator for operators in own.values() for operator in operators]
    assert len(every) == len(set(every)), "an operator stands under one name"


def test_rules_speak_of_canonical_operators_only():
    for rule in RULES.values():
        assert set(rule.at) <= set(CANONICAL), rule.name
    assert treated(table(TORCH), LIBRAGRAD)["gelu"] == "held gate"
    assert named(table(TORCH), "gate") == table(TORCH)["gate"]


@pytest.mark.parametrize("kind", SMALL)
def test_a_rule_from_outside_is_one_declaration_and_one_file_a_framework(kind):
    own = LANE if kind.startswith("keras") else kind
    importlib.import_module(f"guided.in_{own}")
    network = xh.network(SMALL[kind]())
    recording = network.record(X, ["input"], rule=GUIDED)
    found = recording.pullback(SEED)["input"]
    np.testing.assert_allclose(found, guided_by_loops(X, SEED), atol=1e-6)
    plain = network.record(X, ["input"])
    np.testing.assert_allclose(plain.by(GUIDED).pullback(SEED)["input"], found, atol=1e-7)
    assert np.abs(plain.pullback(SEED)["input"] - found).max() > 1e-3


@pytest.mark.parametrize("kind", SMALL)
def test_a_rule_that_nobody_carries_out_is_refused_with_what_to_do(kind):
    network = xh.network(SMALL[kind]())
    with pytest.raises(NoRule, match="such as hirescam"):
        network.record(X, ["input"], rule=BackwardRule("nobody"))


def test_a_function_has_no_other_way_back():
    network = xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 4, 4))
    with pytest.raises(NoRule, match="LibraGrad"):
        network.record(X, ["input"]).by(LIBRAGRAD)


def test_slopes_are_asked_of_a_recording_not_of_a_pass():
    with pytest.raises(BadOption, match="between"):
        xh.network(Small()).record(X, ["input"], rule=DEEPLIFT)


def test_one_rule_is_carried_out_once_in_a_framework():
    implemented_by(LIBRAGRAD, TORCH)
    with pytest.raises(ValueError, match="already"):
        implements(LIBRAGRAD, TORCH)(object())


def test_the_gradient_is_no_rule_of_its_own():
    network = xh.network(Small())
    one, other = network.record(X, ["input"]), network.record(X, ["input"], rule=GRADIENT)
    np.testing.assert_array_equal(one.pullback(SEED)["input"], other.pullback(SEED)["input"])


class Written(Small):
    """The same function, whose operators answer in place or on the side."""

    def __init__(self, how, in_place):
        super().__init__()
        self.how, self.in_place = how, in_place

    def forward(self, x):
        x = self.how(self.one(x) + 0, self.in_place)
        return self.fc(self.two(x).mean((2, 3)))


def multiplied(x, in_place):
    gate = x.flip(1)
    return x.mul_(gate) if in_place else x * gate


def assigned(x, in_place):
    gate = x.flip(1)
    if in_place:
        x *= gate
        return x
    return x * gate


def squashed(x, in_place):
    if in_place:
        x.sigmoid_()
        return x
    return torch.sigmoid(x)


def bent(x, in_place):
    y = x + 0
    z = torch.tanh_(y) if in_place else torch.tanh(y)
    return y * z if in_place else z * z


def swished(x, in_place):
    return torch.nn.functional.hardswish(x, in_place)


@pytest.mark.parametrize("how", [multiplied, assigned, squashed, bent, swished])
def test_libragrad_of_an_operator_in_place_is_that_of_the_operator(how):
    found = []
    for in_place in (False, True):
        recording = xh.network(Written(how, in_place), image_shape=(3, 4, 4)).record(X, ["one"])
        found.append((recording.scores, recording.by(LIBRAGRAD).pullback(SEED)["one"]))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=1e-6)


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_a_norm_answers_in_one_piece_as_the_frameworks_own(name):
    """A model may view what a norm of a transposed input answers: PyTorch makes it contiguous."""
    norm = getattr(torch.nn.functional, name)

    def viewed(x, _):
        rows = norm(x.flatten(2).transpose(1, 2), (x.shape[1],))
        return rows.view(len(x), *x.shape[2:], -1).movedim(-1, 1)

    recording = xh.network(Written(viewed, False), image_shape=(3, 4, 4)).record(X, ["one"])
    assert np.any(recording.by(LIBRAGRAD).pullback(SEED)["one"])


def test_a_square_is_a_product_with_itself():
    for square in (torch.square, lambda x: x**2, lambda x: x * x):
        model = Written(lambda x, _, square=square: square(x), False)
        recording = xh.network(model, image_shape=(3, 4, 4)).record(X, ["one"])
        own = recording.by(LIBRAGRAD).pullback(SEED)["one"] * recording.activations["one"]
        scores = (recording.scores * SEED).sum(1)
        np.testing.assert_allclose(own.sum((1, 2, 3)), scores, rtol=1e-4)


def smallest(x, _):
    return x + x.flatten(2).amin(2)[:, :, None, None]


def test_slopes_of_the_smallest_of_several_add_up():
    recording = xh.network(Written(smallest, False), image_shape=(3, 4, 4)).record(X, ["one"])
    pair = recording.between("one", DEEPLIFT, row=0)
    rise = (pair.scores[0] - pair.scores[1]) @ SEED[0]
    seed = np.stack([SEED[0], 0 * SEED[0]])
    own = pair.pullback(seed)["one"][0] * pair.activations["one"][0]
    np.testing.assert_allclose(own.sum(), rise, rtol=1e-4)


def turned(x, _):
    return torch.div(torch.ones(1), 2 + x * x)


def test_what_a_divisor_that_moves_adds_is_counted():
    network = xh.network(Written(turned, False), image_shape=(3, 4, 4))
    recording, total = network.record(X, ["one"], rule=BIASES), []

    def use(_, gradient):
        total.append((gradient * recording.activations["one"]).sum())

    recording.each_gradient(SEED, use, lambda own: total.append(own.sum()))
    np.testing.assert_allclose(sum(total), (recording.scores * SEED).sum(), rtol=1e-4)
