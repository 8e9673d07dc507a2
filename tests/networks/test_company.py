"""A picture's map does not depend on the pictures beside it: PyTorch, Keras, ONNX and functions."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.testing.conformance import SHAPE
from xai_heatmap.testing.conformance import company as conformance_company

EPSILON = np.float32(1e-6)


class OfFunctions:
    differentiable = False

    def shares(self):
        return lambda x: x[:, [0, 2]].mean((2, 3))

    def places(self):
        return lambda x: x[:, [0, 2]]

    def normalised(self):
        def normalised(x):
            size = np.abs(x[:, :2].mean((2, 3)))
            return size / (size.sum(1, keepdims=True) + EPSILON)

        return normalised


class OfTorch:
    differentiable = True

    def _module(self, forward):
        torch = pytest.importorskip("torch")

        class Module(torch.nn.Module):
            def forward(self, x):
                return forward(x)

        return Module().eval()

    def shares(self):
        return self._module(lambda x: x[:, [0, 2]].mean((2, 3)))

    def places(self):
        return self._module(lambda x: x[:, [0, 2]] * 1)

    def normalised(self):
        def normalised(x):
            size = x[:, :2].mean((2, 3)).abs()
            return size / (size.sum(1, keepdim=True) + EPSILON)

        return self._module(normalised)


class OfKeras:
    differentiable = True

    def _model(self, function):
        keras = pytest.importorskip("keras")

        class Own(keras.layers.Layer):
            def call(self, x):
                return function(keras.ops, x)

        given = keras.Input((*SHAPE[1:], SHAPE[0]))
        return keras.Model(given, Own()(given))

    def shares(self):
        def shares(ops, x):
            means = ops.mean(x, (1, 2))
            return ops.stack([means[:, 0], means[:, 2]], 1)

        return self._model(shares)

    def places(self):
        return self._model(lambda ops, x: ops.stack([x[..., 0], x[..., 2]], -1))

    def normalised(self):
        def normalised(ops, x):
            size = ops.abs(ops.mean(x, (1, 2))[:, :2])
            return size / (ops.sum(size, 1, keepdims=True) + EPSILON)

        return self._model(normalised)


class OfOnnx:
    differentiable = True

    def _graph(self, *nodes, answer, picked):
        onnx = pytest.importorskip("onnx")
        h, numpy = onnx.helper, onnx.numpy_helper
        kind = onnx.TensorProto.FLOAT
        stored = {"picked": np.array(picked), "epsilon": EPSILON, "one": np.array([1])}
        graph = h.make_graph(
            [h.make_node("Gather", ["x", "picked"], ["g"], axis=1),
             *(h.make_node(*node[:3], **(node[3] if len(node) > 3 else {})) for node in nodes)],
            "net",
            [h.make_tensor_value_info("x", kind, ["n", *SHAPE])],
            [h.make_tensor_value_info("y", kind, ["n", *answer])],
            [numpy.from_array(value, name) for name, value in stored.items()],
        )  # fmt: skip
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=9)

    MEAN = (("GlobalAveragePool", ["g"], ["p"]), ("Flatten", ["p"]))

    def shares(self):
        pool, flat = self.MEAN
        return self._graph(pool, (*flat, ["y"]), answer=(2,), picked=[0, 2])

    def places(self):
        return self._graph(("Identity", ["g"], ["y"]), answer=(2, *SHAPE[1:]), picked=[0, 2])

    def normalised(self):
        pool, flat = self.MEAN
        return self._graph(
            pool, (*flat, ["f"]), ("Abs", ["f"], ["r"]), ("ReduceSum", ["r", "one"], ["s"]),
            ("Add", ["s", "epsilon"], ["e"]), ("Div", ["r", "e"], ["y"]),
            answer=(2,), picked=[0, 1],
        )  # fmt: skip


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("company", [OfFunctions, OfTorch, OfKeras, OfOnnx])
@pytest.mark.parametrize("check", conformance_company.CHECKS, ids=lambda check: check.__name__)
def test_a_picture_is_the_same_in_any_company(company, check):
    check(company())


def test_the_network_is_asked_once_and_only_where_a_row_leaves_it_open():
    calls = []

    def function(x):
        calls.append(len(x))
        return x[:, :2].mean((2, 3)) - np.float32(5)

    opened = xh.network(function, image_shape=SHAPE)
    x = conformance_company.sums_to_one()[None]
    assert opened.record(x).meaning == "logits"
    assert calls == [1]

    def likely(x):
        calls.append(len(x))
        return np.tile(np.float32([0.25, 0.75]), (len(x), 1))

    opened = xh.network(likely, image_shape=SHAPE)
    calls.clear()
    assert {opened.record(x).meaning, opened.record(x).meaning} == {"probabilities"}
    assert calls == [1, 2, 1]


def test_a_function_that_fails_on_noise_is_still_read():
    def picky(x):
        if len(x) == 2:
            raise RuntimeError
        return np.tile(np.float32([0.25, 0.75]), (len(x), 1))

    opened = xh.network(picky, image_shape=SHAPE)
    assert opened.record(np.zeros((1, *SHAPE), np.float32)).meaning == "probabilities"
