"""Checks of the kit that every kind of fault left behind: axes, codes, rewriting, files."""

import warnings

import numpy as np
import pytest
from test_input_axes import Turning

from xai_heatmap.testing.conformance import codes, files, input_axes, rewriting
from xai_heatmap.testing.kits.torch_models import Plain

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class AxesOfTorch:
    words = ("tchw", "tc", "t")

    def takes(self, word):
        return Turning(word).eval()


class AxesOfOnnx:
    words = ("tchw", "t")

    def takes(self, word):
        pytest.importorskip("onnx")
        import test_input_axes_onnx as own

        return own.video() if word == "tchw" else own.wave()


class AxesOfKeras:
    words = ("tchw", "t")

    def takes(self, word):
        pytest.importorskip("keras")
        import test_input_axes_keras as own

        return own.video() if word == "tchw" else own.wave()


@pytest.mark.parametrize("kit", [AxesOfTorch, AxesOfOnnx, AxesOfKeras])
@pytest.mark.parametrize("check", input_axes.CHECKS, ids=lambda check: check.__name__)
def test_the_heat_lies_on_the_inputs_own_axes(check, kit):
    check(kit())


class CodesOfTorch:
    def pictures(self):
        from test_torch_codes import X

        return X.numpy()

    def quantised(self):
        from test_torch_codes import eager

        return eager()

    def floating(self):
        from test_torch_codes import twin

        return twin()

    def pairs(self):
        return {"act": "act", "conv": "conv"}


class CodesOfOnnx:
    how = "QDQ"

    def pictures(self):
        pytest.importorskip("onnx")
        from test_onnx_unrounded import X

        return X

    def quantised(self):
        from onnxruntime.quantization import QuantFormat
        from test_onnx_unrounded import quantised

        return quantised(QuantFormat[self.how])

    def floating(self):
        from test_onnx_unrounded import floating

        return floating()

    def pairs(self):
        return {"r_DequantizeLinear": "relu"}


class CodesOfOperators(CodesOfOnnx):
    how = "QOperator"

    def pairs(self):
        return {"conv_quant": "relu"}


@pytest.mark.parametrize("kit", [CodesOfTorch, CodesOfOnnx, CodesOfOperators])
@pytest.mark.parametrize("check", codes.CHECKS, ids=lambda check: check.__name__)
def test_codes_are_read_as_what_they_stand_for(check, kit):
    check(kit())


class RewritingOfTorch:
    def models(self):
        torch.manual_seed(0)
        attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

        class Attending(nn.Module):
            def __init__(self):
                super().__init__()
                self.cut, self.block, self.fc = nn.Conv2d(3, 8, 2, 2), attention, nn.Linear(8, 4)

            def forward(self, x):
                return self.fc(self.block(self.cut(x).flatten(2).mT).mean(1))

        normed = nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)),
            nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(),
            nn.Linear(144, 4),
        )  # fmt: skip
        return {"attention": Attending().eval(), "normed": normed.eval()}

    def own_call(self, model, x):
        with torch.no_grad():
            return model(torch.from_numpy(x)).numpy()


class RewritingOfOnnx:
    def models(self):
        pytest.importorskip("onnx")
        from onnx import TensorProto, helper, numpy_helper

        rng = np.random.default_rng(0)

        def made(opset, nodes, **stored):
            kept = {"l": rng.normal(size=(stored.pop("places"), 4)), **stored}
            end = [
                helper.make_node("Flatten", ["m"], ["f"]),
                helper.make_node("MatMul", ["f", "l"], ["y"]),
            ]
            x, y = (
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
                for name, shape in (("x", (3, 8, 8)), ("y", (4,)))
            )
            own = [numpy_helper.from_array(np.asarray(v, "f"), k) for k, v in kept.items()]
            graph = helper.make_graph([*nodes, *end], "graph", [x], [y], own)
            ids = [helper.make_opsetid("", opset)]
            return helper.make_model(graph, opset_imports=ids, ir_version=4)

        node = helper.make_node
        pool = node(
            "AveragePool", ["x"], ["m"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]
        )
        norm = {name: rng.random(3) + 0.5 for name in ("s", "b", "mean", "var")}
        scales = {"k": [1, 1, 0.5, 0.5]}
        return {
            "opset 7, BatchNormalization": made(
                7, [node("BatchNormalization", ["x", *norm], ["m"], name="n")], places=192, **norm
            ),
            "opset 9, Upsample": made(
                9, [node("Upsample", ["x", "k"], ["m"], mode="nearest")], places=768, k=[1, 1, 2, 2]
            ),
            "opset 10, Resize": made(10, [node("Resize", ["x", "k"], ["m"])], places=48, **scales),
            "opset 7, AveragePool": made(7, [pool], places=48),
            "opset 12, Dropout": made(12, [node("Dropout", ["x"], ["m"])], places=192),
        }

    def own_call(self, model, x):
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(["y"], {"x": x})[0]


class RewritingOfKeras:
    def models(self):
        keras = pytest.importorskip("keras")
        keras.utils.set_random_seed(0)
        layers = keras.layers
        image = keras.Input((8, 8, 3))
        x = layers.Conv2D(4, 3, use_bias=False)(image)
        x = layers.Dropout(0.5)(layers.ReLU()(layers.BatchNormalization()(x)))
        attended = layers.MultiHeadAttention(2, 4)(*[layers.Reshape((36, 4))(x)] * 2)
        answer = layers.Dense(4)(layers.GlobalAveragePooling1D()(attended))
        return {"normed and attending": keras.Model(image, answer)}

    def own_call(self, model, x):
        import keras

        answered = model(np.ascontiguousarray(np.moveaxis(x, 1, -1)), training=False)
        return keras.ops.convert_to_numpy(answered)


@pytest.mark.parametrize("kit", [RewritingOfTorch, RewritingOfOnnx, RewritingOfKeras])
@pytest.mark.parametrize("check", rewriting.CHECKS, ids=lambda check: check.__name__)
def test_scores_stay_those_of_the_own_call(check, kit):
    check(kit())


class FilesOfTorch:
    suffix = ".pt"

    def written(self):
        import io

        stream = io.BytesIO()
        torch.save(Plain().state_dict(), stream)
        return stream.getvalue()


class FilesOfOnnx:
    suffix = ".onnx"

    def written(self):
        pytest.importorskip("onnx")
        from xai_heatmap.testing.kits.onnx_kit import OnnxKit

        return OnnxKit().plain().model.SerializeToString()


class FilesOfKeras:
    suffix = ".keras"

    def written(self):
        from pathlib import Path
        from tempfile import TemporaryDirectory

        keras = pytest.importorskip("keras")
        model = keras.Sequential([
            keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Flatten(),
            keras.layers.Dense(4),
        ])  # fmt: skip
        with TemporaryDirectory() as folder:
            model.save(path := Path(folder, "model.keras"))
            return path.read_bytes()


@pytest.mark.parametrize("kit", [FilesOfTorch, FilesOfOnnx, FilesOfKeras])
@pytest.mark.parametrize("check", files.CHECKS, ids=lambda check: check.__name__)
def test_a_damaged_file_is_an_error_in_words(check, kit):
    check(kit())
