"""`xai-heatmap export`, and what is done with the file that it writes."""

import json

import numpy as np
import onnx
import onnxruntime
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.apps.cli import main
from xai_heatmap.core.errors import BadOption
from xai_heatmap.testing.kits.onnx_kit import OnnxKit


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(OnnxKit().plain().model, path)
    return path


@pytest.mark.slow
def test_the_file_gives_scores_and_map_by_onnxruntime_alone(tmp_path, model, capsys):
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\nowl\nzebra\n")
    out = tmp_path / "explainer.onnx"
    words = ["export", str(model), str(out), "--layer", "conv", "--method", "hirescam"]
    assert main([*words, "--labels", str(names), "--preprocess", "tf"]) == 0
    assert str(out) in capsys.readouterr().out
    session = onnxruntime.InferenceSession(str(out))
    x = np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32)
    classes = np.array([0, 3, -1])
    scores, maps = session.run(["logits", "cam_0"], {"image": x, "class_index": classes})
    targets = [0, 3, None]
    expected = xh.maps(model, x, method="hirescam", layer="conv", target=targets)
    np.testing.assert_allclose(maps, expected, atol=1e-6)
    alone = onnxruntime.InferenceSession(str(model)).run(None, {"image": x})[0]
    np.testing.assert_array_equal(scores, alone)
    said = xh.network(out).declared
    assert said.labels == ("cat", "dog", "owl", "zebra")
    assert said.preprocess["mode"] == "tf"


@pytest.mark.slow
def test_the_file_is_a_network_that_knows_its_layer_labels_and_preprocessing(tmp_path, model):
    out = xh.export(
        model, tmp_path / "explainer.onnx", layers="conv", labels=list("abcd"), preprocess="unit"
    )
    picture = np.random.default_rng(1).integers(0, 256, (10, 12, 3)).astype(np.uint8)
    one = xh.explain(out, picture)
    assert one.layer.name == "conv"
    assert "exported for this layer" in one.layer_reason
    assert one.target in "abcd"
    assert one.preprocess["mode"] == "unit"
    session = onnxruntime.InferenceSession(str(out))
    prepare = xh.Preprocess.from_dict(one.preprocess)
    x, _ = prepare(picture)
    feeds = {"image": x[None], "class_index": np.array([-1])}
    np.testing.assert_allclose(session.run(["cam_0"], feeds)[0][0], one.map, atol=1e-6)
    again = xh.export(out, tmp_path / "again.onnx", method="layercam")
    outputs = onnxruntime.InferenceSession(str(again)).get_outputs()
    assert [output.name for output in outputs] == ["logits", "cam_0"]
    assert xh.network(again).declared.labels == tuple("abcd")


