"""Valid ONNX files as they are found in the wild: what the runtime runs is explained."""

import json
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError, NoRule, NoScores, UnsafeModel
from xai_heatmap.networks.onnx import same as onnx_same
from xai_heatmap.networks.onnx.graph import source
from xai_heatmap.networks.onnx.settled import answers

RNG = np.random.default_rng(0)
X = RNG.random((2, 3, 8, 8)).astype(np.float32)
STORED = {
    "w": RNG.standard_normal((4, 3, 3, 3)).astype(np.float32),
    "v": RNG.standard_normal((4, 3)).astype(np.float32),
}


def io(name: str, kind: int, shape: list | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    middle: list, outputs: list | None = None, *, after: list | None = None, opset: int = 17,
    size: tuple = ("n", 3, 8, 8), **stored: np.ndarray,
) -> onnx.ModelProto:  # fmt: skip
    """A convolution to "r", `middle` to "z", and a linear head."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        *middle,
        helper.make_node("GlobalAveragePool", ["z"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "v"], ["y"], name="last"),
        *(after or []),
    ]
    constants = [numpy_helper.from_array(a, n) for n, a in {**STORED, **stored}.items()]
    outputs = [io("y", TensorProto.FLOAT, ["n", 3])] if outputs is None else outputs
    graph = helper.make_graph(
        nodes, "graph", [io("x", TensorProto.FLOAT, list(size))], outputs, constants
    )
    domains = [("", opset), ("com.microsoft", 1), ("ai.onnx.ml", 3)]
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*d) for d in domains], ir_version=8
    )


SAME = [helper.make_node("Identity", ["r"], ["z"])]


def scores(model: onnx.ModelProto, x: np.ndarray, name: str = "y") -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run([name], {"x": x})[0]


@pytest.mark.parametrize("declared", [None, []])
def test_output_without_a_declared_shape_is_explained(declared: list | None) -> None:
    model = model_of(SAME, [io("y", TensorProto.FLOAT, None)])
    if declared is None:
        model.graph.output[0].ClearField("type")
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    maps = xh.maps(model, X, layer="relu", method="hirescam", target=1)
    assert maps.sum((1, 2)) == pytest.approx(scores(model, X)[:, 1], rel=1e-4)


@pytest.mark.parametrize("names", [["cat", "dog", "emu"], [7, 8, 9]])
@pytest.mark.parametrize("outputs", ["both", "map", "label"])
def test_what_feeds_a_zip_map_is_explained(names: list, outputs: str) -> None:
    kind = "strings" if isinstance(names[0], str) else "int64s"
    key = TensorProto.STRING if kind == "strings" else TensorProto.INT64
    value = helper.make_map_type_proto(key, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    named = helper.make_value_info("named", helper.make_sequence_type_proto(value))
    after = [
        helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0),
        helper.make_node(
            "ZipMap", ["y"], ["named"], domain="ai.onnx.ml", **{f"classlabels_{kind}": names}
        ),
    ]
    label = io("label", TensorProto.INT64, ["n"])
    every = {"both": [label, named], "map": [named], "label": [label]}[outputs]
    model = model_of(SAME, every, after=after)
    if outputs == "label":
        with pytest.raises(NoScores, match="label"):
            xh.network(model)
        return
    network = xh.network(model)
    assert network.declared.labels == tuple(map(str, names))
    right = scores(model_of(SAME), X)
    assert network.record(X).scores == pytest.approx(right, rel=1e-5)


def test_training_mode_is_said() -> None:
    middle = [
        helper.make_node(
            "BatchNormalization", ["r", "g", "b", "m", "s"], ["z", "m1", "s1"], training_mode=1
        )
    ]
    ones = {name: np.ones(4, np.float32) for name in "gbms"}
    network = xh.network(model_of(middle, **ones))
    assert "training mode (BatchNormalization)" in network.declared.changes[0]
    calm = [helper.make_node("BatchNormalization", ["r", "g", "b", "m", "s"], ["z"])]
    assert xh.network(model_of(calm, **ones)).declared.changes == ()


@pytest.mark.parametrize(("trains", "count"), [(True, 1), (False, 0)])
def test_dropout_in_training_mode_is_said(trains: bool, count: int) -> None:
    middle = [helper.make_node("Dropout", ["r", "ratio", "trains"], ["z"])]
    model = model_of(middle, ratio=np.float32(0.5), trains=np.array(trains))
    assert len(xh.network(model).declared.changes) == count


def test_rewriting_that_changes_scores_names_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    middle = [helper.make_node("Resize", ["r", "s"], ["z"], mode="nearest", name="shrink")]
    model = model_of(middle, opset=10, s=np.float32([1, 1, 0.7, 0.7]))
    monkeypatch.setattr("xai_heatmap.networks.onnx.autodiff.conversion.RESIZE_CHANGED", 0)
    with pytest.raises(ModelError, match=r"'shrink' \(Resize\).*other values"):
        xh.network(model)


def test_a_file_is_compared_once_and_only_if_it_was_rewritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = []
    monkeypatch.setattr(onnx_same, "answers", lambda *a: runs.append(1) or answers(*a))
    for opset, expected in ((18, 0), (13, 2)):
        runs.clear()
        network = xh.network(model_of(SAME, opset=opset, size=("n", 3, None, None)))
        network.record(X), network.record(X[..., :7]), network.record(X)
        assert len(runs) == expected


def test_pictures_that_share_a_scale_go_in_one_at_a_time() -> None:
    middle = [
        helper.make_node("DynamicQuantizeLinear", ["r"], ["q", "s", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "s", "zero"], ["z"]),
    ]
    network = xh.network(model_of(middle))
    both = xh.maps(
        network, X * np.float32([1, 9])[:, None, None, None], method="ablationcam", target=1
    )
    alone = [xh.maps(network, x[None], method="ablationcam", target=1)[0] for x in (X[0], X[1] * 9)]
    assert both == pytest.approx(np.stack(alone), rel=1e-4)


def test_operators_of_the_runtime_alone_are_refused_by_name_and_explained_without() -> None:
    middle = [helper.make_node("FastGelu", ["r"], ["z"], domain="com.microsoft", name="fast")]
    model = model_of(middle, size=(1, 3, 8, 8))
    network = xh.network(model)
    with pytest.raises(NoRule, match=r"'fast'.*com\.microsoft"):
        xh.maps(network, X, method="gradcam", layer="relu", target=1)
    assert xh.maps(network, X, method="ablationcam", layer="relu", target=1).shape == (2, 6, 6)


@pytest.mark.parametrize("value", [[8192, 8192], [0, 4], [1.5, 3], 3.0, True, "3", {}, [[1]]])
@pytest.mark.parametrize("key", ["input_size", "channels", "mode", "mean", "std"])
def test_metadata_is_checked_type_and_all(key: str, value: object) -> None:
    model = model_of(SAME)
    said = {"mode": "unit", "input_size": [8, 8], "channels": 3, key: value}
    for name, value in (("version", "1"), ("prep", json.dumps(said))):
        model.metadata_props.add(key=f"xai_heatmap.{name}", value=value)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert xh.network(model).declared.preprocess is None
    assert any("metadata" in str(warning.message) for warning in caught)


def test_picture_as_large_as_a_file_claims_is_bounded() -> None:
    model = model_of(SAME, size=("n", 3, 8192, 8192))
    with pytest.raises(ModelError, match="8192"):
        xh.network(model)
    given = source(model, image_shape=(3, 8192, 8192))
    assert given.picture.usual == (3, 8192, 8192)


def test_types_that_nobody_knows_are_refused() -> None:
    for place in ("input", "output", "initializer"):
        model = model_of(SAME)
        own = getattr(model.graph, place)[0]
        if place == "initializer":
            own.data_type = 99
        else:
            own.type.tensor_type.elem_type = 99
        with pytest.raises(ModelError, match="99"):
            xh.network(model)


def test_weights_in_a_file_with_an_endless_name_are_refused(tmp_path) -> None:
    model = model_of(SAME)
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="a" * 5000)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UnsafeModel, match="5000 letters"):
        xh.network(tmp_path / "m.onnx")


@pytest.mark.slow
def test_layers_of_integer_operators_are_the_users_own() -> None:
    nodes = [
        helper.make_node("QuantizeLinear", ["r", "s", "zero"], ["q"], name="codes"),
        helper.make_node("MaxPool", ["q"], ["m"], kernel_shape=[2, 2], name="pool"),
        helper.make_node(
            "QLinearSigmoid", ["m", "s", "zero", "t", "zero"], ["g"],
            domain="com.microsoft", name="gate",
        ),
        helper.make_node("DequantizeLinear", ["g", "t", "zero"], ["z"], name="read"),
    ]  # fmt: skip
    stored = {"s": np.float32(0.02), "t": np.float32(0.004), "zero": np.uint8(0)}
    network = xh.network(model_of(nodes, **stored))
    assert [n for n in network.layers if network.layers[n].places > 1] == [
        "input", "conv", "relu", "codes", "pool", "gate", "read"
    ]  # fmt: skip
    recorded = network.record(X, ["pool", "gate"]).activations
    assert recorded["gate"] == pytest.approx(1 / (1 + np.exp(-recorded["pool"])), abs=0.003)
    for layer in ("relu", "pool", "gate"):
        for method in ("gradcam", "ablationcam", "eigencam"):
            assert np.any(xh.maps(network, X, layer=layer, method=method, target=1))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT16, TensorProto.DOUBLE])
@pytest.mark.parametrize("method", ["reciprocam", "saliency"])
def test_a_standardisation_of_other_numbers_is_explained(kind: int, method: str) -> None:
    """onnx writes it out with numbers of 32 bits, which a runtime does not mix with others."""

    def made(*middle: onnx.NodeProto) -> onnx.ModelProto:
        return model_of([*middle, helper.make_node("Relu", ["m"], ["z"])])

    twin = made(helper.make_node("MeanVarianceNormalization", ["c"], ["m"], axes=[2, 3]))
    model = made(
        helper.make_node("Cast", ["c"], ["h"], to=kind),
        helper.make_node("MeanVarianceNormalization", ["h"], ["k"], axes=[2, 3]),
        helper.make_node("Cast", ["k"], ["m"], to=TensorProto.FLOAT),
    )
    named = {} if method == "saliency" else {"layer": "conv"}
    got = xh.maps(model, X, method=method, target=0, **named)
    right = xh.maps(twin, X, method=method, target=0, **named)
    assert np.abs(right).max() > 0
    assert got == pytest.approx(right, abs=0.02 * float(np.abs(right).max()))
