import tomllib
from pathlib import Path

import pytest

from xai_heatmap.core.errors import BadOption, UsageError
from xai_heatmap.jobs.job import Explain
from xai_heatmap.jobs.settings import PREFIX, settled

FULL = {
    "images": ("a b.png", 'c"d\\e.png', "ü.png"),
    "model": "net.py:net",
    "weights": Path("w.pt"),
    "method": ("gradcam", "eigencam"),
    "option": ("relu=false",),
    "regions": "regions.png",
    "window": "16,8",
    "stride": "4",
    "cells": "7",
    "baseline": "mean",
    "fill": "0.5",
    "steps": "8",
    "samples": "100",
    "layer": ("[ab]*", "-1"),
    "target": ("goldfish, Carassius auratus", "3-5"),
    "preprocess": "caffe",
    "mean": (0.1, 1e-7, 3.0),
    "std": (1.0,),
    "size": (224, 320),
    "fit": "crop",
    "crop": 0.9,
    "resampling": "bicubic",
    "white": 4095.0,
    "hold": ("age=45", "site=site.npy"),
    "picture": "image",
    "ask": "what is left?",
    "tokens": 3,
    "text": ("a cat", "a dog"),
    "labels": Path("labels.csv"),
    "answers": "boxes:xyxy,pixels",
    "out": Path("some where"),
    "colormap": "viridis",
    "alpha": 0.25,
    "contour": False,
    "legend": True,
    "caption": False,
    "mute": True,
    "smooth": True,
    "axes": "tchw",
    "axis": 1,
    "slices": (3, 5),
    "test": True,
    "passes": 128,
    "guard": True,
    "max_pixels": 10,
}


def test_a_job_is_its_toml(tmp_path):
    assert set(FULL) == set(Explain.settings())
    job = Explain(**FULL)
    assert tomllib.loads(job.to_toml())["mean"] == [0.1, 1e-7, 3.0]
    (tmp_path / "xai-heatmap.toml").write_text(job.to_toml(), encoding="utf-8")
    assert settled(Explain, {}, environment={}, folder=tmp_path) == job


def test_an_empty_job_is_its_toml(tmp_path):
    (tmp_path / "xai-heatmap.toml").write_text(Explain().to_toml())
    assert settled(Explain, {}, environment={}, folder=tmp_path) == Explain()


@pytest.mark.parametrize("text", ["a\nb", "\x00\x1b\x7f", '"""', "\\u0041", "🐟", "'"])
def test_any_text_survives_toml(tmp_path, text):
    job = Explain(target=(text,))
    (tmp_path / "xai-heatmap.toml").write_text(job.to_toml(), encoding="utf-8", newline="")
    assert settled(Explain, {}, environment={}, folder=tmp_path) == job


def test_a_flag_comes_before_a_variable_before_the_file_before_the_default(tmp_path):
    def alpha(flags, environment):
        return settled(Explain, flags, environment=environment, folder=tmp_path).alpha

    assert alpha({}, {}) is None
    (tmp_path / "xai-heatmap.toml").write_text("alpha = 0.1")
    assert alpha({}, {}) == 0.1
    assert alpha({"alpha": None}, {PREFIX + "ALPHA": "0.2"}) == 0.2
    assert alpha({"alpha": 0.3}, {PREFIX + "ALPHA": "0.2"}) == 0.3


def test_a_flag_that_says_no_is_said(tmp_path):
    (tmp_path / "xai-heatmap.toml").write_text("contour = false")
    assert not settled(Explain, {"contour": None}, environment={}, folder=tmp_path).contour
    assert settled(Explain, {"contour": True}, environment={}, folder=tmp_path).contour


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("layer", "conv1", ("conv1",)),
        ("layer", "[ab]*", ("[ab]*",)),
        ("layer", '["conv1", -1]', ("conv1", "-1")),
        ("target", "goldfish, Carassius auratus", ("goldfish, Carassius auratus",)),
        ("mean", "0.5, 0.4,0.3", (0.5, 0.4, 0.3)),
        ("mean", "[0.5]", (0.5,)),
        ("size", "224", (224, 224)),
        ("size", "224x320", (224, 320)),
        ("legend", "true", True),
        ("max_pixels", "7", 7),
    ],
)
def test_variables_are_read_as_flags_are(tmp_path, name, text, value):
    job = settled(Explain, {}, environment={PREFIX + name.upper(): text}, folder=tmp_path)
    assert getattr(job, name) == value


def test_variables_of_other_tools_are_left_alone(tmp_path):
    environment = {PREFIX + "PORT": "7", PREFIX + "MODEL": ""}
    assert settled(Explain, {}, environment=environment, folder=tmp_path) == Explain()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alpa = 1", "Did you mean 'alpha'?"),
        ("alpha = ", "is not TOML that can be read"),
        ("alpha = 'thick'", "alpha can't be 'thick'"),
        ("size = [1, 2, 3]", "size can't be [1, 2, 3]"),
        ("\xff", "is not TOML that can be read"),
    ],
)
def test_a_file_of_settings_that_is_off(tmp_path, text, words):
    (tmp_path / "xai-heatmap.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadOption) as caught:
        settled(Explain, {}, environment={}, folder=tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize("needed", ["model", "images"])
def test_what_is_needed_is_asked_for(tmp_path, needed):
    with pytest.raises(UsageError, match="is needed"):
        settled(Explain, {}, environment={}, folder=tmp_path, given=[needed])
    said = {needed: ["x"] if needed == "images" else "x"}
    settled(Explain, said, environment={}, folder=tmp_path, given=[needed])
