"""What docs/agreement.md says of other packages is still so."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PEERS = Path(sys.prefix) / "peers"
EXPLAINED = 2e-3
"""Of a map from 0 to 1; paths through ReLUs that switch at rounding leave 1e-3."""


@pytest.mark.slow
@pytest.mark.reference
def test_the_page_says_what_the_peers_do(reference):
    if not (PEERS / "installed").exists():
        pytest.skip("the peers are not installed: make peers")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.methods_agree", "--json", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    written = dict(_written())
    for row in found:
        said = written[row["method"], row["peer"]]
        assert said.partition(" (with that")[0] == row["said"]
        assert row["said"] == "the same" or row["explained"] < EXPLAINED, row
    assert {row["peer"] for row in found} == {peer for _, peer in written}


SMALL = """
import json, sys
import numpy as np
from benchmarks import peers
peers.visible()
import keras, xplique, tf_keras_vis
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore
from xplique import attributions
keras.utils.set_random_seed(0)
given = keras.Input((16, 16, 3))
a = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(given)
logits = keras.layers.Dense(4, name="logits")(keras.layers.GlobalAveragePooling2D()(a))
closed = keras.Model(given, keras.layers.Activation("softmax")(logits))
open_ = keras.Model(given, logits)
x = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype("float32")
one_hot = np.eye(4, dtype="float32")[[2]]
def xplique_map(model, name, **how):
    return np.asarray(getattr(attributions, name)(model, **how)(x, one_hot)).ravel().tolist()
at = {"Saliency": {}, "GradCAM": {"conv_layer": "conv"}}
at |= {"GradientInput": {}, "IntegratedGradients": {"steps": 4}, "GradCAMPP": at["GradCAM"]}
found = {
    name: [
        xplique_map(closed, name, **how),
        xplique_map(closed, name, output_layer="logits", **how),
        xplique_map(open_, name, **how),
    ]
    for name, how in at.items()
}
how = {"penultimate_layer": "conv", "seek_penultimate_conv_layer": False, "training": False}
cam = Scorecam(closed, clone=False)
map_ = cam(CategoricalScore([2]), x, expand_cam=False, normalize_cam=False, **how)
flat = keras.Model(given, a)(x).numpy()[0].sum(axis=-1) / 4
scorecam = [np.asarray(map_)[0].ravel().tolist(), flat.ravel().tolist()]
print(json.dumps({"xplique": found, "scorecam": scorecam}))
"""
"""A small network with and without its closing softmax."""


@pytest.mark.slow
def test_why_the_peers_are_given_a_copy_without_softmax():
    if not (PEERS / "installed").exists():
        pytest.skip("the peers are not installed: make peers")
    ran = subprocess.run(
        [sys.executable, "-c", SMALL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    for name, (plain, with_option, of_logits) in found["xplique"].items():
        assert plain == with_option, name
        assert plain != pytest.approx(of_logits, rel=0.05), name
    scorecam, alike = found["scorecam"]
    assert scorecam == pytest.approx(alike, rel=0.05), "every weight is nearly 1/4"
    text = (ROOT / "docs" / "agreement.md").read_text("utf-8")
    assert "output_layer" in text
    assert "takes a second" in text


def _written():
    """What the page says, by method and peer."""
    for line in (ROOT / "docs" / "agreement.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield (cells[0].strip("`"), re.sub(r" [\d.]+$", "", cells[1])), cells[-1]
