"""Rows of tables: a network of features, what each of them contributed, and its bar."""

import json

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.explaining.rows import takes_rows
from xai_heatmap.render.bars import bars

torch = pytest.importorskip("torch", reason="needs PyTorch")

pytestmark = pytest.mark.usefixtures("unchecked")

RANDOM = np.random.default_rng(0)
FIRST, SECOND = RANDOM.normal(size=(4, 6)), RANDOM.normal(size=(6, 3))
ROW = RANDOM.normal(size=4).astype(np.float32)
NAMES = ["age", "weight", "pulse", "dose"]


def in_torch():
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 6, bias=False), torch.nn.Tanh(), torch.nn.Linear(6, 3, bias=False)
    )
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(FIRST.T))
        model[2].weight.copy_(torch.tensor(SECOND.T))
    return model.eval()


def in_keras():
    keras = pytest.importorskip("keras", reason="needs Keras")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(6, activation="tanh", use_bias=False),
            layers.Dense(3, use_bias=False),
        ]
    )
    model.set_weights([FIRST, SECOND])
    return model


def in_onnx():
    onnx = pytest.importorskip("onnx")
    h, t = onnx.helper, onnx.TensorProto
    stored = [
        onnx.numpy_helper.from_array(own.astype(np.float32), name)
        for name, own in (("a", FIRST), ("b", SECOND))
    ]
    nodes = [
        h.make_node("MatMul", ["x", "a"], ["u"]),
        h.make_node("Tanh", ["u"], ["v"]),
        h.make_node("MatMul", ["v", "b"], ["y"]),
    ]
    shown = [h.make_tensor_value_info(n, t.FLOAT, ["n", k]) for n, k in (("x", 4), ("y", 3))]
    graph = h.make_graph(nodes, "g", shown[:1], shown[1:], stored)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)])
    model.ir_version = 8
    return model


MODELS = [in_torch, in_keras, in_onnx]


def wanted(row, steps=32):
    """Integrated gradients from 0, by the midpoint rule, in double precision."""
    x, total = row.astype(np.float64), 0
    for step in range(steps):
        inner = np.tanh((step + 0.5) / steps * x @ FIRST)
        total = total + FIRST @ ((1 - inner**2) * SECOND[:, 1]) / steps
    return x * total


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("make", MODELS)
def test_a_row_is_explained_feature_by_feature(make):
    model = make()
    for given in (ROW, ROW[None], torch.tensor(ROW), ROW.astype(np.float64)):
        e = xh.explain(model, given, target=1, features=NAMES)
        assert (e.method, e.layer.name) == ("integrated_gradients", "input")
        np.testing.assert_allclose(e.map, wanted(ROW), atol=1e-5)
        assert list(e.attributions) == [NAMES[k] for k in np.argsort(-np.abs(e.map))]
        assert e.attributions["dose"] == e.map[3]
        assert json.loads(json.dumps(e.to_dict()))["attributions"] == e.attributions
    rows = np.stack([ROW, -2 * ROW])
    found = xh.maps(model, rows, target=1)
    np.testing.assert_allclose(found, [wanted(own) for own in rows], atol=1e-4)


@pytest.mark.parametrize("make", MODELS)
def test_regions_and_baselines_of_a_row(make):
    model, groups = make(), np.array([0, 0, 1, 2])
    how = {"method": "occlusion", "target": 1}
    e = xh.explain(model, ROW, **how, options={"regions": groups, "fill": ROW[::-1].copy()})

    def score(x):
        return np.tanh(x.astype(np.float64) @ FIRST) @ SECOND[:, 1]

    for group in (0, 1, 2):
        changed = np.where(groups == group, ROW[::-1], ROW)
        assert e.regions[group] == pytest.approx(score(ROW) - score(changed), abs=1e-5)


