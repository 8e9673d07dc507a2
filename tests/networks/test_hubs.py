"""Names in hubs, with random weights or a stand-in for the hub's package; nothing is downloaded."""

import enum
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from xai_heatmap import networks
from xai_heatmap.core.errors import MissingFramework, ModelNotFound, NotAModel, UnsafeModel
from xai_heatmap.explaining.explain import compare
from xai_heatmap.networks.loading.hubs import from_keras as hub_keras
from xai_heatmap.networks.loading.hubs.hf_settings import facts as settings_in
from xai_heatmap.networks.loading.load import load
from xai_heatmap.sources.preprocess import Preprocess


def net(classes=3):
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
        torch.nn.Linear(4, classes),
    )  # fmt: skip


@pytest.fixture
def torchvision(monkeypatch):
    """The part of torchvision.models that is used, by its real names."""
    transforms = SimpleNamespace(
        crop_size=[176], resize_size=[232], mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6],
        interpolation="InterpolationMode.BICUBIC",
    )  # fmt: skip

    class Weights(enum.Enum):
        V1 = 1
        V2 = 2
        DEFAULT = 2  # noqa: PIE796 - torchvision names its default twice, too

        def transforms(self):
            return transforms

        @property
        def meta(self):
            return {"categories": ["tench", "goldfish", "shark"]}

    made = []

    def get_model(name, *, weights):
        made.append((name, weights))
        if weights is Weights.V1:
            raise OSError("no connection")
        return net()

    models = ModuleType("torchvision.models")
    models.list_models = lambda: ["resnet18", "resnet50"]
    models.get_model = get_model
    models.get_model_weights = lambda name: Weights
    package = ModuleType("torchvision")
    package.models = models
    monkeypatch.setitem(sys.modules, "torchvision", package)
    return SimpleNamespace(made=made, weights=Weights)


def test_torchvision_gives_model_transforms_and_labels(torchvision):
    loaded = load("torchvision:resnet18")
    assert torchvision.made == [("resnet18", torchvision.weights.V2)]
    assert loaded.declared.input_shape == (3, 176, 176)
    assert loaded.declared.labels == ("tench", "goldfish", "shark")
    prepared = Preprocess.from_dict(loaded.declared.preprocess)
    assert prepared.mean == (0.1, 0.2, 0.3)
    assert prepared.std == (0.4, 0.5, 0.6)
    assert prepared.ratio == 176 / 232
    assert prepared.resampling == "bicubic"


def test_what_a_hub_knows_reaches_the_explanation(torchvision):
    network = networks.network(load("torchvision:resnet18"))
    image = np.random.default_rng(0).integers(0, 255, (300, 200, 3), dtype=np.uint8)
    (one,) = compare(network, image)
    assert one.target in ("tench", "goldfish", "shark")
    assert one.preprocess["input_size"] == [176, 176]
    assert one.preprocess["mean"] == [0.1, 0.2, 0.3]
    assert next(iter(network.layers.values())).shape == (3, 176, 176)
    assert network.name == "Sequential"
    assert not network.channels_last
    assert network.closing is None


def test_torchvision_without_weights_downloads_none(torchvision):
    assert load("torchvision:resnet18?weights=none").declared is None
    assert torchvision.made == [("resnet18", None)]


