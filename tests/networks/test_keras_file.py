"""Keras files that somebody else made: damaged, too large, or with classes that are not Keras's."""

import contextlib
import json
import shutil
import zipfile

import numpy as np
import pytest

from xai_heatmap.core.errors import NotAModel
from xai_heatmap.networks.keras import file as keras_file
from xai_heatmap.networks.loading.load import load

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


@pytest.fixture(scope="module")
def files(keras, tmp_path_factory):
    """A folder with good.keras and good.h5."""
    folder = tmp_path_factory.mktemp("good")
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    model = keras.Sequential([keras.Input((16, 16, 3)), *layers, keras.layers.Dense(2)])
    model.save(folder / "good.keras")
    model.save(folder / "good.h5")
    return folder


@pytest.fixture
def place(files, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(files, tmp_path / "place"))
    return tmp_path / "place"


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def changed(place, change, name="good"):
    """The file with another configuration, in both formats."""
    import h5py

    content = members(place / f"{name}.keras")
    config = json.loads(content["config.json"])
    change(config)
    packed(place / "changed.keras", content | {"config.json": json.dumps(config)})
    shutil.copy(place / f"{name}.h5", place / "changed.h5")
    with h5py.File(place / "changed.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)
    return ["changed.keras", "changed.h5"]


# damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "other"), [("keras", "h5"), ("h5", "keras")])
def test_a_file_under_the_name_of_the_other_kind_is_told_so(place, own, other):
    shutil.copy(place / f"good.{own}", place / f"other.{other}")
    with pytest.raises(NotAModel, match=rf"by its content.* Rename it to 'other\.{own}'"):
        load(f"other.{other}")


def test_any_damage_is_told(place):
    packed("packed.keras", members("good.keras"))
    content = (place / "packed.keras").read_bytes()
    for name in ("packed.keras", "good.h5"):
        content = (place / name).read_bytes()
        random = np.random.default_rng(0)
        for _ in range(150):
            broken = bytearray(content)
            start = int(random.integers(len(broken) - 60))
            broken[start : start + 40] = random.bytes(40)
            (place / f"broken{name[-6:]}").write_bytes(broken)
            read = keras_file._configuration_of_h5
            if name.endswith("keras"):
                read = keras_file._configuration_of_zip
            with contextlib.suppress(NotAModel):
                read(place / f"broken{name[-6:]}")


@pytest.mark.parametrize("depth", [500, 900, 5_000, 100_000])
@pytest.mark.parametrize("brackets", ["[]", ("{" + '"config":', "}")])
def test_a_configuration_without_end_is_told(place, depth, brackets):
    inner = "[]" if brackets == "[]" else "{}"
    text = brackets[0] * depth + inner + brackets[1] * depth
    packed("deep.keras", members("good.keras") | {"config.json": text})
    with pytest.raises(NotAModel):
        load("deep.keras")


# sizes -------------------------------------------------------------------------------------------


def test_a_configuration_of_hundreds_of_megabytes_is_not_unpacked(place, monkeypatch):
    monkeypatch.setattr(keras_file, "LARGEST_CONFIGURATION", 1 << 20)
    packed("large.keras", members("good.keras") | {"config.json": b" " * (2 << 20)})
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was unpacked"))
    with pytest.raises(NotAModel, match=r"holds a config\.json of 2,097,152 bytes"):
        load("large.keras")


def test_weights_that_unpack_to_far_more_than_the_file_are_not_unpacked(place, monkeypatch):
    monkeypatch.setattr(keras_file, "SMALL", 1 << 20)
    packed("large.keras", members("good.keras") | {"model.weights.h5": b"\0" * (8 << 20)})
    with pytest.raises(NotAModel, match="which no model does"):
        load("large.keras")


def test_a_dataset_that_says_it_is_huge_is_not_read(place, monkeypatch):
    import h5py

    with h5py.File("good.h5", "a") as file:
        file.create_dataset("huge", shape=(1 << 40,), dtype="f4", chunks=(1 << 10,))
    with pytest.raises(NotAModel, match="4,398,046,5"):
        load("good.h5")


def test_a_large_model_that_is_as_large_as_it_says_is_read(place, monkeypatch):
    monkeypatch.setattr(keras_file, "SMALL", 0)
    for name in ("good.keras", "good.h5"):
        assert load(name).model is not None


# strangers and mistakes --------------------------------------------------------------------------


@pytest.fixture
def stranger(place, keras):
    """Files with a layer, an activation or an initializer of one's own; nothing is registered."""

    def made(kind):
        class Scale(keras.layers.Layer):
            def call(self, x):
                return x * 2

        def double(x):
            return x * 2

        other = {
            "layer": [Scale()],
            "registered": [keras.saving.register_keras_serializable("mine")(Scale)()],
            "activation": [keras.layers.Activation(double)],
        }[kind]
        start = [keras.Input((16, 16, 3)), keras.layers.Conv2D(4, 3)]
        end = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        model = keras.Sequential([*start, *other, *end])
        model.save("own.keras")
        model.save("own.h5")
        keras.saving.get_custom_objects().clear()

    return made


@pytest.mark.parametrize("name", ["own.keras", "own.h5"])
@pytest.mark.parametrize("kind", ["layer", "registered", "activation"])
def test_a_class_of_ones_own_is_named_with_what_to_write(stranger, kind, name):
    stranger(kind)
    with pytest.raises(NotAModel) as caught:
        load(name)
    said = str(caught.value)
    own = "double" if kind == "activation" else "Scale"
    assert f"import {own}" in said
    assert "--model model.py:build" in said
    assert "incomplete" not in said


def test_the_factory_that_is_advised_works(stranger, place):
    stranger("registered")
    with pytest.raises(NotAModel) as caught:
        load("own.keras")
    lines = [line[4:] for line in str(caught.value).splitlines() if line.startswith("    ")]
    (place / "the_file_with_it.py").write_text(
        "import keras\nclass Scale(keras.layers.Layer):\n    def call(self, x): return x * 2\n"
    )
    (place / "model.py").write_text("\n".join(lines))
    assert len(load("model.py:build").model.layers) == 4


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("filters", -1, "-1"), ("strides", [0, 0], r"strides"), ("padding", "sideways", "sideways")],
)
def test_the_cause_is_told_and_not_only_that_there_is_one(place, key, value, words):
    def change(config):
        config["config"]["layers"][1]["config"][key] = value

    for name in changed(place, change):
        with pytest.raises(NotAModel, match=words) as caught:
            load(name)
        assert "could not be deserialized properly" not in str(caught.value)