@pytest.mark.slow
def test_the_answer_as_json(tmp_path, model, capsys):
    out = tmp_path / "explainer.onnx"
    assert main(["export", str(model), str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(out),
        "bytes": out.stat().st_size,
    }


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--method", "scorecamm"], 2, "XH104"),
        (["--layer", "nowhere"], 2, "XH102"),
        (["--preprocess", "nothing"], 2, "XH106"),
        (["--image-shape", "224"], 2, "3x224x224"),
        (["--image-shape", "3x9x9"], 4, "3x8x8"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(tmp_path, model, capsys, more, code, said):
    out = tmp_path / "explainer.onnx"
    assert main(["export", str(model), str(out), *more]) == code
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"]


def test_a_file_that_can_not_be_written(tmp_path, model, capsys):
    assert main(["export", str(model), str(tmp_path / "no" / "explainer.onnx")]) == 4
    assert "XH401" in capsys.readouterr().err
    assert main(["export", str(model), str(tmp_path / "explainer.pb")]) == 2
    assert ".onnx" in capsys.readouterr().err


def test_labels_that_do_not_fit(tmp_path, model):
    with pytest.raises(xh.XaiHeatmapError, match="3 labels were given for 4"):
        xh.export(model, tmp_path / "explainer.onnx", labels=list("abc"))


@pytest.mark.slow
def test_a_single_unit_explains_for_and_against(tmp_path):
    model = OnnxKit().sigmoid_unit().model
    out = xh.export(model, tmp_path / "explainer.onnx", layers="conv", method="hirescam")
    session = onnxruntime.InferenceSession(str(out))
    x = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)

    def maps(index):
        return session.run(["cam_0"], {"image": x, "class_index": np.array([index])})[0]

    np.testing.assert_allclose(maps(1), -maps(0), atol=1e-7)
    np.testing.assert_allclose(
        maps(-1), xh.maps(model, x, layer="conv", method="hirescam"), atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["half", "tokens", "residual", "softmax", "dict_output"])
def test_models_of_every_kind_can_be_exported(tmp_path, kind):
    case = getattr(OnnxKit(), kind)()
    out = xh.export(case.model, tmp_path / "explainer.onnx", layers=case.layer, method="layercam")
    onnx.checker.check_model(str(out), full_check=True)


@pytest.mark.slow
def test_a_mismatch_writes_nothing(tmp_path, model, monkeypatch):
    from xai_heatmap.networks.onnx import branch as onnx_branch

    wrong = dict(onnx_branch.FORMULAS) | {"gradcam": onnx_branch.FORMULAS["layercam"]}
    monkeypatch.setattr(onnx_branch, "FORMULAS", wrong)
    with pytest.raises(xh.XaiHeatmapError, match="differs from the one that Python computes"):
        xh.export(model, tmp_path / "explainer.onnx", layers="conv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"]


@pytest.mark.slow
def test_outputs_that_would_change_write_nothing(tmp_path, model, monkeypatch):
    from xai_heatmap.exporting import proving

    monkeypatch.setattr(proving, "same_outputs", lambda found, alone: False)
    with pytest.raises(xh.XaiHeatmapError, match="last bits"):
        xh.export(model, tmp_path / "explainer.onnx", layers="conv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx"]


@pytest.mark.slow
def test_the_file_is_explained_by_the_method_that_it_was_exported_with(tmp_path, model, capsys):
    out = xh.export(
        model, tmp_path / "explainer.onnx", layers="conv", method="layercam", preprocess="unit"
    )
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    assert xh.explain(out, picture).method == "layercam"
    assert xh.compare(out, picture)[0].method == "layercam"
    assert xh.explain(out, picture, method="hirescam").method == "hirescam"
    x = picture.transpose(2, 0, 1)[None].astype(np.float32)
    built_in = onnxruntime.InferenceSession(str(out)).run(
        ["cam_0"], {"image": x, "class_index": np.array([-1])}
    )
    np.testing.assert_allclose(xh.maps(out, x), built_in[0], atol=1e-6)
    assert not np.allclose(xh.maps(out, x, method="gradcam"), built_in[0])
    PIL.Image.fromarray(picture).save(tmp_path / "picture.png")
    words = ["explain", str(tmp_path / "picture.png"), "--model", str(out)]
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    (one,) = row["explanations"]
    assert one["method"] == "layercam"


@pytest.mark.parametrize("how", ["its name", "another path", "a link", "a hard link", "upper"])
def test_the_model_is_never_written_over(tmp_path, model, how, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.onnx").symlink_to(model)
    (tmp_path / "hard.onnx").hardlink_to(model)
    out = {
        "its name": "model.onnx",
        "another path": "sub/../model.onnx",
        "a link": "link.onnx",
        "a hard link": "hard.onnx",
        "upper": str(model),
    }[how]
    before = model.read_bytes()
    assert main(["export", "model.onnx", out]) == 2
    assert "written over" in capsys.readouterr().err
    assert model.read_bytes() == before
    assert (tmp_path / "link.onnx").is_symlink()
    with pytest.raises(BadOption, match=r"-explainer\.onnx"):
        xh.export(model, out)


def test_weights_that_lie_beside_the_model_are_never_written_over(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(
        OnnxKit().plain().model, path, save_as_external_data=True, location="weights.onnx",
        size_threshold=0,
    )  # fmt: skip
    before = (tmp_path / "weights.onnx").read_bytes()
    with pytest.raises(BadOption, match="written over"):
        xh.export(path, tmp_path / "weights.onnx")
    assert (tmp_path / "weights.onnx").read_bytes() == before


@pytest.mark.slow
def test_another_file_is_written_over(tmp_path, model):
    out = xh.export(model, tmp_path / "explainer.onnx", method="hirescam")
    before = out.read_bytes()
    assert xh.export(model, out, method="eigencam") == out
    assert out.read_bytes() != before


@pytest.mark.slow
def test_every_step_is_told(tmp_path, model):
    told = []
    xh.export(model, tmp_path / "explainer.onnx", layers="all", progress=told.append)
    assert told[0] == "reading the model"
    assert told[-1] == "writing the file"
    assert len(told) == len(set(told)) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("terminal", [False, True])
def test_steps_are_shown_on_a_terminal_alone(
    tmp_path, model, capsys, monkeypatch, terminal, as_json
):
    import sys

    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: terminal)
    words = ["export", str(model), str(tmp_path / "explainer.onnx")]
    assert main([*words, *(["--json"] if as_json else [])]) == 0
    said = capsys.readouterr()
    assert ("writing the file" in said.err) == (terminal and not as_json)
    assert "writing" not in said.out
