"""What only an ONNX graph has: fixed batches, other types and layouts, old opsets, metadata."""

import gc
import json
import threading
import warnings
import weakref

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

import xai_heatmap as xh
from held_memory import assert_memory_is_flat
from xai_heatmap.core.layers.selection import select
from xai_heatmap.explaining.grid import Refusal, grid_rows
from xai_heatmap.networks.onnx.kept import KEPT, SERVED
from xai_heatmap.networks.onnx.metadata import LABELS, METHOD, PREPROCESS, WORDS, declared
from xai_heatmap.networks.onnx.runtime import open_onnx
from xai_heatmap.networks.onnx.session import Session
from xai_heatmap.sources.preprocess import FITS, PRESETS
from xai_heatmap.testing import conformance
from xai_heatmap.testing.kits.onnx_kit import CLASSES, Graph, OnnxKit, conv, linear, pooled, relu


def pictures(n: int = 2, seed: int = 0) -> np.ndarray:
    return conformance.images(n, seed)


def fixed(model: ModelProto, images: int) -> ModelProto:
    """The same for so many images at a time."""
    copy = ModelProto()
    copy.CopyFrom(model)
    copy.graph.input[0].type.tensor_type.shape.dim[0].dim_value = images
    for value in copy.graph.output:
        value.type.tensor_type.shape.dim[0].Clear()
    return copy


def test_the_picture_outlives_the_run_of_its_portion():
    x = pictures(1)
    network = xh.network(fixed(OnnxKit().plain().model, 1))
    view = network._view(conformance.SHAPE)
    site = view.sites["input"]
    head = network._engine.head(network._adapter, x, "input", site, view.undo, whole=False)
    others = [np.full_like(x, 7) for _ in range(99)]  # take the place of whatever was freed
    np.testing.assert_array_equal(head.output, x)
    assert len(others) == 99


@pytest.mark.parametrize("images", [1, 2, 3])
def test_a_fixed_number_of_images_is_run_in_portions(images):
    case = OnnxKit().plain()
    free, portioned = xh.network(case.model), xh.network(fixed(case.model, images))
    x = pictures(5)
    expected, found = (one.record(x, ["conv", "input"]) for one in (free, portioned))
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    cotangent = np.random.default_rng(1).normal(size=(5, CLASSES)).astype(np.float32)
    wanted = expected.pullback(cotangent)
    for name, gradient in found.pullback(cotangent).items():
        np.testing.assert_allclose(gradient, wanted[name], atol=1e-6)
        np.testing.assert_allclose(found.activations[name], expected.activations[name], atol=1e-6)
    others = np.random.default_rng(2).normal(size=(4, 5, 6, 6)).astype(np.float32)
    replayed = found.replay("conv", others, row=4)
    np.testing.assert_allclose(replayed.scores, case.head(others), atol=1e-5)


@pytest.mark.parametrize("images", [1, 3])
def test_a_fixed_number_of_images_with_a_frontier(images):
    case = OnnxKit().residual()
    free, portioned = xh.network(case.model), xh.network(fixed(case.model, images))
    x = pictures(4)
    others = np.random.default_rng(2).normal(size=(5, 5, 6, 6)).astype(np.float32)
    expected, found = (
        one.record(x, ["branch"]).replay("branch", others, row=3) for one in (free, portioned)
    )
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
    cotangent = np.ones((5, CLASSES), np.float32)
    np.testing.assert_allclose(
        found.pullback(cotangent)["branch"], expected.pullback(cotangent)["branch"], atol=1e-6
    )


def channels_last() -> tuple[ModelProto, Graph]:
    """As tf2onnx writes it: turned at the beginning, the logits behind a mean over the middle."""
    graph = Graph()
    a = graph.conv(graph("Transpose", "image", perm=[0, 3, 1, 2], name="turn"), "conv", 5)
    back = graph("Transpose", graph("Relu", a, name="relu"), perm=[0, 2, 3, 1], name="back")
    axes = graph.stores("axes", np.array([1, 2]))
    mean = graph("ReduceMean", back, axes, keepdims=0)
    product = graph("MatMul", mean, graph.weight("fc.weight", 5, CLASSES))
    model = graph.model(logits=graph("Add", product, graph.weight("fc.bias", CLASSES)))
    dims = model.graph.input[0].type.tensor_type.shape.dim
    for dim, length in zip(dims[1:], (8, 8, 3), strict=True):
        dim.dim_value = length
    return model, graph


