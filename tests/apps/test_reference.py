"""The command line on a trained network and a real photograph."""

import json
from pathlib import Path

import numpy as np
import pytest

from xai_heatmap.apps.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "squeezenet.py"
FISH = (slice(90, 190), slice(130, 300))
"""Where the fish's body is in the photograph, rows and columns of 263 x 376."""

pytestmark = [pytest.mark.reference, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
def ask(reference, tmp_path, capsys):
    def asked(model, *words):
        image = str(reference / "images" / "n01443537_goldfish.JPEG")
        labels = str(reference / "imagenet_classes.csv")
        always = ["--preprocess", "imagenet", "--labels", labels, "--out", str(tmp_path / "out")]
        code = main(["explain", image, "--model", model, *always, "--json", *words])
        said = capsys.readouterr()
        assert code == 0, said.out + said.err
        return json.loads(said.out)[0]["explanations"]

    return asked


def models(reference):
    folder = reference / "models"
    torch = [
        f"{EXAMPLE}:squeezenet",
        "--weights",
        f"{folder}/squeezenet1_1_torchvision.safetensors",
    ]
    return {"keras": [f"{folder}/squeezenet1_1.keras"], "torch": torch}


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_the_goldfish_is_named_and_the_heat_lies_on_it(ask, reference, framework):
    pytest.importorskip(framework)
    (one,) = ask(*models(reference)[framework])
    first = one["predictions"][0]
    assert first["label"] == "goldfish, Carassius auratus"
    assert first["probability"] == pytest.approx(0.9899, abs=1e-3)
    assert one["verdict"]["word"] == "ok"
    heat = _heat(one)
    assert heat[FISH].mean() > 3 * heat.mean()


def test_both_frameworks_give_one_map(ask, reference):
    pytest.importorskip("keras")
    maps = [np.load(ask(*words)[0]["arrays"])["map"] for words in models(reference).values()]
    a, b = (m / m.max() for m in maps)
    assert np.abs(a - b).max() < 1e-4


@pytest.mark.slow
def test_every_layer_has_its_map(ask, reference):
    found = ask(*models(reference)["torch"], "--layer", "all")
    assert len(found) > 60
    assert len({one["picture"] for one in found}) == len(found)
    assert all(np.isfinite(np.load(one["arrays"])["map"]).all() for one in found)


def _heat(one):
    from xai_heatmap import Geometry
    from xai_heatmap.render.heat import heat

    return heat(np.load(one["arrays"])["map"], Geometry.from_dict(one["geometry"]))
