"""Model and heatmap as one file, checked with plain onnxruntime."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

import xai_heatmap as xh

pytestmark = pytest.mark.reference

FILES = {"squeezenet1_1.onnx": (13, 13), "mobilenet_v1_025_224.onnx": (7, 7)}


def images(n: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(n, 3, 224, 224)).astype(np.float32)


def answers(path, x: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(path))
    names = [output.name for output in session.get_outputs()]
    found = session.run(names, {session.get_inputs()[0].name: x, **more})
    return dict(zip(names, found, strict=True))


@pytest.fixture(params=FILES)
def file(request, reference):
    return reference / "models" / request.param


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "layercam"])
def test_the_file_answers_what_the_model_and_this_library_answer(file, method, tmp_path):
    path = xh.export(str(file), tmp_path / "explainer.onnx", method=method)
    x = images(2)
    for wanted, target in ((-1, None), (5, 5)):
        found = answers(path, x, class_index=np.array([wanted], np.int64))
        for name, scores in answers(file, x).items():
            np.testing.assert_array_equal(found[name], scores)
        maps = xh.maps(str(file), x, method=method, target=target)
        assert found["cam_0"].shape == (2, *FILES[file.name])
        scale = np.abs(maps).max()
        np.testing.assert_allclose(found["cam_0"], maps, atol=1e-3 * scale)
        cosine = (found["cam_0"] * maps).sum() / (
            np.linalg.norm(found["cam_0"]) * np.linalg.norm(maps)
        )
        assert cosine >= 0.9999


def test_every_picture_may_have_a_class_of_its_own(file, tmp_path):
    path = xh.export(str(file), tmp_path / "explainer.onnx")
    x = images(2)
    both = answers(path, x, class_index=np.array([3, 8], np.int64))["cam_0"]
    for row, index in enumerate((3, 8)):
        alone = answers(path, x[row : row + 1], class_index=np.array([index], np.int64))["cam_0"]
        np.testing.assert_allclose(both[row], alone[0], atol=1e-5 * np.abs(alone).max())


def test_the_file_says_how_it_was_made(file, tmp_path):
    path = xh.export(str(file), tmp_path / "explainer.onnx", method="gradcam")
    said = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert said["xai_heatmap.method"] == "gradcam"
    assert len(json.loads(said["xai_heatmap.layers"])) == 1
    assert said["xai_heatmap.reason"]
    onnx.checker.check_model(str(path), full_check=True)


def test_several_layers_give_a_map_each(reference, tmp_path):
    file = reference / "models" / "squeezenet1_1.onnx"
    path = xh.export(str(file), tmp_path / "explainer.onnx", layers=[-1, -10])
    found = answers(path, images(1), class_index=np.array([-1], np.int64))
    assert [name for name in found if name.startswith("cam_")] == ["cam_0", "cam_1"]


def test_what_can_not_be_exported_writes_nothing(file, tmp_path):
    path = tmp_path / "explainer.onnx"
    with pytest.raises(xh.XaiHeatmapError):
        xh.export(str(file), path, method="gradcamm")
    with pytest.raises(xh.XaiHeatmapError):
        xh.export(str(file), path, layers="nowhere")
    assert list(tmp_path.iterdir()) == []