def test_channels_last_is_found_from_the_shape():
    model, graph = channels_last()
    opened = xh.network(model)
    assert opened.channels_last
    assert opened.declared.input_shape == (3, 8, 8)
    assert opened.layers["back"].shape == (5, 6, 6)
    assert opened.layers["back"].layout.kind == "channels_last"
    x = pictures()
    recording = opened.record(x, ["back", "conv", "input"])
    expected = relu(graph.first(x))
    np.testing.assert_allclose(recording.activations["back"], expected, atol=1e-5)
    scores = linear(pooled(expected), graph.stored["fc.weight"].T, graph.stored["fc.bias"])
    np.testing.assert_allclose(recording.scores, scores, atol=1e-5)
    gradient = recording.pullback(np.eye(CLASSES, dtype=np.float32)[[1, 2]])
    row = graph.stored["fc.weight"][:, 1] / 36
    np.testing.assert_allclose(
        gradient["back"][0], np.broadcast_to(row[:, None, None], (5, 6, 6)), atol=1e-6
    )
    assert gradient["input"].shape == x.shape


def test_open_sides_are_read_in_any_size():
    graph = Graph()
    model = graph.model(
        logits=graph.classified(graph("Relu", graph.conv("image", "conv", 5), name="relu"))
    )
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.Clear()
    opened = xh.network(model)
    assert opened.declared.input_shape is None
    for size in (8, 12):
        x = np.random.default_rng(0).normal(size=(2, 3, size, size + 1)).astype(np.float32)
        recording = opened.record(x, ["conv"])
        np.testing.assert_allclose(recording.activations["conv"], graph.first(x), atol=1e-5)
        assert np.abs(recording.pullback(np.ones((2, CLASSES), np.float32))["conv"]).max() > 0


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_numbers_of_another_precision_cross_as_float32(dtype):
    graph = Graph()
    real = graph("Cast", "image", to=TensorProto.FLOAT)
    logits = graph.classified(graph("Relu", graph.conv(real, "conv", 5)))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    model = graph.model(logits=graph("Cast", logits, to=kind))
    model.graph.input[0].type.tensor_type.elem_type = kind
    model.graph.output[0].type.tensor_type.elem_type = kind
    recording = xh.network(model).record(pictures(), ["conv", "input"])
    gradients = recording.pullback(np.ones((2, CLASSES), np.float32))
    arrays = [recording.scores, *recording.activations.values(), *gradients.values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    np.testing.assert_allclose(recording.activations["conv"], graph.first(pictures()), atol=5e-3)


@pytest.mark.parametrize("cast_first", [True, False])
def test_pictures_in_whole_numbers(cast_first):
    graph = Graph()
    if cast_first:
        real = graph("Cast", graph("Transpose", "image", perm=[0, 1, 2, 3]), to=TensorProto.FLOAT)
    else:
        even = graph("Div", "image", graph.stores("one", np.array(1, np.uint8)))
        real = graph("Cast", even, to=TensorProto.FLOAT)
    small = graph("Mul", real, graph.stores("255", np.float32(1 / 255)))
    model = graph.model(logits=graph.classified(graph("Relu", graph.conv(small, "conv", 5))))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8)).astype(np.float32)
    recording = xh.network(model).record(x, ["conv", "input"])
    np.testing.assert_allclose(
        recording.activations["conv"],
        conv(x / 255, graph.stored["conv.weight"], graph.stored["conv.bias"]),
        atol=1e-5,
    )
    gradient = recording.pullback(np.ones((2, CLASSES), np.float32))
    assert np.abs(gradient["conv"]).max() > 0
    assert bool(np.abs(gradient["input"]).max() > 0) == cast_first, "steps have no slope"


def test_an_old_opset_is_converted_up():
    graph = Graph()
    pooled_ = graph("MaxPool", graph.conv("image", "conv", 5), kernel_shape=[2, 2], name="pool")
    model = graph.model(p=graph("Softmax", graph.classified(graph("Relu", pooled_)), axis=1))
    old = ModelProto()
    old.CopyFrom(model)
    old.opset_import[0].version = 11
    new, before = (xh.network(one).record(pictures(), ["pool", "conv"]) for one in (model, old))
    np.testing.assert_allclose(before.scores, new.scores, atol=1e-6)
    cotangent = np.ones((2, CLASSES), np.float32)
    cotangent[:, 0] = -2
    wanted = new.pullback(cotangent)
    for name, gradient in before.pullback(cotangent).items():
        np.testing.assert_allclose(gradient, wanted[name], atol=1e-6)
    assert xh.network(old).closing == "softmax"


