"""From text to a model: what is read, what is refused, and that no file's code is ever run."""

import json
import os
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from xai_heatmap import networks
from xai_heatmap.core.errors import (
    BadOption,
    MissingFramework,
    ModelNotFound,
    NotAModel,
    UnsafeModel,
)
from xai_heatmap.networks.keras import imported as keras_import
from xai_heatmap.networks.loading import state_dict
from xai_heatmap.networks.loading.load import FILES, HUBS, load

FACTORY = """
from torch import nn
from beside import WIDTH

def net():
    return nn.Sequential(nn.Conv2d(3, WIDTH, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())

number = 7
"""


SAVING = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
"""Keras warns when it saves .h5, and of numpy on older TensorFlow."""


class Bomb:
    """Unpickling it leaves a file behind."""

    def __reduce__(self):
        return Path.touch, (Path("exploded"),)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(FACTORY)
    (tmp_path / "beside.py").write_text("WIDTH = 4\n")
    yield tmp_path
    sys.modules.pop("beside", None)


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def weights(value=0.5):
    return {"0.weight": torch.full((4, 3, 3, 3), value), "0.bias": torch.zeros(4)}


def lambda_model(keras):
    x = keras.Input((4, 4, 3))
    y = keras.layers.Lambda(lambda v: v * 2, output_shape=(4, 4, 3))(x)
    return keras.Model(x, keras.layers.GlobalAveragePooling2D()(y))


def plain_model(keras):
    layers = [keras.Input((6, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense(2)])


# factories --------------------------------------------------------------------------------------


def test_a_factory_is_called_and_its_neighbours_can_be_imported(place):
    before = list(sys.path)
    model = load("net.py:net").model
    assert isinstance(model, torch.nn.Module)
    assert model[0].out_channels == 4
    assert sys.path == before
    assert "net" not in sys.modules


def test_a_factory_with_a_full_path(place):
    assert load(f"{place}/net.py:net").model[0].out_channels == 4


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("net.py:nett", ModelNotFound, "Did you mean 'net'?"),
        ("none.py:net", ModelNotFound, "no Python file"),
        ("net.py:number", NotAModel, "is a int"),
        ("bad.py:net", NotAModel, "line 2: ValueError: oh"),
        ("syntax.py:net", NotAModel, "SyntaxError"),
        ("needy.py:net", NotAModel, "ModuleNotFoundError"),
        ("timmy.py:net", MissingFramework, "pip install timm"),
    ],
)
def test_a_factory_that_fails_says_where(place, monkeypatch, text, error, words):
    monkeypatch.setitem(sys.modules, "timm", None)
    (place / "bad.py").write_text("\nraise ValueError('oh')\n")
    (place / "syntax.py").write_text("def net(:\n")
    (place / "needy.py").write_text("import no_such_package_at_all\n")
    (place / "timmy.py").write_text("raise ModuleNotFoundError('no timm', name='timm')\n")
    names = set(sys.modules)
    with pytest.raises(error) as caught:
        load(text)
    assert words in str(caught.value)
    left = {name for name in set(sys.modules) - names if name.startswith("_xai_heatmap_model")}
    assert not left or error is ModelNotFound or "number" in text


# weights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrapped", ["plain", "state_dict", "model", "module."])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_weights_fill_the_model(place, wrapped, suffix):
    found = weights()
    if wrapped == "module.":
        found = {f"module.{name}": value for name, value in found.items()}
    if suffix == ".safetensors":
        save_file(found, "w.safetensors")
    else:
        in_a_checkpoint = wrapped in ("state_dict", "model")
        torch.save({wrapped: found, "epoch": 3} if in_a_checkpoint else found, f"w{suffix}")
    model = load("net.py:net", weights=f"w{suffix}").model
    assert float(model[0].weight.detach().mean()) == 0.5


def test_half_precision_weights_keep_the_models_dtype(place):
    save_file({name: value.half() for name, value in weights().items()}, "w.safetensors")
    assert load("net.py:net", weights="w.safetensors").model[0].weight.dtype == torch.float32


def test_a_pickle_with_code_is_refused_and_not_run(place):
    torch.save({"0.weight": Bomb()}, "bomb.pt")
    (place / "old.pth").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "old.pth"):
        with pytest.raises(UnsafeModel, match="would run code"):
            load("net.py:net", weights=name)
    assert not (place / "exploded").exists()


