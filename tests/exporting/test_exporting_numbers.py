"""How many pictures an exported file takes: any number, or as many as it says."""

import warnings

import numpy as np
import onnx
import onnxruntime
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import ModelError
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

SHAPE = (3, 16, 16)


def counting_networks():
    """Networks that ask how many pictures there are, each in another way."""
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")
    from torch import nn

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.head = nn.Conv2d(3, 6, 4, 4), nn.Linear(6, 5)
            self.token = nn.Parameter(torch.randn(1, 1, 6))

    class ByLen(Counting):
        def forward(self, x):
            x = self.conv(x).relu().flatten(2).transpose(1, 2)
            return self.head(torch.cat([self.token.expand(len(x), -1, -1), x], 1).mean(1))

    class ByInt(Counting):
        def forward(self, x):
            x = self.conv(x).relu()
            return self.head(x.view(int(x.shape[0]), 6, -1).mean(2))

    class ByRange(Counting):
        def forward(self, x):
            x = self.conv(x).relu()
            assert len(x) >= 1
            return self.head(x.reshape(len(x), 6, 16).mean(2))

    class OneByOne(Counting):
        def forward(self, x):
            return torch.stack([self.head(one.mean((1, 2))) for one in self.conv(x).relu()])

    return {model.__name__: model().eval() for model in (ByLen, ByInt, ByRange, OneByOne)}


def check_numbers(path, model, numbers):
    session = onnxruntime.InferenceSession(str(path))
    picture = session.get_inputs()[0]
    x = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)
    network = xh.network(model, image_shape=SHAPE)
    given = np.moveaxis(x, 1, -1) if network.channels_last else x
    native = np.moveaxis(x, 1, -1) if picture.shape[-1] == 3 else x
    for number in numbers:
        feeds = {picture.name: native[:number], "class_index": np.array([2])}
        scale = np.abs(right := xh.maps(network, given[:number], target=2)).max()
        np.testing.assert_allclose(session.run(["cam_0"], feeds)[0], right, atol=1e-3 * scale)
    return session


@pytest.mark.parametrize("name", ["ByLen", "ByInt", "ByRange"])
def test_a_model_that_counts_its_pictures_takes_any_number(tmp_path, name):
    model = counting_networks()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = xh.export(model, tmp_path / "explainer.onnx", image_shape=SHAPE)
    session = check_numbers(path, model, (1, 2, 3))
    assert isinstance(session.get_inputs()[0].shape[0], str)
    assert session.get_modelmeta().custom_metadata_map["xai_heatmap.images"] == "any"


def test_a_model_that_unrolls_over_its_pictures_takes_one_and_says_so(tmp_path):
    model = counting_networks()["OneByOne"]
    with pytest.warns(UserWarning, match="exactly one picture at a time"):
        path = xh.export(model, tmp_path / "explainer.onnx", image_shape=SHAPE)
    session = check_numbers(path, model, (1,))
    assert session.get_inputs()[0].shape[0] == 1
    assert session.get_modelmeta().custom_metadata_map["xai_heatmap.images"] == "1"


def test_a_file_for_four_pictures_stays_one_and_says_so(tmp_path):
    model = OnnxKit().plain().model
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    with pytest.warns(UserWarning, match="exactly 4 pictures at a time"):
        path = xh.export(model, tmp_path / "explainer.onnx")
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["xai_heatmap.images"] == "4"


def test_a_graph_that_says_any_number_and_takes_two_is_never_written(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    stored = [
        numpy_helper.from_array(rng.normal(size=(6, 3, 4, 4)).astype(np.float32), "kernel"),
        numpy_helper.from_array(np.array([2, 6, 16]), "two"),
        numpy_helper.from_array(rng.normal(size=(6, 5)).astype(np.float32), "head"),
    ]
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["conv"], strides=[4, 4]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Reshape", ["relu", "two"], ["rows"]),
        helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[2], keepdims=0),
        helper.make_node("MatMul", ["mean", "head"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", *SHAPE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])],
        stored,
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    with pytest.raises(ModelError):
        xh.export(model, tmp_path / "explainer.onnx", layers="relu")
    assert list(tmp_path.iterdir()) == []


def test_a_keras_model_that_counts_its_pictures_takes_any_number(tmp_path):
    keras = pytest.importorskip("keras", reason="needs Keras")
    needs = {"tensorflow": "tf2onnx", "torch": "onnxscript", "jax": "jax2onnx"}
    pytest.importorskip(needs[keras.backend.backend()])

    class Token(keras.layers.Layer):
        def build(self, shape):
            self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token")

        def call(self, x):
            number = keras.ops.shape(x)[0]
            token = keras.ops.broadcast_to(self.token, (number, 1, x.shape[-1]))
            return keras.ops.concatenate([token, x], axis=1)

    keras.utils.set_random_seed(0)
    start = keras.Input(SHAPE[1:] + SHAPE[:1])
    x = keras.layers.Conv2D(6, 4, 4, activation="relu")(start)
    x = Token()(keras.layers.Reshape((16, 6))(x))
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(start, keras.layers.Dense(5)(x))
    path = xh.export(model, tmp_path / "explainer.onnx")
    session = onnxruntime.InferenceSession(str(path))
    said = session.get_modelmeta().custom_metadata_map["xai_heatmap.images"]
    check_numbers(path, model, (1, 2, 3) if said == "any" else (1,))


def test_the_file_says_which_classes_there_are(tmp_path):
    path = xh.export(OnnxKit().plain().model, tmp_path / "explainer.onnx")
    session = onnxruntime.InferenceSession(str(path))
    said = session.get_modelmeta().custom_metadata_map
    first, last = map(int, said["xai_heatmap.class_index"].split(".."))
    assert (first, last) == (-1, 3)
    x = np.zeros((1, 3, 8, 8), np.float32)
    for index in range(first, last + 1):
        session.run(["cam_0"], {"image": x, "class_index": np.array([index])})
    path = xh.export(OnnxKit().sigmoid_unit().model, tmp_path / "unit.onnx")
    said = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert said["xai_heatmap.class_index"] == "-1..1"


@pytest.mark.parametrize("branch", ["len(x) > 1", "x.shape[0] > 1", "len(x) == 1"])
def test_a_model_that_branches_on_one_picture_is_never_written_as_another(tmp_path, branch):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    pytest.importorskip("onnxscript", reason="torch's exporter needs onnxscript")

    class Branching(torch.nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.head = torch.nn.Conv2d(3, 6, 4, 4), torch.nn.Linear(6, 5)

        def forward(self, x):
            h = self.conv(x).relu()
            several = (len(x) == 1) if "==" in branch else (x.shape[0] > 1)
            several = (len(x) > 1) if branch.startswith("len(x) >") else several
            return self.head(h.mean((2, 3)) if several else h.amax((2, 3)))

    path = tmp_path / "e.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ModelError, match="one picture"):
            xh.export(Branching().eval(), path, image_shape=SHAPE)
    assert not path.exists()