def test_a_softmax_over_something_else_than_classes_is_no_closing_function():
    graph = Graph()
    logits = graph.classified(graph("Relu", graph.conv("image", "conv", 5)))
    model = graph.model(logits=graph("Softmax", logits, axis=0))
    assert xh.network(model).closing is None


def test_scores_of_four_axes_and_of_one():
    graph = Graph()
    grid = graph("GlobalAveragePool", graph.conv("image", "conv", CLASSES))
    model = graph.model(p=graph("Softmax", grid, axis=1))
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", CLASSES, 1, 1])
    )
    opened = xh.network(model)
    assert opened.closing == "softmax"
    np.testing.assert_allclose(
        opened.record(pictures(), ["conv"]).scores, pooled(graph.first(pictures())), atol=1e-5
    )
    graph = Graph()
    one = graph.classified(graph("Relu", graph.conv("image", "conv", 5)), 1)
    model = graph.model(
        p=graph("Sigmoid", graph("Reshape", one, graph.stores("s", np.array([-1]))))
    )
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n"]))
    opened = xh.network(model)
    assert opened.closing == "sigmoid"
    recording = opened.record(pictures(3), ["conv"])
    assert recording.scores.shape == (3, 1)
    assert np.abs(recording.pullback(np.ones((3, 1), np.float32))["conv"]).max() > 0


def test_an_output_is_chosen_by_name_or_number():
    graph = Graph()
    a = graph("Relu", graph.conv("image", "conv", 5))
    first = graph.classified(a)
    second = graph("Neg", first)
    model = graph.model(one=first, other=second)
    x = pictures()
    plain = xh.network(model).record(x).scores
    for which in ("other", 1, -1):
        np.testing.assert_allclose(
            xh.network(model, output=which).record(x).scores, -plain, atol=1e-6
        )


def test_layers_are_named_by_nodes_and_by_outputs_and_never_twice():
    graph = Graph()
    a = graph.conv("image", "conv", 5)
    b = graph("Relu", a)  # without a name
    c = graph("Neg", b, name="input")  # the name of layer zero
    layers = xh.network(graph.model(logits=graph.classified(c))).layers
    assert list(layers)[:4] == ["input", "conv", b, "input (Neg)"]
    assert layers["input"].kind == "Input"


def test_shapes_that_cannot_be_inferred_are_probed():
    graph = Graph()
    a = graph.conv("image", "conv", 5)
    gelu = graph("FastGelu", a, domain="com.microsoft", name="gelu")
    model = graph.model(logits=graph.classified(graph("Relu", gelu, name="relu")))
    model.opset_import.add(domain="com.microsoft", version=1)
    opened = xh.network(model)
    assert opened.layers["gelu"].shape == (5, 6, 6)
    assert opened.layers["relu"].shape == (5, 6, 6)
    maps = xh.maps(opened, pictures(), method="eigencam", layer="gelu")
    assert maps.shape == (2, 6, 6)


@pytest.mark.slow
def test_sessions_are_made_once_and_forgotten_in_the_end(monkeypatch):
    from xai_heatmap.networks.onnx import session as onnx_session

    made = []
    own = onnx_session.Session.__init__
    monkeypatch.setattr(
        onnx_session.Session, "__init__", lambda *a, **k: (made.append(1), own(*a, **k))[1]
    )
    opened = xh.network(OnnxKit().plain().model)
    for _ in range(3):
        opened.record(pictures(), ["conv"]).pullback(np.ones((2, CLASSES), np.float32))
    assert len(made) == 2, "one forwards, one backwards"
    names = [name for name, layer in opened.layers.items() if layer.places > 1]
    for _ in range(2 * KEPT):
        for name in names:
            opened.record(pictures(), [name])
    assert len(opened._engine._kept.plans) <= KEPT


def test_no_layer_has_no_gradient():
    recording = xh.network(OnnxKit().plain().model).record(pictures())
    assert recording.pullback(np.ones((2, CLASSES), np.float32)) == {}