def test_a_whole_model_in_a_pickle_is_refused_without_a_circle(place):
    torch.save(torch.nn.Linear(2, 2), "whole.pt")
    for call in ({"text": "net.py:net", "weights": "whole.pt"}, {"text": "whole.pt"}):
        with pytest.raises(UnsafeModel, match=r"torch.save\(model.state_dict") as caught:
            load(**call)
        assert "--weights whole.pt" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("none.pt", ModelNotFound, "does not exist"),
        (".", ModelNotFound, "is a folder"),
        ("empty.pt", NotAModel, "0 bytes"),
        ("text.pt", NotAModel, "b'some text"),
        ("text.safetensors", NotAModel, "b'some text"),
        ("cut.pt", NotAModel, "again"),
        ("cut.safetensors", NotAModel, "again"),
        ("list.pt", NotAModel, "holds no weights by name but a list"),
        ("other.pt", NotAModel, "1 missing, such as 0.bias"),
        ("shape.pt", NotAModel, "1 of another shape, such as 0.bias: (5,) instead of (4,)"),
    ],
)
def test_weights_that_do_not_fit_or_are_none(place, name, error, words):
    (place / "empty.pt").touch()
    for suffix in (".pt", ".safetensors"):
        (place / f"text{suffix}").write_text("some text that is no model")
    torch.save(weights(), "w.pt")
    save_file(weights(), "w.safetensors")
    for suffix in (".pt", ".safetensors"):
        (place / f"cut{suffix}").write_bytes((place / f"w{suffix}").read_bytes()[:-200])
    torch.save([1, 2], "list.pt")
    torch.save({"0.weight": weights()["0.weight"], "x": torch.zeros(1)}, "other.pt")
    torch.save(weights() | {"0.bias": torch.zeros(5)}, "shape.pt")
    with pytest.raises(error) as caught:
        load("net.py:net", weights=name)
    assert words in str(caught.value)


@SAVING
def test_weights_are_for_torch_alone(place, keras):
    plain_model(keras).save("m.keras")
    torch.save(weights(), "w.pt")
    with pytest.raises(BadOption, match="already holds its weights"):
        load("m.keras", weights="w.pt")


def test_the_reference_network_predicts_with_its_weights(reference):
    example = Path(__file__).parents[2] / "examples" / "squeezenet.py"
    file = reference / "models" / "squeezenet1_1_torchvision.safetensors"
    network = networks.network(load(f"{example}:squeezenet", weights=file))
    assert network.name == "SqueezeNet"
    assert "features.12" in network.layers


def test_safetensors_missing_says_how_to_install_it(place, monkeypatch):
    (place / "w.safetensors").write_text("x")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingFramework, match="pip install safetensors"):
        state_dict.load_state_dict(torch.nn.Flatten(), place / "w.safetensors")


# Keras files ------------------------------------------------------------------------------------


@SAVING
@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_keras_file_is_read(place, keras, name):
    model = plain_model(keras)
    model.save(name)
    x = np.ones((1, 6, 6, 3), np.float32)
    again = load(name).model
    read, kept = (keras.ops.convert_to_numpy(each(x)) for each in (again, model))
    assert np.allclose(read, kept)


@SAVING
@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_lambda_layer_is_refused_in_both_formats(place, keras, name):
    lambda_model(keras).save(name)
    with pytest.raises(UnsafeModel, match="Lambda"):
        load(name)


