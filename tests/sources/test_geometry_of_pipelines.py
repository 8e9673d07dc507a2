"""A dot on the photograph lies on the input where the measured geometry says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = Path(sys.prefix) / "peers"

sys.path.append(str(ROOT))

from benchmarks.geometry import ALLOWED, PLACES, measured  # noqa: E402
from benchmarks.pipelines import hand, keras  # noqa: E402


@pytest.mark.parametrize("name", hand())
@pytest.mark.parametrize("size", [(120, 160), (161, 97)])
def test_pipelines_by_hand(name, size):
    row = measured("hand", name, hand()[name], size)
    assert row.distance < ALLOWED / 4, row
    assert row.dots == len(PLACES)


def test_pipelines_of_keras_layers():
    pytest.importorskip("keras", reason="needs Keras")
    for name, own in keras().items():
        row = measured("keras", name, own, (181, 243))
        assert row.distance < ALLOWED / 4, row
        assert row.dots


@pytest.mark.slow
def test_pipelines_of_torchvision_and_transformers():
    if not (PEERS / "torchvision").is_dir():
        pytest.skip("torchvision is not installed: make peers")
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.geometry", "torchvision", "transformers"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr[-2000:]
    assert ran.stdout.splitlines()[-1].startswith("32 pipelines, 0 rows beyond")
