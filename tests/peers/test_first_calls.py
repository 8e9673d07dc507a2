"""The first call of a user of each peer, with only names changed, beside the peer's own."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = Path(sys.prefix) / "peers"

pytestmark = pytest.mark.slow

SAME = 1e-5
"""Of maps from 0 to 1, or of scores of that size."""


@pytest.fixture(scope="session")
def called(shared):
    """What the script of one framework found, in a process of its own: once for all workers."""
    if not (PEERS / "installed").exists():
        pytest.skip("the peers are not installed: make peers")

    @cache
    def of(script):
        with shared("peers") as folder:
            path = folder / f"{script}.json"
            if not path.exists():
                path.write_text(ran(script), "utf-8")
            return json.loads(path.read_text("utf-8"))

    return of


def ran(script):
    """The last line that a script prints."""
    more = os.environ.get("XAI_HEATMAP_PACKAGES", "")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "src"), more])
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(script))],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "call",
    [
        "pytorch_grad_cam",
        "torch_cam",
        "captum_integrated_gradients",
        "captum_layer_gradcam",
        "captum_occlusion",
        "captum_feature_ablation",
        "saliency_gradient",
    ],
)
def test_the_map_is_that_of_the_peer_in_pytorch(called, call):
    found = called("torch_calls.py")[call]
    if found == "not installed":
        pytest.skip("saliency is not among the peers; its gradient is that of test_formulas.py")
    assert found < SAME


def test_captum_s_own_quadrature_is_of_the_same_integral(called):
    """Gauss-Legendre there, midpoints here: behind ReLUs both miss kinks, each in its own way."""
    assert called("torch_calls.py")["captum_integrated_gradients_of_a_picture"] < 0.01


def test_torch_cam_s_smooth_grad_cam_finds_the_same_layer_and_grid(called):
    """Not the same map: noise is drawn otherwise, and its weights are no Grad-CAM++ weights."""
    found = called("torch_calls.py")["torch_cam_smooth"]
    assert found["shapes"][0] == found["shapes"][1]
    assert found["layers"][0] == found["layers"][1]
    assert found["verdict"] == "ok"


@pytest.mark.parametrize(
    "call", ["tf_keras_vis_gradcam", "tf_keras_vis_saliency", "xplique_gradcam"]
)
def test_the_map_is_that_of_the_peer_in_keras(called, call):
    assert called("keras_calls.py")[call] < SAME


def test_tf_keras_vis_s_score_cam_is_nearly_ours(called):
    """It weighs by probabilities, where the paper weighs by increases."""
    assert called("keras_calls.py")["tf_keras_vis_scorecam"] > 0.99


def test_xplique_s_rise_finds_what_ours_finds(called):
    """Not the same masks: both are drawn. Theirs is not centred, so they are compared as ranks."""
    assert called("keras_calls.py")["xplique_rise"] > 0.8


def test_a_yolo_is_explained_as_it_is_held(called):
    found = called("torch_calls.py")["ultralytics"]
    if found == "not installed":
        pytest.skip("ultralytics is not among the peers; test_objects.py holds a stand-in to it")
    assert found["layer"] in found["levels"]
    assert found["map"] == found["grid"]
    assert found["overlap"] > 0