@SAVING
def test_a_lambda_layer_of_the_old_kind_is_refused(place, keras):
    import h5py

    plain_model(keras).save("m.h5")
    with h5py.File("m.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        code = {"function": ["bytecode", None, None], "function_type": "lambda"}
        config["config"]["layers"].append({"class_name": "Lambda", "config": code})
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(UnsafeModel, match="Lambda"):
        load("m.h5")


@SAVING
def test_a_file_that_names_somebody_elses_class_is_refused(place, keras):
    plain_model(keras).save("m.keras")
    with zipfile.ZipFile("m.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] |= {"module": "os", "class_name": "system"}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile("n.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(NotAModel, match="not part of Keras"):
        load("n.keras")


@SAVING
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.keras", "cut off or damaged"),
        ("zip.keras", "config.json is not in it"),
        ("text.keras", "starts with b'some text"),
        ("cut.h5", "cut off or damaged"),
        ("text.h5", "starts with b'some text"),
        ("weights.h5", "holds weights but no architecture"),
        ("half.keras", "Keras can't make a model of"),
        ("empty.h5", "0 bytes"),
        ("saved", "SavedModel"),
        ("hf", "--model hf:hf"),
    ],
)
def test_a_keras_file_that_is_none(place, keras, name, words):
    model = plain_model(keras)
    for suffix in (".keras", ".h5"):
        model.save(f"m{suffix}")
        content = (place / f"m{suffix}").read_bytes()
        (place / f"cut{suffix}").write_bytes(content[: len(content) // 2])
        (place / f"text{suffix}").write_text("some text that is no model")
        (place / f"empty{suffix}").touch()
    with zipfile.ZipFile("zip.keras", "w") as archive:
        archive.writestr("a.txt", "a")
    with zipfile.ZipFile("m.keras") as whole, zipfile.ZipFile("half.keras", "w") as half:
        half.writestr("config.json", whole.read("config.json"))
    model.save_weights("m.weights.h5")
    (place / "m.weights.h5").rename(place / "weights.h5")
    for folder, file in (("saved", "saved_model.pb"), ("hf", "config.json")):
        (place / folder).mkdir()
        (place / folder / file).touch()
    with pytest.raises(NotAModel) as caught:
        load(name)
    assert words in str(caught.value)


# Keras's backend --------------------------------------------------------------------------------


@pytest.fixture
def no_keras_yet(monkeypatch, tmp_path):
    modules = {n: m for n, m in sys.modules.items() if n != "keras"}
    monkeypatch.setattr(keras_import.sys, "modules", modules)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("installed", "configured", "chosen"),
    [
        (["torch"], None, "torch"),
        (["jax", "torch"], None, "jax"),
        (["tensorflow", "jax"], None, "tensorflow"),
        (["tensorflow", "jax"], "jax", "jax"),
        (["torch"], "jax", "torch"),
        ([], None, None),
    ],
)
def test_keras_runs_on_what_is_installed(no_keras_yet, monkeypatch, installed, configured, chosen):
    monkeypatch.setattr(
        keras_import.importlib.util, "find_spec", lambda name: name in installed or None
    )
    if configured:
        (no_keras_yet / "keras.json").write_text(json.dumps({"backend": configured}))
    assert keras_import.keras_backend() == chosen
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert keras_import.keras_backend() == "jax"


def test_keras_missing_says_how_to_install_it(no_keras_yet, monkeypatch):
    monkeypatch.setattr(keras_import.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingFramework, match=r'pip install "xai-heatmap\[keras\]" tensorflow'):
        keras_import.imported_keras(purpose="'m.keras'")
    monkeypatch.setattr(
        keras_import.importlib.util, "find_spec", lambda name: name == "keras" or None
    )
    with pytest.raises(MissingFramework, match="pip install tensorflow"):
        keras_import.imported_keras(purpose="'m.keras'")


def test_log_lines_of_the_start_are_left_out_and_others_kept(monkeypatch, capfd):
    import os

    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    with keras_import.without_log_lines():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called ...\n")
        os.write(2, b"I0000 00:00:1795411239.6 11443 port.cc:153] oneDNN ...\nkept\n")
    assert capfd.readouterr().err == "kept\n"
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    with keras_import.without_log_lines():
        os.write(2, b"I0000 00:00:1795411239.6 11443 port.cc:153] oneDNN ...\n")
    assert "oneDNN" in capfd.readouterr().err


def test_every_loader_of_the_tables_is_there():
    import importlib

    for module, function in {**HUBS, **FILES}.values():
        assert hasattr(importlib.import_module(f"xai_heatmap.networks.{module}"), function)


def test_the_former_name_of_the_module_still_loads():
    from xai_heatmap.backends.load import load as former

    assert former is load


def test_a_pipe_as_weights_is_called_no_regular_file(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    state_dict = pytest.importorskip("xai_heatmap.networks.loading.state_dict")
    os.mkfifo(tmp_path / "pipe.pt")
    with pytest.raises(ModelNotFound, match="is no regular file"):
        state_dict.load_state_dict(torch.nn.Linear(2, 2), tmp_path / "pipe.pt")


def test_an_exported_program_is_told_the_function_that_opens_it(tmp_path):
    path = tmp_path / "net.pt2"
    path.write_bytes(b"PK")
    with pytest.raises(NotAModel, match=r"torch\.export\.load\(path\).*module\.py:factory"):
        load(path)