def test_weights_of_ones_own_leave_the_hubs_out(torchvision, tmp_path):
    torch.save(net().state_dict(), tmp_path / "w.pt")
    load("torchvision:resnet18", weights=tmp_path / "w.pt")
    assert torchvision.made == [("resnet18", None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torchvision:resnet19", "Did you mean 'resnet18'?"),
        ("torchvision:resnet18/V3", "It has V1, V2"),
        ("torchvision:resnet18/V1", "no connection"),
    ],
)
def test_torchvision_names_that_do_not_exist(torchvision, text, words):
    with pytest.raises(ModelNotFound) as caught:
        load(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("hub", ["torchvision", "timm"])
def test_a_hub_that_is_not_installed_says_how_to_install_it(monkeypatch, hub):
    monkeypatch.setitem(sys.modules, hub, None)
    with pytest.raises(MissingFramework, match=f"pip install {hub}"):
        load(f"{hub}:resnet18")


@pytest.fixture
def timm(monkeypatch):
    """The part of timm that is used, by its real names."""
    made = []

    def create_model(name, *, pretrained):
        made.append((name, pretrained))
        if name == "offline":
            raise RuntimeError("no connection")
        return net()

    package, data = ModuleType("timm"), ModuleType("timm.data")
    package.is_model = lambda name: name in ("tiny", "offline")
    package.list_models = lambda: ["tiny", "offline"]
    package.create_model = create_model
    package.data = data
    data.resolve_data_config = lambda args, *, model: {
        "input_size": (3, 192, 160), "mean": (0.5, 0.5, 0.5), "std": (0.2, 0.2, 0.2),
        "interpolation": "bicubic", "crop_pct": 0.95, "crop_mode": "squash",
    }  # fmt: skip
    data.infer_imagenet_subset = lambda model: "imagenet-1k"
    data.ImageNetInfo = lambda subset: SimpleNamespace(label_descriptions=lambda: ["a", "b", "c"])
    monkeypatch.setitem(sys.modules, "timm", package)
    monkeypatch.setitem(sys.modules, "timm.data", data)
    return made


def test_timm_gives_model_configuration_and_labels(timm):
    declared = load("timm:tiny").declared
    assert timm == [("tiny", True)]
    assert declared.input_shape == (3, 192, 160)
    assert declared.labels == ("a", "b", "c")
    prepared = Preprocess.from_dict(declared.preprocess)
    assert (prepared.fit, prepared.resampling, prepared.mean) == ("squash", "bicubic", (0.5,) * 3)
    sized = Preprocess.from_dict(declared.preprocess | {"input_size": [192, 160]})
    assert sized.geometry((500, 400)).resized == (202, 168)  # of each side 0.95, not of one
    load("timm:tiny?weights=none")
    assert timm[-1] == ("tiny", False)


@pytest.mark.parametrize(
    ("name", "words"), [("tinny", "Did you mean 'tiny'?"), ("offline", "no connection")]
)
def test_timm_names_that_do_not_exist(timm, name, words):
    with pytest.raises(ModelNotFound) as caught:
        load(f"timm:{name}")
    assert words in str(caught.value)


# keras.applications -----------------------------------------------------------------------------


@pytest.fixture
def application(monkeypatch):
    """`keras.applications` with a builder that says what weights it was asked for."""
    keras = pytest.importorskip("keras")
    asked = []

    def made(*, weights):
        asked.append(weights)
        if weights and len(asked) > 1:
            raise Exception("URL fetch failure")
        return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])

    monkeypatch.setattr(keras.applications, "MobileNet", made)
    monkeypatch.setattr(
        keras.applications.imagenet_utils,
        "decode_predictions",
        lambda p, top: [[("n0", f"great_white_{i}", 1.0)] for i in range(len(p))],
    )
    return asked


def test_keras_application_with_weights_and_labels(application):
    loaded = load("keras:MobileNet")
    assert application == ["imagenet"]
    assert loaded.declared.labels[:2] == ("great white 0", "great white 1")
    with pytest.raises(ModelNotFound, match="URL fetch failure"):
        load("keras:MobileNet")


def test_keras_application_without_weights(application):
    assert load("keras:MobileNet?weights=none").declared is None
    assert application == [None]


def test_keras_application_without_its_labels_is_still_a_model(application, monkeypatch):
    keras = pytest.importorskip("keras")

    def offline(p, top):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications.imagenet_utils, "decode_predictions", offline)
    assert load("keras:MobileNet").declared.labels is None


def test_a_real_application_says_how_it_wants_its_pictures():
    network = networks.network("keras:MobileNet?weights=none")
    assert network.declared.preprocess == "tf"
    assert network.declared.input_shape == (3, 224, 224)


def test_an_unknown_application():
    with pytest.raises(ModelNotFound, match="Did you mean 'MobileNet'"):
        hub_keras.load_keras_application("MobilNet", trained=False)


# transformers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny classifier as transformers writes it."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ResNetConfig(
        num_channels=3, embedding_size=4, hidden_sizes=[4, 8], depths=[1, 1], layer_type="basic",
        id2label={0: "cat", 1: "dog", 2: "owl"}, label2id={"cat": 0, "dog": 1, "owl": 2},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("hf")
    transformers.ResNetForImageClassification(config).save_pretrained(path)
    (path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, '
        '"crop_pct": 0.8, "resample": 3, "image_mean": [0.5, 0.4, 0.3], "image_std": [1, 1, 1]}'
    )
    return path


