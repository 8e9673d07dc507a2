"""A detector on the command line: how its boxes are read, and which one is explained."""

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("onnxscript", reason="needs the exporter")

import onnx

from xai_heatmap.testing.networks.anchors import GREEN, SIDE, scene, square
from xai_heatmap.testing.networks.detecting import Bright, exported


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file as YOLO's exporter writes it, and a picture."""
    folder = tmp_path_factory.mktemp("detector")
    onnx.save(exported(Bright("yolo")), folder / "yolo.onnx")
    onnx.save(exported(Bright("ssd")), folder / "ssd.onnx")
    picture = (scene().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    large = np.repeat(np.repeat(picture, 4, 0), 4, 1)
    PIL.Image.fromarray(large).save(folder / "picture.png")
    (folder / "names.txt").write_text("red\ngreen\n")
    return folder


def explain(folder, model, *more):
    return [
        "explain", str(folder / "picture.png"), "-m", str(folder / model), "--preprocess", "unit",
        "--fit", "stretch", "--size", str(SIDE), *more,
    ]  # fmt: skip


@pytest.mark.slow
def test_a_box_of_a_file(cli, folder):
    left, top, right, bottom = (4 * edge for edge in square(GREEN))
    target = f"box:{left},{top},{right},{bottom}:green"
    words = ("--answers", "boxes", "--target", target, "--labels", str(folder / "names.txt"))
    said = cli(*explain(folder, "yolo.onnx", *words, "--json"))
    assert said.code == 0, said.err
    (found,) = said.json[0]["explanations"]
    assert found["target"] == "green in [40 32 56 48]"
    assert found["detection"]["overlap"] == pytest.approx(1)
    assert found["predictions"][0]["label"] == "red in [8 16 24 32]"
    drawn = np.array(PIL.Image.open(found["picture"]))
    assert (drawn == (0, 229, 255)).all(axis=2).any()


@pytest.mark.slow
def test_boxes_are_described_in_a_word(cli, folder):
    words = ("--answers", "boxes:xyxy,fractions,first", "--target", "box::2")
    said = cli(*explain(folder, "ssd.onnx", *words))
    assert "class 2 in [40 32 56 48]" in said.out, said.err
    wrong = cli(*explain(folder, "ssd.onnx", "--answers", "boxes:yxyx"))
    assert (wrong.code, "xyxy" in wrong.err) == (2, True)
    unsaid = cli(*explain(folder, "ssd.onnx", "--answers", "boxes"))
    assert (unsaid.code, "order='xyxy'" in unsaid.err) == (3, True)


@pytest.mark.slow
def test_all_boxes_of_a_file(cli, folder):
    words = ("--answers", "boxes", "--target", "boxes:0.6", "--labels", str(folder / "names.txt"))
    said = cli(*explain(folder, "yolo.onnx", *words, "--json"))
    assert said.code == 0, said.err
    found = said.json[0]["explanations"]
    assert [one["detection"]["number"] for one in found] == list(range(1, len(found) + 1))
    assert len(found) > 1
    assert {one["method"] for one in found} == {"layercam_product"}
    assert found[0]["target"] == "#1 red in [8 16 24 32]"
    none = cli(*explain(folder, "yolo.onnx", "--answers", "boxes", "--target", "boxes:0.999999"))
    assert (none.code, "xai_heatmap.boxes(min_score=" in none.err) == (2, True)
