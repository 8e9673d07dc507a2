"""What is wrong with a model is said in one sentence, before anything is computed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper

import xai_heatmap as xh
from xai_heatmap.core.errors import (
    BadArray,
    BadOption,
    ModelError,
    ModelNotFound,
    NonFiniteScores,
    NoRule,
    NoScores,
    NotAModel,
    UnsafeModel,
)
from xai_heatmap.networks.onnx import check as onnx_check
from xai_heatmap.networks.onnx import file as onnx_file
from xai_heatmap.testing.kits.onnx_kit import Graph, OnnxKit

Change = Callable[[ModelProto], None]


def changed(change: Change) -> ModelProto:
    model = OnnxKit().plain().model
    change(model)
    return model


def pictures(n: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3, 8, 8)).astype(np.float32)


def written(folder: Path, content: bytes, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def image(model: ModelProto) -> onnx.TypeProto.Tensor:
    return model.graph.input[0].type.tensor_type


# ---- files


def test_a_file_that_is_absent_or_empty(tmp_path):
    with pytest.raises(ModelNotFound):
        xh.network(tmp_path / "model.onnx")
    with pytest.raises(NotAModel, match="0 bytes"):
        xh.network(written(tmp_path, b""))


@pytest.mark.parametrize(
    "content", [b"hello, this is text", bytes(range(256)), b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_no_model(tmp_path, content):
    with pytest.raises(NotAModel, match="ONNX model was expected"):
        xh.network(written(tmp_path, content))


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off(tmp_path, share):
    whole = OnnxKit().plain().model.SerializeToString()
    with pytest.raises(NotAModel, match="cut off"):
        xh.network(written(tmp_path, whole[: int(share * len(whole))]))


def test_a_model_without_a_graph(tmp_path):
    with pytest.raises(NotAModel, match="no graph"):
        xh.network(written(tmp_path, ModelProto(ir_version=9).SerializeToString()))


def test_a_file_above_two_gigabytes_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "LARGEST", 100)
    with pytest.raises(ModelError, match="can be opened"):
        xh.network(written(tmp_path, OnnxKit().plain().model.SerializeToString()))


def test_a_model_above_two_gigabytes_is_refused(monkeypatch):
    monkeypatch.setattr(onnx_check, "LARGEST", 100)
    with pytest.raises(ModelError, match="can be opened"):
        xh.network(OnnxKit().plain().model)


# ---- weights beside the file


def outside(folder: Path, **entries: str) -> Path:
    """A file whose first weights lie elsewhere."""

    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    return written(folder, changed(change).SerializeToString())


def test_weights_beside_the_file_are_read(tmp_path):
    model = OnnxKit().plain().model
    raw = model.graph.initializer[0].raw_data
    (tmp_path / "weights.bin").write_bytes(b"12345" + raw + b"rest")
    path = outside(tmp_path, location="weights.bin", offset="5", length=str(len(raw)))
    scores = xh.network(path).record(pictures()).scores
    np.testing.assert_array_equal(scores, xh.network(model).record(pictures()).scores)


def test_weights_that_are_missing(tmp_path):
    with pytest.raises(ModelError, match="no such file beside it"):
        xh.network(outside(tmp_path, location="weights.bin"))


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "a/../../w.bin", "", "."])
def test_weights_outside_of_the_folder_are_not_opened(tmp_path, location):
    (tmp_path.parent / "weights.bin").write_bytes(bytes(540))
    with pytest.raises(UnsafeModel, match="not in the model's own folder"):
        xh.network(outside(tmp_path, location=location))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(540))
    (folder / "weights.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(UnsafeModel):
        xh.network(outside(folder, location="weights.bin"))


@pytest.mark.parametrize(
    "span",
    [{"length": "540"}, {"offset": "-1"}, {"offset": "9" * 30}, {"length": "x"}, {"offset": "41"}],
)
def test_weights_that_are_too_short(tmp_path, span):
    (tmp_path / "weights.bin").write_bytes(bytes(40))
    with pytest.raises(ModelError, match="belongs to another model"):
        xh.network(outside(tmp_path, location="weights.bin", **span))


def test_a_model_whose_weights_were_not_loaded(tmp_path):
    path = outside(tmp_path, location="weights.bin")
    with pytest.raises(ModelError, match="Give the path"):
        xh.network(onnx.load(path, load_external_data=False))


# ---- graphs


def unsorted(model: ModelProto) -> None:
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))


def cyclic(model: ModelProto) -> None:
    model.graph.node[0].input[0] = model.graph.node[1].output[0]


def dangling(model: ModelProto) -> None:
    model.graph.node[1].input[0] = "nowhere"


def answering_nothing(model: ModelProto) -> None:
    model.graph.output[0].name = "nowhere"


def newer(model: ModelProto) -> None:
    model.opset_import[0].version = 999


def foreign(model: ModelProto) -> None:
    model.graph.node[1].domain = "com.acme"
    model.opset_import.add(domain="com.acme", version=1)


def invented(model: ModelProto) -> None:
    model.graph.node[1].op_type = "Frobnicate"


def short(model: ModelProto) -> None:
    model.graph.initializer[0].raw_data = bytes(8)


def wordless(model: ModelProto) -> None:
    del model.opset_import[:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (cyclic, "cycle"),
        (dangling, "'nowhere', which is nowhere"),
        (answering_nothing, "no node computes"),
        (newer, "opset from 1 to"),
        (foreign, "domain 'com.acme'"),
        (invented, "Frobnicate"),
        (short, "too small"),
        (wordless, "opset"),
    ],
)
def test_a_graph_that_is_out_of_order(change, said):
    with pytest.raises(ModelError, match=said):
        xh.network(changed(change))


def test_nodes_in_any_order_are_run_in_theirs_as_runtimes_do():
    def of(model: ModelProto) -> np.ndarray:
        return xh.maps(xh.network(model, image_shape=(3, 8, 8)), pictures(), method="gradcam")

    turned = changed(unsorted)
    before = turned.SerializeToString()
    np.testing.assert_array_equal(of(turned), of(OnnxKit().plain().model))
    assert turned.SerializeToString() == before


def test_an_operator_that_onnxruntime_refuses_is_an_error_of_the_project():
    def change(model: ModelProto) -> None:
        model.graph.node[1].CopyFrom(
            helper.make_node("Gelu", ["t0.0"], ["t1.0"], domain="com.microsoft", nonsense=3)
        )
        model.opset_import.add(domain="com.microsoft", version=1)

    with pytest.raises(ModelError, match="onnxruntime can't"):
        xh.network(changed(change)).record(pictures(), ["conv"])


# ---- inputs and outputs


def test_an_axis_of_length_zero():
    def change(model: ModelProto) -> None:
        image(model).shape.dim[2].dim_value = 0

    with pytest.raises(ModelError, match="length 0"):
        xh.network(changed(change))


def open_lengths(model: ModelProto) -> None:
    for dim in image(model).shape.dim:
        dim.Clear()


def no_shape(model: ModelProto) -> None:
    image(model).ClearField("shape")


@pytest.mark.parametrize("change", [open_lengths, no_shape])
def test_an_input_of_open_shape_asks_for_it(change):
    with pytest.raises(ModelError, match="image_shape="):
        xh.network(changed(change))
    opened = xh.network(changed(change), image_shape=(3, 8, 8))
    assert opened.record(pictures(), ["conv"]).activations["conv"].shape == (1, 5, 6, 6)


def test_pictures_of_another_size_than_the_model_takes():
    opened = xh.network(OnnxKit().plain().model)
    with pytest.raises(BadArray, match="3x8x8; received 3x9x9"):
        opened.record(np.zeros((1, 3, 9, 9), np.float32))


def test_a_model_for_thousands_of_images_at_a_time():
    def change(model: ModelProto) -> None:
        image(model).shape.dim[0].dim_value = 2**31

    with pytest.raises(ModelError, match="images at a time"):
        xh.network(changed(change))


def test_text_instead_of_numbers():
    def change(model: ModelProto) -> None:
        image(model).elem_type = TensorProto.STRING

    with pytest.raises(ModelError, match="takes string"):
        xh.network(changed(change))


def test_several_inputs():
    graph = Graph()
    a = graph.conv("image", "conv", 5)
    model = graph.model(logits=graph.classified(graph("Mul", a, "factor")))
    model.graph.input.append(helper.make_tensor_value_info("factor", TensorProto.FLOAT, [1]))
    with pytest.raises(BadOption, match=r"takes 'factor' \(1\) beside the picture, 'image'"):
        xh.network(model)


def test_a_sequence_instead_of_scores():
    def change(model: ModelProto) -> None:
        logits = model.graph.output[0].name
        model.graph.node.append(helper.make_node("SequenceConstruct", [logits], ["sequence"]))
        del model.graph.output[:]
        model.graph.output.append(
            helper.make_tensor_sequence_value_info("sequence", TensorProto.FLOAT, None)
        )

    with pytest.raises(NoScores, match="sequence"):
        xh.network(changed(change))


def test_scores_that_are_neither_a_row_nor_a_grid():
    graph = Graph()
    axis = graph.stores("axis", np.array([2]))
    model = graph.model(logits=graph("Unsqueeze", graph.conv("image", "conv", 5), axis))
    with pytest.raises(NoScores, match="5x1x6x6 for each picture of 8x8"):
        xh.network(model).record(np.zeros((1, 3, 8, 8), np.float32))


def test_an_output_that_does_not_exist():
    with pytest.raises(NoScores, match="it has logits"):
        xh.network(OnnxKit().plain().model, output="probabilities")


def test_weights_that_are_not_numbers():
    def change(model: ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.raw_data = np.full(len(tensor.raw_data) // 4, np.nan, np.float32).tobytes()

    with pytest.raises(NonFiniteScores, match="NaN"):
        xh.network(changed(change)).record(pictures(), ["conv"])


# ---- no derivative


def without_derivative() -> ModelProto:
    graph = Graph()
    a = graph.conv("image", "conv", 5)
    sign = graph("Add", a, graph("LRN", a, size=3))
    model = graph.model(logits=graph.classified(sign))
    image(model).shape.dim[0].dim_value = 1
    return model


def test_methods_without_gradients_work_where_there_is_no_derivative():
    model = without_derivative()
    opened = xh.network(model)
    maps = xh.maps(opened, pictures(), method="eigencam", layer="conv")
    assert maps.shape == (1, 6, 6)
    with pytest.raises(NoRule, match="LRN"):
        xh.maps(opened, pictures(), layer="conv")
    assert np.abs(xh.maps(opened, pictures(), layer=-1)).max() > 0


@pytest.mark.parametrize("said", ["nosuch", "__import__('os')", "occlusion"])
def test_a_method_that_no_file_can_hold_is_not_believed(said):
    model = OnnxKit().plain().model
    model.metadata_props.add(key="xai_heatmap.method", value=said)
    with pytest.warns(UserWarning, match="names no method"):
        assert xh.network(model).declared.method is None
