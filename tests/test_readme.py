"""What the README shows runs as it stands."""

import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import xai_heatmap as xh

torch = pytest.importorskip("torch", reason="needs PyTorch")

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
def test_python_examples_run(tmp_path, monkeypatch):
    shutil.copy(ROOT / "examples" / "images" / "chelsea.jpg", tmp_path / "cat.jpg")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    model = runpy.run_path(str(ROOT / "examples" / "squeezenet.py"))["squeezenet"]().eval()
    (tmp_path / "photographs").mkdir()
    shutil.copy(tmp_path / "cat.jpg", tmp_path / "photographs")

    def transform(picture):
        return np.asarray(picture.resize((224, 224)), np.float32).transpose(2, 0, 1) / 255

    names = {"model": model, "x": np.zeros((2, 3, 224, 224), np.float32), "transform": transform}
    explaining, targets, exported = blocks("python")
    exec(compile(explaining, "README.md", "exec"), names)  # noqa: S102 - our own
    names["other_scores"] = np.ones(1000, np.float32)
    exec(compile(targets, "README.md", "exec"), names)  # noqa: S102
    xh.export(model, "explainer.onnx", image_shape=(3, 224, 224))
    names |= {"onnxruntime": onnxruntime, "np": np}
    exec(compile(exported, "README.md", "exec"), names)  # noqa: S102
    assert names["scores"].shape == (2, 1000)
    np.testing.assert_allclose(names["heatmap"], names["maps"], atol=1e-5)
    assert names["e"].overlay().shape == (300, 451, 3)
    assert names["maps"].shape == (2, 13, 13)
    assert (tmp_path / "out" / "cat.sheet.png").exists()


def test_commands_are_commands():
    from typer.main import get_command

    from xai_heatmap.apps.cli.app import app

    known = get_command(app).commands
    said = re.findall(r"^xai-heatmap (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE)
    assert said
    assert set(said) <= set(known)


def test_targets_of_the_makefile_are_targets():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_linked_files_exist():
    links = re.findall(r"\]\(((?!http)[^)#]+)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_it_counts_the_operators_that_have_a_derivative():
    operators = re.search(r"([0-9]+) of them\]\(docs/onnx-operators", README)[1]
    assert f"## {operators} operators" in (ROOT / "docs/onnx-operators.md").read_text("utf-8")
