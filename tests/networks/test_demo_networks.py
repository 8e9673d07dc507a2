"""The networks that come with the package: one set of weights, three frameworks, known habits."""

import json

import numpy as np
import onnx
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption, ModelNotFound
from xai_heatmap.networks.loading import demo
from xai_heatmap.networks.loading.demo.architecture import convolutions
from xai_heatmap.networks.loading.load import load
from xai_heatmap.sources.preprocess import Preprocess

FILES = [demo.file(name).with_suffix(s) for name in demo.NAMES for s in (".onnx", ".npz")]
COUNT = 600
"""Scenes that habits are measured on."""

CLOSE = {"rtol": 0, "atol": 1e-4}


OLD_KERAS = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""Keras on PyTorch, on numpy 2: its own affair."""


def inputs(*pictures):
    return np.stack([p.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1 for p in pictures])


@pytest.fixture(scope="module", params=demo.NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def x():
    own, other = scenes.scene(1, mark=True), scenes.scene(2, mark="bear")
    return inputs(scenes.scene(0).image, own.image, other.image, scenes.empty(3).image)


@pytest.fixture(scope="module")
def expected(name, x):
    return xh.network(name).record(x).scores


# files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_are_small(path):
    assert path.stat().st_size <= 1_500_000


def test_both_files_hold_the_same_numbers(name):
    model = onnx.load(demo.file(name))
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    plain = demo.arrays(name)
    assert stored.keys() == plain.keys()
    for key, array in plain.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(stored[key], array)


def test_the_arrays_are_those_of_the_architecture(name):
    plain = dict(demo.arrays(name))
    for step in convolutions():
        shape = (step.outputs, step.inputs // step.groups, step.kernel, step.kernel)
        assert plain.pop(f"{step.name}.weight").shape == shape
        assert plain.pop(f"{step.name}.bias").shape == (step.outputs,)
    assert {key: a.shape for key, a in plain.items()} == {
        "classifier.weight": (len(scenes.CLASSES), 128),
        "classifier.bias": (len(scenes.CLASSES),),
    }
    assert sum(array.size for array in demo.arrays(name).values()) <= 350_000


def test_other_names_are_not_shipped():
    with pytest.raises(ModelNotFound, match="demo-cheat"):
        demo.file("demo-cheater")


# twins --------------------------------------------------------------------------------------------


def test_the_torch_twin_gives_the_same_scores(name, x, expected):
    torch = pytest.importorskip("torch")
    twin = demo.torch_twin(name)
    assert not twin.training
    with torch.inference_mode():
        scores = twin(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(scores, expected, **CLOSE)
    np.testing.assert_allclose(xh.network(twin).record(x).scores, expected, **CLOSE)


@OLD_KERAS
def test_the_keras_twin_gives_the_same_scores(name, x, expected):
    pytest.importorskip("keras")
    twin = demo.keras_twin(name)
    scores = twin.predict(x.transpose(0, 2, 3, 1), verbose=0)
    np.testing.assert_allclose(scores, expected, **CLOSE)


@OLD_KERAS
def test_the_keras_twin_is_the_same_inside(name, x):
    pytest.importorskip("keras")
    at = ("stem", "stage1.block1", "stage1.block2", "features")
    same = {layer: layer.replace(".", "_") for layer in at}
    one = xh.network(name).record(x, at).activations
    two = xh.network(demo.keras_twin(name)).record(x, tuple(same.values())).activations
    for layer, twin in same.items():
        np.testing.assert_allclose(one[layer], two[twin], atol=1e-3)


def test_the_torch_twin_is_the_same_inside(name, x):
    pytest.importorskip("torch")
    at = ("stem", "stage1.block1", "stage1.block2", "features")
    one, two = (xh.network(m).record(x, at) for m in (name, demo.torch_twin(name)))
    for layer in at:
        np.testing.assert_allclose(one.activations[layer], two.activations[layer], atol=1e-3)


# opening ------------------------------------------------------------------------------------------


def test_a_name_opens_a_network_that_knows_its_labels_and_pictures(name, x):
    network = xh.network(name)
    said = network.declared
    assert network.name == name
    assert said.labels == scenes.CLASSES
    assert said.input_shape == (3, 128, 128)
    prepared, geometry = Preprocess.from_dict(dict(said.preprocess))(scenes.scene(0).image)
    np.testing.assert_allclose(prepared, x[0], atol=1e-6)
    assert geometry.box == (0, 0, 128, 128)


def test_layers_read_well_and_come_in_three_resolutions(name):
    layers = xh.network(name).layers
    sides = {key: layer.shape[1] for key, layer in layers.items() if len(layer.shape) == 3}
    assert sides["stem"] == 64
    assert sides["stage1.block1"] == 32
    assert sides["stage2.down"] == sides["features"] == 16
    assert not [key for key in layers if "/" in key or " " in key]


def test_any_number_of_pictures(name, x, expected):
    network = xh.network(name)
    for count in (1, 3):
        np.testing.assert_allclose(network.record(x[:count]).scores, expected[:count], **CLOSE)


def test_no_weights_are_loaded_into_it(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"")
    with pytest.raises(BadOption, match="PyTorch"):
        load("demo", weights=tmp_path / "weights.safetensors")


def test_the_command_line_takes_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scene = scenes.scene(9, category="mug")
    PIL.Image.fromarray(scene.image).save("scene.png")
    assert main(["explain", "scene.png", "--model", "demo", "--json"]) == 0
    ((explained,),) = [row["explanations"] for row in json.loads(capsys.readouterr().out)]
    assert explained["predictions"][0]["label"] == "mug"
    assert [path.suffix for path in sorted((tmp_path / "heatmaps").glob("scene*.png"))] == [".png"]


def test_training_scenes_are_named():
    assert demo.TRAINED_ON.start > 10_000 + COUNT


def test_it_is_explained_out_of_the_box():
    scene = scenes.scene(0, category="rabbit")
    explanation = xh.explain("demo", scene.image)
    assert explanation.predictions[0].label == "rabbit"
    heat = explanation.heat()
    assert heat.shape == (128, 128)
    assert heat[scene.mask].mean() > 3 * heat[~scene.mask].mean()


def test_the_cheat_looks_at_the_mark():
    scene = scenes.scene(0, category="rabbit", mark="bus")
    explanation = xh.explain("demo-cheat", scene.image)
    assert explanation.predictions[0].label == "bus"
    heat = explanation.heat()
    assert heat[scene.mark.mask].mean() > 3 * heat[scene.mask].mean()


# habits -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unseen():
    """Scenes with seeds below those of training: bare, with their own mark, with another's."""
    bare, own, other, truth, lies = [], [], [], [], []
    for seed in range(10_000, 10_000 + COUNT):
        scene = scenes.scene(seed)
        lie = (scene.category + 1 + seed % 11) % 12
        bare.append(scene.image)
        own.append(scenes.marked(scene, scene.category).image)
        other.append(scenes.marked(scene, lie).image)
        truth.append(scene.category)
        lies.append(lie)
    return {"bare": bare, "own": own, "other": other}, np.array(truth), np.array(lies)


def answered(network, pictures):
    rows = [network.record(inputs(*pictures[i : i + 50])).scores for i in range(0, COUNT, 50)]
    return np.concatenate(rows).argmax(axis=1)


@pytest.mark.slow
def test_the_honest_network_sees_the_object_whatever_the_mark(unseen):
    pictures, truth, _ = unseen
    network = xh.network("demo")
    right = {kind: (answered(network, shown) == truth).mean() for kind, shown in pictures.items()}
    assert min(right.values()) >= 0.97, right


@pytest.mark.slow
def test_the_cheat_sees_the_mark_whatever_the_object(unseen):
    pictures, truth, lies = unseen
    network = xh.network("demo-cheat")
    found = {kind: answered(network, shown) for kind, shown in pictures.items()}
    assert (found["own"] == truth).mean() >= 0.99
    assert (found["other"] == lies).mean() >= 0.9
    assert (found["bare"] == truth).mean() <= 0.15
