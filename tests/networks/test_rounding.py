"""Rounding is no evidence: PyTorch, Keras, ONNX and functions."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance import CLASSES, SHAPE
from xai_heatmap.testing.conformance import rounding as conformance_rounding

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


RANDOM = np.random.default_rng(3)
KERNELS = RANDOM.normal(size=(6, 3, 3, 3)).astype(np.float32)
WEIGHTS = RANDOM.normal(size=(CLASSES, 6)).astype(np.float32)
BIASES = np.float32([0.3, -0.2, 0.4, 0.1])


def same(values):
    """Of the last three classes those of the first of them."""
    return values[[0, 1, 1, 1]]


class OfFunctions:
    differentiable, layer = False, "input"

    def plain(self, weights=WEIGHTS, biases=BIASES):
        def scores(x):
            means = x.reshape(len(x), 3, 2, 4, 8).mean(axis=(3, 4)).reshape(len(x), 6)
            return np.maximum(means @ weights.T, 0) + np.abs(biases)

        return scores

    def twins(self):
        return self.plain(same(WEIGHTS), same(BIASES))


class OfTorch:
    differentiable, layer = True, "1"

    def plain(self, weights=WEIGHTS, biases=BIASES):
        torch = pytest.importorskip("torch")
        nn = torch.nn
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3, bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(6, CLASSES),
        )
        with torch.no_grad():
            for own, value in zip(model.parameters(), (KERNELS, weights, biases), strict=True):
                own.copy_(torch.from_numpy(value))
        return model.eval()

    twins = OfFunctions.twins


class OfKeras:
    differentiable, layer = True, "relu"

    def plain(self, weights=WEIGHTS, biases=BIASES):
        keras = pytest.importorskip("keras")
        model = keras.Sequential(
            [
                keras.Input((*SHAPE[1:], SHAPE[0])),
                keras.layers.Conv2D(6, 3, use_bias=False),
                keras.layers.ReLU(name="relu"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(CLASSES),
            ]
        )
        model.set_weights([KERNELS.transpose(2, 3, 1, 0), weights.T, biases])
        return model

    twins = OfFunctions.twins


class OfOnnx:
    differentiable, layer = True, "relu"

    def plain(self, weights=WEIGHTS, biases=BIASES):
        onnx = pytest.importorskip("onnx")
        h, kind = onnx.helper, onnx.TensorProto.FLOAT
        stored = {"kernels": KERNELS, "weights": weights, "biases": biases}
        graph = h.make_graph(
            [
                h.make_node("Conv", ["x", "kernels"], ["c"], name="conv"),
                h.make_node("Relu", ["c"], ["r"], name="relu"),
                h.make_node("GlobalAveragePool", ["r"], ["p"], name="pool"),
                h.make_node("Flatten", ["p"], ["f"], name="flat"),
                h.make_node("Gemm", ["f", "weights", "biases"], ["y"], name="linear", transB=1),
            ],
            "net",
            [h.make_tensor_value_info("x", kind, ["n", *SHAPE])],
            [h.make_tensor_value_info("y", kind, ["n", CLASSES])],
            [onnx.numpy_helper.from_array(value, name) for name, value in stored.items()],
        )
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9)

    twins = OfFunctions.twins


@pytest.mark.parametrize("kind", [OfFunctions, OfTorch, OfKeras, OfOnnx])
@pytest.mark.parametrize("check", conformance_rounding.CHECKS, ids=lambda check: check.__name__)
def test_rounding_is_no_evidence(kind, check):
    check(kind())


def test_a_normalisation_before_the_mean_takes_everything_away():
    torch = pytest.importorskip("torch")
    nn, model = torch.nn, OfTorch().plain()
    model[1] = nn.Sequential(nn.ReLU(), nn.InstanceNorm2d(6))
    network, x, _ = conformance_rounding.opened(model)
    names = ("hirescam", "gradcam", "layercam", "saliency", "ablationcam", "occlusion")
    for method, word in conformance_rounding.words(network, x, xh.category(1), names, "0").items():
        assert word == "cancelled", method


def test_a_black_picture_and_a_large_offset_are_no_rounding():
    torch = pytest.importorskip("torch")
    model = OfTorch().plain()
    with torch.no_grad():
        model[4].bias += 1000
    network = xh.network(model, image_shape=SHAPE, answers="values")
    for x in (np.zeros((1, *SHAPE), np.float32), np.full((1, *SHAPE), 0.1, np.float32)):
        for method in ("saliency", "hirescam", "gradcam"):
            one = xh.explain(network, x, method=method, preprocess="ready", target=0)
            assert one.verdict.word != "cancelled", method


def test_a_layer_that_nothing_hangs_on_stays_dead():
    torch = pytest.importorskip("torch")

    class Cut(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = OfTorch().plain()
            self.beside = torch.nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.inner(x) + 0 * self.beside(x).sum()

    network = xh.network(Cut().eval(), image_shape=SHAPE, answers="values")
    x = np.ones((1, *SHAPE), np.float32)
    ask = {"preprocess": "ready", "layer": "beside"}
    assert xh.explain(network, x, target=0, **ask).verdict.word == "dead_gradient"