def test_the_model_handed_in_is_copied():
    model = OnnxKit().plain().model
    opened = xh.network(model)
    before = opened.record(pictures(), ["conv"]).scores
    model.graph.initializer[0].raw_data = bytes(len(model.graph.initializer[0].raw_data))
    np.testing.assert_array_equal(opened.record(pictures(), ["relu"]).scores, before)


def test_what_was_recorded_can_not_be_changed_by_mistake():
    recording = xh.network(OnnxKit().plain().model).record(pictures(), ["conv"])
    with pytest.raises(ValueError, match="read-only"):
        recording.activations["conv"][0] = 0


@pytest.mark.slow
def test_threads_that_share_a_network_take_turns():
    opened = xh.network(OnnxKit().plain().model)
    batches = [pictures(2, seed) for seed in range(8)]
    alone = [xh.maps(opened, x, layer="all") for x in batches]
    found: dict[int, dict] = {}
    threads = [
        threading.Thread(
            target=lambda i=i: found.update({i: xh.maps(opened, batches[i], layer="all")})
        )
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, maps in enumerate(alone):
        for name, right in maps.items():
            np.testing.assert_array_equal(found[i][name], right)


@pytest.mark.slow
def test_memory_stays_flat_over_many_images():
    graph = Graph()
    a = graph("Relu", graph.conv("image", "conv", 16, pads=[1, 1, 1, 1]), name="relu")
    b = graph.conv(a, "second", 5, 16)
    model = graph.model(logits=graph.classified(graph("Relu", b)))
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = 96
    opened = xh.network(model)
    assert_memory_is_flat(opened)


def test_a_dropped_recording_is_freed_without_the_collector():
    recording = xh.network(OnnxKit().plain().model).record(pictures(), ["conv"])
    recording.pullback(np.ones((2, CLASSES), np.float32))
    gone = weakref.ref(recording)
    gc.disable()
    try:
        del recording
        assert gone() is None
    finally:
        gc.enable()


def test_providers_are_handed_on():
    opened = open_onnx(OnnxKit().plain().model, providers=["NoSuchExecutionProvider"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            opened.record(pictures(), ["conv"])
        except xh.XaiHeatmapError as error:
            assert "onnxruntime" in str(error)  # noqa: PT017 - either answer shows that it was asked


# ---- what a file says of itself


def saying(**entries: str) -> ModelProto:
    model = OnnxKit().plain().model
    for key, value in entries.items():
        model.metadata_props.add(key=f"xai_heatmap.{key}", value=value)
    return model


def test_preprocessing_and_labels_are_read_from_the_metadata():
    said = {"mode": "tf", "mean": None, "input_size": [8, 8], "ratio": 1.0, "fit": "crop"}
    names = ["für", "against", "three", "four"]
    model = saying(prep=json.dumps(said), labels=json.dumps(names))
    found = xh.network(model).declared
    assert found.preprocess == said
    assert found.labels == tuple(names)
    assert xh.network(OnnxKit().plain().model).declared.labels is None


@pytest.mark.parametrize(
    "text",
    [
        "not json", "[1, 2]", "7", '{"mode": "evil"}', '{"mode": ["tf"]}', '{"unknown": 1}',
        '{"mean": [1, 2, 3, 4]}', '{"mean": [1e999]}', '{"mean": ["a"]}', '{"std": [0]}',
        '{"std": [-1, 1, 1]}', '{"input_size": [8]}', '{"input_size": [0, 8]}',
        '{"input_size": [8, 99999999]}', '{"input_size": [8.5, 8]}', '{"channels": true}',
        '{"channels": 7}', '{"ratio": 2}', '{"ratio": NaN}', '{"ratio": null}',
        '{"mean": [' + "9" * 4000 + "]}", '{"mode": "' + "t" * 5000 + '"}', "[" * 3000,
    ],
)  # fmt: skip
def test_preprocessing_that_makes_no_sense_is_not_used(text):
    with pytest.warns(UserWarning, match="prep"):
        assert declared(saying(prep=text), image_shape=None).preprocess is None


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", '"abc"', "[1]", '["a", null]', '["a\\u0000"]', '["\\u001b[31m"]',
        '["line\\nbreak"]', json.dumps(["x" * 2000]), "[" * 3000,
    ],
)  # fmt: skip
def test_labels_that_make_no_sense_are_not_used(text):
    with pytest.warns(UserWarning, match="labels"):
        assert declared(saying(labels=text), image_shape=None).labels is None


def test_the_words_that_metadata_may_use_are_those_of_preprocess():
    assert set(WORDS["mode"]) == set(PRESETS)
    assert set(WORDS["fit"]) == set(FITS)
    assert {PREPROCESS, LABELS, METHOD} <= {
        f"xai_heatmap.{w}" for w in ("prep", "labels", "method")
    }


@pytest.mark.slow
def test_importing_the_package_brings_no_onnx():
    import subprocess
    import sys

    code = "import xai_heatmap as xh, sys; xh.network; xh.export; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] in ("True", "False")
    code = "import xai_heatmap as xh, sys; xh.network; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"


@pytest.mark.slow
def test_a_model_on_onnx_brings_no_other_framework(tmp_path):
    import subprocess
    import sys

    path = tmp_path / "model.onnx"
    onnx.save(OnnxKit().plain().model, path)
    code = (
        "import sys, numpy as np, xai_heatmap as xh\n"
        f"n = xh.network({str(path)!r})\n"
        "xh.maps(n, np.zeros((1, 3, 8, 8), np.float32) + .1)\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"torch", "keras", "tensorflow", "jax", "scipy", "matplotlib"}


def test_rows_of_a_linear_head_are_what_runs_give():
    case = OnnxKit().last()
    opened = xh.network(case.model)
    recording = opened.record(pictures(3), ["conv"])
    random = np.random.default_rng(0)
    dense = random.normal(size=(3, CLASSES)).astype(np.float32)
    first = recording.pullback(dense)["conv"]
    again = recording.pullback(dense)["conv"]
    (plan,) = opened._engine._kept.plans.values()
    assert plan._halves._rows.rows
    np.testing.assert_allclose(again, first, atol=1e-7)
    np.testing.assert_allclose(first, np.broadcast_to(dense[..., None, None] / 36, first.shape))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gradcam", "eigencam", "reciprocam", "scorecam"])
def test_compiled_graphs_are_freed_with_their_network(method):
    """Each holds megabytes that a garbage collector does not see, so it would not hurry."""
    network = conformance.network(OnnxKit().plain().model)
    gc.collect()
    others = _sessions()  # of networks that other tests hold on to
    gc.disable()
    try:
        xh.maps(network, conformance.images(), method=method)
        xh.maps(network, conformance.images(), method=method)
        assert len(_sessions()) > len(others)
        del network
        assert len(_sessions()) == len(others)
    finally:
        gc.enable()


def _sessions() -> list[Session]:
    return [one for one in gc.get_objects() if type(one) is Session]


def sessions_of(monkeypatch) -> list[int]:
    """One number for each graph that is compiled from now on."""
    compiled: list[int] = []
    own = Session.__init__

    def counted(self, *args, **kwargs):
        compiled.append(len(compiled))
        own(self, *args, **kwargs)

    monkeypatch.setattr(Session, "__init__", counted)
    return compiled


@pytest.mark.slow
def test_refusals_of_single_layers_compile_nothing_again(monkeypatch):
    network = conformance.network(OnnxKit().residual().model)
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    layers = select(network.survey(conformance.SHAPE), "all")
    assert len(layers) >= 4

    def ask(targets, methods, some):
        found = xh.compare(network, picture, methods=methods, layers=some, preprocess="unit")
        return {(0, one.method, one.layer.name): one for one in found}

    compiled = sessions_of(monkeypatch)
    grid_rows(ask, ["gradcam"], layers)
    assert len(compiled) == 1  # one program
    (found,) = grid_rows(ask, ["gradcam", "cam"], layers)
    refused = [line.layer for line in found if isinstance(line.cells[1], Refusal)]
    assert len(refused) >= 2
    assert len(compiled) == 3  # and the two ways of all layers, which every other one shares


@pytest.mark.slow
def test_layers_that_are_asked_for_often_get_a_graph_of_their_own(monkeypatch):
    network = conformance.network(OnnxKit().residual().model)
    xh.maps(network, pictures(), layer="all")
    compiled = sessions_of(monkeypatch)
    found = [xh.maps(network, pictures(), layer="branch") for _ in range(SERVED + 3)]
    assert len(compiled) == 1
    own = conformance.network(OnnxKit().residual().model)
    for maps in found:
        np.testing.assert_allclose(maps, xh.maps(own, pictures(), layer="branch"), atol=1e-6)
