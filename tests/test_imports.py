"""What importing costs, and what it does not bring along."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "keras", "tensorflow", "jax", "onnxruntime", "onnx", "cv2", "matplotlib", "scipy")


def loaded(code: str) -> set[str]:
    """Top-level modules that are imported after `code` ran in a fresh interpreter."""
    report = f"{code}\nimport sys; print(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_brings_no_framework():
    assert not loaded("import xai_heatmap").intersection(
        HEAVY, {"PIL", "pydantic", "typer", "rich"}
    )


@pytest.mark.slow
def test_explaining_needs_no_framework_until_a_model_is_handed_in():
    found = loaded("import xai_heatmap as xh; xh.explain; xh.maps; xh.compare; xh.network")
    assert not found.intersection(HEAVY)


def test_help_brings_no_framework():
    code = (
        "from xai_heatmap.apps.cli import main\ntry:\n    main(['--help'])\n"
        "except SystemExit:\n    pass"
    )
    assert not loaded(code).intersection(HEAVY)


@pytest.mark.slow
def test_checks_of_subjects_and_their_oracles_need_no_framework():
    """A backend of another framework runs them."""
    code = (
        "from xai_heatmap.testing.conformance import attention, boxes, rules, segmentation, signals"
    )
    assert not loaded(code).intersection({"torch", "keras", "tensorflow", "jax", "onnx"})


@pytest.mark.slow
def test_a_torch_model_brings_torch_alone():
    pytest.importorskip("torch", reason="needs PyTorch")
    code = "import torch, xai_heatmap as xh; xh.network(torch.nn.Conv2d(3, 4, 1))"
    assert not loaded(code).intersection({"keras", "tensorflow", "jax"})


@pytest.mark.slow
def test_a_page_of_an_onnx_file_brings_no_metrics_no_scenes_and_no_other_job():
    code = (
        "from xai_heatmap.apps.cli.serve import models\n"
        "from xai_heatmap.apps.web.app import application\n"
        "from xai_heatmap.jobs.serve_job import Serve\n"
        "own = models(Serve(model='demo'))['demo']; own.check(); own.facts()\n"
        "import sys; print('seen', *[m for m in sys.modules if m.startswith(('xai_', 'onnx.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seen = next(line for line in done.stdout.splitlines() if line.startswith("seen")).split()
    unwanted = ("xai_heatmap.metrics", "xai_heatmap.scenes", "xai_heatmap.jobs.audit_job")
    assert not [name for name in seen if name.startswith((*unwanted, "onnx.reference"))]