def test_names_come_with_a_series_or_are_numbers():
    class Series:  # as pandas has it
        index, shape, dtype = NAMES, (4,), np.dtype("float64")

        def __array__(self, dtype=None, copy=None):
            return ROW.astype(dtype or np.float64)

    assert set(xh.explain(in_torch(), Series()).attributions) == set(NAMES)
    assert set(xh.explain(in_torch(), ROW).attributions) == {f"feature {k}" for k in range(4)}
    for row, e in zip(
        [ROW, -ROW], xh.explain(in_torch(), [ROW, -ROW], features=NAMES), strict=True
    ):
        assert set(e.attributions) == set(NAMES), row


def test_other_rows_and_names_are_refused_in_words():
    with pytest.raises(BadArray, match=r"explain\(network, list\(rows\)\)"):
        xh.explain(in_torch(), np.stack([ROW, ROW]))
    with pytest.raises(BadOption, match="each of the 4 numbers"):
        xh.explain(in_torch(), ROW, features=["age"])
    with pytest.raises(BadArray, match="a name, a contribution and a value"):
        bars(["a"], [1.0, 2.0], [0.0], colormap="bluered")


def test_bars_are_as_long_as_what_a_feature_contributed():
    e = xh.explain(in_torch(), ROW, target=1, features=NAMES)
    picture = e.overlay()
    assert picture.dtype == np.uint8
    coloured = (np.ptp(picture.astype(int), axis=2) > 30).sum(axis=1)
    lines = [coloured[12 + 30 * k + 15] for k in range(4)]
    sizes = np.sort(np.abs(e.map))[::-1]
    np.testing.assert_allclose(lines, sizes / sizes[0] * 320, atol=4)
    many = bars([f"f{k}" for k in range(50)], [float(k) for k in range(50)], [0.0] * 50,
                colormap="inferno")  # fmt: skip
    assert many.shape[0] == 31 * 30 + 24


def test_a_function_of_arrays_is_explained_by_covering_features():
    def predict(rows):
        return rows @ SECOND[:4]

    network = xh.network(predict, axes="f")
    e = xh.explain(network, ROW, target=1, options={"window": 1})
    assert e.method == "occlusion"
    np.testing.assert_allclose(e.map, ROW * SECOND[:4, 1], atol=1e-5)


def one_channel(kind):
    """A network of signals of one channel and 24 steps, whose file declares as many numbers as a
    row of 24 features.
    """
    if kind == "keras":
        keras = pytest.importorskip("keras", reason="needs Keras")
        pieces = [keras.layers.Conv1D(3, 3), keras.layers.GlobalAveragePooling1D()]
        return keras.Sequential([keras.Input((24, 1)), *pieces, keras.layers.Dense(3)])
    onnx = pytest.importorskip("onnx")
    h, t = onnx.helper, onnx.TensorProto
    kernel = onnx.numpy_helper.from_array(RANDOM.normal(size=(3, 1, 3)).astype(np.float32), "w")
    nodes = [
        h.make_node("Conv", ["x", "w"], ["u"], name="conv"),
        h.make_node("GlobalAveragePool", ["u"], ["v"]),
        h.make_node("Flatten", ["v"], ["y"]),
    ]
    ends = [h.make_tensor_value_info("x", t.FLOAT, ["n", 1, 24])]
    graph = h.make_graph(
        nodes, "g", ends, [h.make_tensor_value_info("y", t.FLOAT, ["n", 3])], [kernel]
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize(("kind", "shape"), [("keras", (24, 1)), ("onnx", (1, 24))])
def test_a_signal_of_one_channel_is_no_row(kind, shape):
    x = RANDOM.normal(size=shape).astype(np.float32)
    e = xh.explain(one_channel(kind), x, method="occlusion", options={"window": 3})
    assert e.map.shape == (24,)
    assert not e.attributions


def test_a_recurrent_network_takes_no_row():
    keras = pytest.importorskip("keras", reason="needs Keras")
    network = xh.network(keras.Sequential([keras.layers.GRU(4), keras.layers.Dense(3)]))
    assert not takes_rows(network, (2,))
