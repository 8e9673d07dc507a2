"""``legacy=True`` is the document's arithmetic, on whatever backend Keras runs."""

import cv2
import keras
import numpy as np
import PIL.Image
import pytest
from answer_document import answers
from small_networks import picture

from xai_heatmap import Preprocess, XAIHeatmap

pytestmark = [
    pytest.mark.filterwarnings(r"ignore::DeprecationWarning:keras\..*"),  # Keras 3.15 with numpy 2
    pytest.mark.filterwarnings(
        r"ignore::DeprecationWarning:torch\.utils\..*"
    ),  # by Keras's predict
]

SMALL = [
    ("softmax", 0, "first", 1),
    ("softmax", 1, "second", 1),
    ("softmax", 2, "after", 1),
    ("softmax", 3, "first", 1),
    ("softmax", 4, "second", 3),
    ("sigmoid", 5, "first", 1),
    ("linear", 6, "after", 2),
    ("unit", 7, "second", 1),
    ("against", 8, "after", 1),
]
"""How a network closes, its seed, the layer, and how many images."""


def small_network(closing, seed):
    keras.utils.set_random_seed(seed)
    classes, activation = {"unit": (1, "sigmoid"), "against": (2, "softmax")}.get(
        closing, (5, closing)
    )
    image = keras.Input((25, 33, 3))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu", name="first")(image)
    x = keras.layers.Conv2D(9, 3, name="second")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU(name="after")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    head = keras.layers.Dense(classes, activation=activation, name="head")
    model = keras.Model(image, head(x))
    if closing == "against":  # class 1 wins, and all that "after" says speaks against it
        kernel = np.full((9, 2), -1e-3, np.float32)
        kernel[:, 1] = -0.1
        head.set_weights([kernel, np.array([0, 6], np.float32)])
    return model


def small_cases(folder):
    cases = []
    for closing, seed, layer, images in SMALL:
        path = folder / f"{closing}{seed}.keras"
        if not path.exists():
            small_network(closing, seed).save(path)
        x = np.random.default_rng(seed).normal(size=(images, 25, 33, 3)).astype(np.float32)
        size = [(60, 80), (25, 33), (9, 14), (211, 97)][seed % 4]
        cases.append((path, layer, x, picture(*size, seed=seed)))
    return cases


@pytest.fixture(scope="module")
def small(shared):
    with shared("document of small networks") as folder:
        cases = small_cases(folder)
        return list(zip(cases, answers(folder, cases), strict=True))


def assert_same(ours, document, img):
    """Equal, but for places where rounding made ⌊255 heatmap⌋ one level more or less."""
    assert ours.dtype == np.float64
    assert ours.shape == document["superimposed"].shape
    levels = document["levels"].astype(int)
    colored = [
        cv2.applyColorMap(np.clip(levels + step, 0, 255).astype(np.uint8), cv2.COLORMAP_JET) * 0.8
        + img
        for step in (0, 1, -1)
    ]
    highest = colored[0].max()
    distances = [np.abs(ours - near / highest * 255).max(axis=-1) for near in colored]
    assert np.min(distances, axis=0).max() < 1e-6
    assert np.mean(distances[0] > 1e-6) <= 0.03


@pytest.mark.parametrize("number", range(len(SMALL)), ids=[f"{s[0]}-{s[1]}-{s[2]}" for s in SMALL])
def test_legacy_is_the_document_on_small_networks_keras(small, number):
    (path, layer, x, img), document = small[number]
    model = keras.saving.load_model(path)
    tool = XAIHeatmap(model, ["second", layer], legacy=True)
    assert_same(tool.runTool(img, x, -1), document, img)
    assert_same(tool.camXAITool(img, x, model, layer), document, img)
    assert_same(tool.camXAITool(img, x, model, model.get_layer(layer)), document, img)
    assert tool.last.index == model.predict(x, verbose=0)[0].argmax()


def test_legacy_spares_the_documents_nan_keras(small):
    (path, layer, x, img), document = small[-1]
    assert not document["levels"].any()
    tool = XAIHeatmap(keras.saving.load_model(path), [layer], legacy=True)
    assert np.isfinite(tool.runTool(img, x, 0)).all()
    assert not tool.last.map.any()
    assert tool.last.verdict.word != "ok"


def test_the_mended_picture_is_another_one_keras(small):
    (path, layer, x, img), document = small[0]
    mended = XAIHeatmap(keras.saving.load_model(path), [layer]).runTool(img, x, 0)
    assert mended.dtype == np.uint8
    assert np.abs(mended - document["superimposed"]).mean() > 5


NETWORKS = {"squeezenet1_1": "imagenet", "mobilenet_v1_025_224": "tf"}
LAYERS = {
    "squeezenet1_1": ("fire2_squeeze_relu", "fire9_concat"),
    "mobilenet_v1_025_224": ("conv_pw_12_relu", "conv_pw_13_relu"),
}
PHOTOGRAPHS = ("n01443537_goldfish.JPEG", "n02099601_golden_retriever.JPEG", "cat_720p.jpg")


@pytest.fixture(scope="module")
def real(reference, shared):
    cases = []
    for network, mode in NETWORKS.items():
        for photograph in PHOTOGRAPHS:
            image = np.asarray(PIL.Image.open(reference / "images" / photograph).convert("RGB"))
            x, _ = Preprocess(mode=mode, fit="stretch")(image)
            batch = np.ascontiguousarray(x.transpose(1, 2, 0)[None])
            path = reference / "models" / f"{network}.keras"
            cases += [
                (path, layer, batch, np.ascontiguousarray(image[..., ::-1]))
                for layer in LAYERS[network]
            ]
    with shared("document of trained networks") as folder:
        return list(zip(cases, answers(folder, cases), strict=True))


@pytest.mark.reference
@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_legacy_is_the_document_on_trained_networks_keras(real, network):
    model = None
    for (path, layer, x, img), document in real:
        if path.stem == network:
            model = model or keras.saving.load_model(path)
            tool = XAIHeatmap(model, [layer], legacy=True)
            assert_same(tool.runTool(img, x, 0), document, img)
            assert tool.last.meaning == "probabilities"


@pytest.mark.reference
@pytest.mark.slow
def test_legacy_is_the_document_in_pytorch_too_keras(real, reference):
    torch = pytest.importorskip("torch")
    import importlib.util

    said = importlib.util.spec_from_file_location("models", reference / "reference_models.py")
    models = importlib.util.module_from_spec(said)
    said.loader.exec_module(models)
    weights = reference / "models" / "squeezenet1_1_torchvision.safetensors"
    closed = torch.nn.Sequential(models.squeezenet_torch(weights), torch.nn.Softmax(-1)).eval()
    tool = XAIHeatmap(closed, ["0.features.12"], legacy=True)
    compared = [c for c in real if c[0][0].stem == "squeezenet1_1" and c[0][1] == "fire9_concat"]
    assert len(compared) == len(PHOTOGRAPHS)
    for (_, _, x, img), document in compared:
        assert_same(tool.runTool(img, np.moveaxis(x, -1, 1), 0), document, img)
