"""The seed's classes on Keras models, on whatever backend Keras runs."""

import keras
import numpy as np
import PIL.Image
import pytest
from small_networks import picture

import xai_heatmap as xh
from xai_heatmap.compat import Drawer, XAIActivations, XAIHeatmap, XVisTool
from xai_heatmap.networks.opening.network import OpenedNetwork
from xai_heatmap.networks.opening.recording import OpenedRecording

pytestmark = [
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:keras\..*"),  # Keras 3.15 with numpy 2
    pytest.mark.filterwarnings(
        r"ignore::DeprecationWarning:torch\.utils\..*"
    ),  # by Keras's predict
]


class Traced(keras.layers.Layer):
    """Counts how often its Python runs."""

    runs = 0

    def call(self, x):
        type(self).runs += 1
        return x


def network(*, nested=False):
    keras.utils.set_random_seed(3)
    inner = [
        keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="expand"),
        keras.layers.Conv2D(8, 3, activation="relu", name="project"),
    ]
    layers = [keras.Sequential(inner, name="backbone")] if nested else inner
    head = [
        keras.layers.GlobalAveragePooling2D(name="pool"),
        keras.layers.Dense(4, activation="softmax", name="conv_of_nothing"),
    ]
    return keras.Sequential([keras.Input((24, 32, 3)), *layers, *head])


def batch(seed=0):
    return np.random.default_rng(seed).normal(size=(1, 24, 32, 3)).astype(np.float32)


def test_layers_by_name_number_and_object_keras():
    model, img, x = network(), picture(), batch()
    tool = XAIHeatmap(model, ["expand", "project"])
    drawn = tool.runTool(img, x, -1)
    assert drawn.dtype == np.uint8
    assert drawn.shape == img.shape
    assert tool.last.layer.name == "project"
    wanted = xh.maps(model, x, layer="project")[0]
    np.testing.assert_allclose(tool.last.map, wanted, rtol=0, atol=1e-6 * wanted.max())
    objects = XAIHeatmap(model, [model.get_layer("expand"), model.get_layer("project")])
    np.testing.assert_array_equal(objects.runTool(img, x, 1), drawn)
    np.testing.assert_array_equal(tool.camXAITool(img, x, model, "project"), drawn)


def test_layers_of_a_nested_model_by_path_and_object_keras():
    model = network(nested=True)
    tool = XAIHeatmap(model, ["backbone/project", model.get_layer("backbone").layers[-1]])
    by_path, by_object = (tool.runTool(picture(), batch(), n) for n in (0, 1))
    np.testing.assert_array_equal(by_path, by_object)
    assert tool.last.layer.name == "backbone/project"


def test_the_tensor_may_be_of_the_backend_keras():
    x, tool = batch(), XAIHeatmap(network(), ["project"])
    tensor = keras.ops.convert_to_tensor(x)
    np.testing.assert_array_equal(tool.runTool(picture(), tensor, 0), tool.runTool(picture(), x, 0))


def test_the_logit_is_explained_and_the_softmax_only_in_legacy_keras():
    model, x = network(), batch()
    mended, legacy = XAIHeatmap(model, ["project"]), XAIHeatmap(model, ["project"], legacy=True)
    mended.runTool(picture(), x, 0)
    legacy.runTool(picture(), x, 0)
    assert (mended.last.meaning, legacy.last.meaning) == ("logits", "probabilities")
    p = model.predict(x, verbose=0)[0]
    assert legacy.last.score == pytest.approx(p.max(), rel=1e-4)
    for tool in (mended, legacy):
        assert tool.last.index == p.argmax()
        assert tool.last.predictions[0].probability == pytest.approx(p.max(), rel=1e-4)


def test_activations_are_all_filters_and_ranked_on_request_keras():
    tool, x = XAIActivations(network(), ["expand", "project"]), batch()
    plain, ranked = tool.runTool(x, -1), tool.runTool(x, -1, rank=True)
    assert [len(plain), plain[0].shape] == [8, (9, 13, 3)]
    assert sorted(ranked.channels) == list(range(8))
    for channel, tile in zip(ranked.channels, ranked, strict=True):
        np.testing.assert_array_equal(tile, plain[channel])


def test_layers_of_the_tool_are_grids_whatever_they_are_called_keras():
    assert XVisTool(network(), (24, 32)).layers == ["expand", "project"]


def test_keras_functions_prepare_and_decode():
    model, seen = network(), []

    def decode(scores):
        seen.append(scores)
        return [[("n0", f"class {i}", float(scores[0, i])) for i in np.argsort(-scores[0])[:2]]]

    def prepare(x):
        assert x.shape == (1, 24, 32, 3)
        return keras.applications.mobilenet.preprocess_input(x)

    img = picture()
    tool = XVisTool(model, (24, 32), decode, prepare)
    tool.setStillImg(img)
    result = tool.stillImgRun(-1)
    small = PIL.Image.fromarray(img[..., ::-1]).resize((32, 24), PIL.Image.Resampling.BILINEAR)
    x = np.asarray(small, np.float32)[None] / 127.5 - 1
    np.testing.assert_allclose(seen[0], model.predict(x, verbose=0), rtol=1e-4)
    heatmap = XAIHeatmap(model, ["project"]).runTool(img, x, 0)
    np.testing.assert_allclose(result["heatmap"].astype(int), heatmap, atol=1)
    canvas = Drawer((200, 300)).singleThread(result, img)
    assert canvas.shape == (200, 300, 3)


def test_a_run_is_one_pass_forward_and_one_back_keras(monkeypatch):
    passes = []
    for kind, name in ((OpenedNetwork, "record"), (OpenedRecording, "pullback")):
        own = getattr(kind, name)

        def counted(self, *args, own=own, name=name, **kwargs):
            passes.append(name)
            return own(self, *args, **kwargs)

        monkeypatch.setattr(kind, name, counted)
    tool = XVisTool(network(), (24, 32), lambda scores: scores, lambda x: x / 255, rank=True)
    for number in (0, 1, 0):
        tool.vidCapRun(picture(), number)
    assert passes == ["record", "pullback"] * 3


def test_nothing_is_built_again_from_frame_to_frame_keras():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((24, 32, 3)),
            keras.layers.Conv2D(4, 3, name="first"),
            Traced(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    heatmap, activations = XAIHeatmap(model, ["first"]), XAIActivations(model, ["first"])
    names = [layer.name for layer in model.layers]

    def once():
        heatmap.runTool(picture(), batch(), 0)
        activations.runTool(batch(), 0)

    once()
    before, frames = Traced.runs, 5
    for _ in range(frames):
        once()
    runs_in_python = keras.backend.backend() == "torch"
    assert Traced.runs - before == (2 * frames if runs_in_python else 0)
    assert [layer.name for layer in model.layers] == names


@pytest.mark.reference
@pytest.mark.slow
def test_the_goldfish_is_found_by_a_trained_network_keras(reference):
    model = keras.saving.load_model(reference / "models" / "mobilenet_v1_025_224.keras")
    tool = XVisTool(
        model,
        224,
        lambda scores: int(scores.argmax()),
        keras.applications.mobilenet.preprocess_input,
    )
    tool.setStillImg(reference / "images" / "n01443537_goldfish.JPEG")
    result = tool.stillImgRun(tool.layers.index("conv_pw_11_relu"))
    assert result["predictions"] == 1
    assert tool.last.verdict.word == "ok"
    heat = tool.last.heat()
    inside, fish = np.zeros(heat.shape, bool), (slice(50, 220), slice(30, 320))
    inside[fish] = True
    assert heat[inside].mean() > 2 * heat[~inside].mean()
