"""Flags of options: each is the option of every method that has it."""

import json

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.registry import METHODS
from xai_heatmap.jobs.job import Explain
from xai_heatmap.jobs.method_options import MethodOptions
from xai_heatmap.jobs.request import options
from xai_heatmap.jobs.settings import settled

NAMES = [name for name in MethodOptions.model_fields if name != "kind"]
VALUES = {"window": "4,2", "stride": "2", "cells": "3", "baseline": "mean", "fill": "0.5"} | {
    "steps": "4",
    "samples": "9",
}
READ = {"window": (4, 2), "stride": 2, "cells": 3, "baseline": "mean", "fill": 0.5} | {
    "steps": 4,
    "samples": 9,
}


def takers(name):
    return [own for own, method in METHODS.items() if name in method.options]


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_is_an_option_that_methods_have(name):
    assert takers(name)


@pytest.mark.parametrize("name", VALUES)
def test_it_is_given_to_the_methods_that_have_it(name):
    methods = [takers(name)[0], "gradcam"]
    found = options(Explain(**{name: VALUES[name]}), methods)
    assert found == {methods[0]: {name: READ[name]}, "gradcam": {}}


@pytest.mark.parametrize("name", NAMES)
def test_where_no_method_has_it_those_that_do_are_said(name, tmp_path):
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "r.png")
    job = Explain(**{name: str(tmp_path / "r.png")})
    with pytest.raises(BadOption, match=rf"--{name} is for .*{takers(name)[0]}.*gradcam"):
        options(job, ["gradcam"])


def test_a_file_of_settings_holds_numbers_and_lists(tmp_path):
    (tmp_path / "xai-heatmap.toml").write_text("steps = 5\nwindow = [4, 2]\n")
    job = settled(Explain, {}, environment={"XAI_HEATMAP_CELLS": "3"}, folder=tmp_path)
    assert job.method_options() == {"steps": "5", "window": "4,2", "cells": "3"}


def test_regions_of_a_label_image(cli, place):
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 3
    PIL.Image.fromarray(labels).save(place / "regions.png")
    PIL.Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(place / "grey.png")
    said = cli("explain", "grey.png", "-m", "demo", "--method", "occlusion", "--regions",
               "regions.png", "--json")  # fmt: skip
    assert said.code == 0, said.err
    (found,) = json.loads(said.out)[0]["explanations"]
    assert [*found["regions"]] == ["0", "3"]
