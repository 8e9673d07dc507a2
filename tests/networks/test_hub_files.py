"""Folders of transformers that are broken, foreign or carry code: a sentence, and nothing runs."""

import io
import json
import pickle
import shutil

import numpy as np
import PIL.Image
import pytest
import torch

import xai_heatmap as xh
from xai_heatmap.core.errors import (
    ModelNotFound,
    NotAModel,
    UnknownPreprocess,
    UnsafeModel,
    XaiHeatmapError,
)
from xai_heatmap.explaining.preparing import preparation
from xai_heatmap.networks.loading.hubs import hf_processor
from xai_heatmap.networks.loading.hubs.hf_settings import facts, with_defaults
from xai_heatmap.networks.loading.load import load
from xai_heatmap.sources.preprocess import Preprocess

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


class Printing:
    """A pickle that would print, were it opened."""

    def __reduce__(self):
        return print, ("it ran",)


def saved(thing, **how):
    file = io.BytesIO()
    torch.save(thing, file, **how)
    return file.getvalue()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small ViT as transformers writes it."""
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        image_size=16, patch_size=8, num_labels=3,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("whole")
    transformers.ViTForImageClassification(config).save_pretrained(path)
    return path


def folder(whole, at, weights=None, config=None, **files):
    """The same with other files in place of some."""
    at.mkdir()
    shutil.copy(whole / "config.json", at / "config.json")
    if weights is None and "pytorch_model.bin" not in files:
        shutil.copy(whole / "model.safetensors", at / "model.safetensors")
    for name, content in files.items():
        (at / name).write_bytes(content)
    if weights is not None:
        (at / "model.safetensors").write_bytes(weights)
    if config is not None:
        (at / "config.json").write_text(config)
    return f"hf:{at}"


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Printing()), saved({"a": Printing()}), pickle.dumps(Printing(), protocol=0)],
    ids=["a pickle", "an archive", "letters"],
)
def test_code_in_a_file_of_weights_is_refused_and_does_not_run(whole, tmp_path, capfd, content):
    name = folder(whole, tmp_path / "m", **{"pytorch_model.bin": content})
    with pytest.raises(UnsafeModel, match="would run code that they carry"):
        load(name)
    assert "it ran" not in capfd.readouterr().out


@pytest.mark.parametrize("content", [b"", POINTER, b"<html>", saved([1, 2])], ids=range(4))
def test_a_damaged_file_of_weights_is_said(whole, tmp_path, content):
    with pytest.raises(NotAModel, match="Copy or download the folder again"):
        load(folder(whole, tmp_path / "m", **{"pytorch_model.bin": content}))


@pytest.mark.parametrize("content", [b"", POINTER, None], ids=["empty", "pointer", "cut off"])
def test_a_damaged_safetensors_file_is_said(whole, tmp_path, content):
    if content is None:
        content = (whole / "model.safetensors").read_bytes()[:-9]
    with pytest.raises(NotAModel, match=r"SafetensorError.*Copy or download the folder again"):
        load(folder(whole, tmp_path / "m", weights=content))


@pytest.mark.parametrize(
    "config", ["", "[1]", '{"model_type": 5}', '{"model_type": "vit", "hidden_size": "a"}']
)
def test_a_damaged_configuration_is_said(whole, tmp_path, config):
    with pytest.raises(XaiHeatmapError, match="hf:") as caught:
        load(folder(whole, tmp_path / "m", config=config))
    assert isinstance(caught.value, NotAModel | ModelNotFound)


@pytest.mark.parametrize("kind", ["{}", '{"model_type": "odd"}', '{"model_type": "bert"}'])
def test_code_for_the_model_alone_is_the_reason_that_is_given(whole, tmp_path, kind):
    config = json.loads(kind) | {"auto_map": {"AutoModelForImageClassification": "own.Odd"}}
    name = folder(whole, tmp_path / "m", config=json.dumps(config))
    for asked in (name, f"{name}?weights=none"):
        with pytest.raises(UnsafeModel, match="none of them was"):
            load(asked)


def test_weights_of_another_model_are_no_weights(whole, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    other = safetensors.save({"a": torch.ones(2)}, metadata={"format": "pt"})
    with pytest.raises(NotAModel, match=r"belong to another model.*weights=none"):
        load(folder(whole, tmp_path / "m", weights=other))


def test_weights_that_are_drawn_at_random_are_said(whole, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    own = safetensors.load((whole / "model.safetensors").read_bytes())
    kept = {name: value for name, value in own.items() if "classifier" not in name}
    weights = safetensors.save(kept, metadata={"format": "pt"})
    with pytest.warns(UserWarning, match=r"lacks 2 of .* classifier\.bias: they are random"):
        load(folder(whole, tmp_path / "m", weights=weights))


def test_code_that_was_not_run_though_its_weights_are_there_is_said(whole, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    own = safetensors.load((whole / "model.safetensors").read_bytes())
    weights = safetensors.save(own | {"extra.weight": torch.ones(2)}, metadata={"format": "pt"})
    config = json.loads((whole / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageClassification": "own.Odd"}
    name = folder(whole, tmp_path / "m", weights=weights, config=json.dumps(config))
    with pytest.warns(UserWarning, match=r"was not run.*extra\.weight, has no place in it"):
        load(name)


# processors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("processor", "why"),
    [
        ({"image_processor_type": "MyProcessor", "size": 16}, "MyProcessor, which may do more"),
        ({"image_processor_type": "DetrImageProcessor"}, "DetrImageProcessor, which may do more"),
        ({"image_processor_type": "SamImageProcessor"}, "SamImageProcessor, which may do more"),
        ({"image_processor_type": "ViTImageProcessor", "do_resize": False}, "resizes nothing"),
        ({"image_processor_type": "ViTImageProcessor", "do_pad": True}, "do_pad"),
        ({"image_processor_type": "ViTImageProcessor", "image_mean": ["a"]}, "can't be read"),
        ({"image_processor_type": "ViTImageProcessor", "size": {"longest_edge": 9}}, "longest"),
        ({"image_processor_type": "CLIPImageProcessor", "crop_size": 300}, "larger than the pict"),
        ({"image_processor_type": "PerceiverImageProcessor"}, "which may do more"),
        ([1], "names no class"),
    ],
)
def test_a_processor_that_is_not_read_is_asked_for(whole, tmp_path, processor, why):
    own = {"preprocessor_config.json": json.dumps(processor).encode()}
    name = folder(whole, tmp_path / "m", **own)
    with pytest.warns(UserWarning, match=rf"not taken from its image processor: .*{why}"):
        loaded = load(name)
    assert loaded.declared.preprocess is None
    with pytest.raises(UnknownPreprocess):
        preparation(None, xh.network(loaded))


def test_a_processor_without_a_name_is_the_architectures(whole, tmp_path):
    own = {"preprocessor_config.json": b'{"size": 16}'}
    declared = load(folder(whole, tmp_path / "m", **own)).declared
    named = {"image_processor_type": "ViTImageProcessor", "size": 16}
    assert (declared.preprocess, (16, 16)) == facts(with_defaults(named, transformers))
    assert declared.preprocess["mean"] == (0.5, 0.5, 0.5)  # and not ImageNet's
    assert declared.input_shape == (3, 16, 16)


SETTINGS = {
    "ConvNext": {"size": {"shortest_edge": 56}, "crop_pct": 0.875},
    "MobileViT": {"size": {"shortest_edge": 60}, "crop_size": {"height": 48, "width": 48}},
    "Segformer": {"size": {"height": 48, "width": 40}},
    "Levit": {"size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}},
}


@pytest.mark.parametrize("name", hf_processor.READ)
def test_every_processor_that_is_read_shows_the_same_pixels(name):
    theirs = getattr(transformers, f"{name}ImageProcessorPil", None)
    if theirs is None:
        pytest.skip("this version of transformers has no processor without torchvision")
    given = SETTINGS.get(name, {})
    written = json.loads(theirs(**given).to_json_string())
    rows, columns = np.mgrid[:90, :121]
    picture = np.stack([rows * 2, columns * 2, (rows + columns) % 32 * 8], -1).astype("u1")
    wanted = np.asarray(theirs(**given)(PIL.Image.fromarray(picture))["pixel_values"][0])
    for settings in (written, given | {"image_processor_type": f"{name}ImageProcessor"}):
        assert not hf_processor.unread(f"{name}ImageProcessor", settings)
        said, size = facts(with_defaults(settings, transformers))
        shown, _ = Preprocess.from_dict({**said, "input_size": list(size)})(picture)
        np.testing.assert_allclose(shown, wanted, atol=2e-5 * np.abs(wanted).max())