@pytest.mark.filterwarnings("ignore")
def test_hf_gives_model_processor_and_labels(folder):
    loaded = load(f"hf:{folder}")
    assert loaded.declared.labels == ("cat", "dog", "owl")
    assert loaded.declared.input_shape == (3, 64, 64)
    prepared = Preprocess.from_dict(loaded.declared.preprocess)
    assert (prepared.mean, prepared.ratio, prepared.resampling) == ((0.5, 0.4, 0.3), 0.8, "bicubic")
    again = load(f"hf:{folder}").model
    for a, b in zip(loaded.model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.filterwarnings("ignore")
def test_hf_without_weights_is_random(folder):
    a, b = (load(f"hf:{folder}?weights=none").model for _ in range(2))
    assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.filterwarnings("ignore")
def test_hf_names_that_are_none(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(NotAModel, match="no image classifier"):
        load(f"hf:{tmp_path}")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(NotAModel, match="no image classifier"):
        load(f"hf:{tmp_path}?weights=none")
    with pytest.raises(ModelNotFound, match="could not be loaded"):
        load("hf:nobody/nothing-of-that-name")


@pytest.mark.parametrize(
    ("processor", "facts", "size"),
    [
        ({"size": 224}, {"fit": "stretch"}, (224, 224)),
        ({"size": {"height": 300, "width": 200}}, {"fit": "stretch"}, (300, 200)),
        ({"size": {"shortest_edge": 256}, "crop_size": 224}, {"ratio": 0.875}, (224, 224)),
        ({"size": {"shortest_edge": 224}, "do_center_crop": False}, {"ratio": 1.0}, (224, 224)),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.9}, {"fit": "stretch"}, (384, 384)),
        ({"size": 8, "resample": 3}, {"resampling": "bicubic"}, (8, 8)),
        ({"size": 8, "do_normalize": False}, {"mode": "unit"}, (8, 8)),
        ({"size": 8, "do_rescale": False, "do_normalize": False}, {"mode": "raw"}, (8, 8)),
        ({"size": 8, "image_mean": [0.5, 0.5, 0.5]}, {"mean": (0.5, 0.5, 0.5)}, (8, 8)),
        ({"size": 256, "crop_size": 224}, {"fit": "squash", "ratio": 0.875}, (224, 224)),
        ({"size": 8, "resample": 0}, {"resampling": "nearest", "half": "down"}, (8, 8)),
    ],
)
def test_a_processors_settings_in_our_words(processor, facts, size):
    found, shape = settings_in(processor)
    assert {name: found[name] for name in facts} == facts
    assert shape == size
    Preprocess.from_dict(found | {"input_size": list(shape)})


def test_hf_never_runs_code_of_a_repository_and_asks_nothing(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    classes = {"AutoConfig": "own.Config", "AutoModelForImageClassification": "own.Odd"}
    config = {"model_type": "odd_one", "architectures": ["Odd"], "auto_map": classes}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked on the terminal"))
    for name in (f"hf:{tmp_path}", f"hf:{tmp_path}?weights=none"):
        with pytest.raises(UnsafeModel, match=r"none of them was.*module\.py:factory"):
            load(name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("hub", ["timm", "torchvision"])
@pytest.mark.parametrize(
    ("error", "words", "command"),
    [
        (
            ModuleNotFoundError("No module named 'sympy'", name="sympy"),
            "sympy",
            "pip install sympy",
        ),
        (ImportError("cannot import name 'x' from 'torch'"), "name 'x'", "--upgrade"),
        (RuntimeError("operator torchvision::nms does not exist"), "nms", "--upgrade"),
    ],
)
def test_the_remedy_fits_the_cause(monkeypatch, hub, error, words, command):
    import builtins

    real = builtins.__import__

    def importing(name, *rest):
        if name.partition(".")[0] == hub:
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(MissingFramework, match=words) as caught:
        load(f"{hub}:anything")
    assert command in str(caught.value)
    assert not str(caught.value).endswith(f"pip install {hub}")
