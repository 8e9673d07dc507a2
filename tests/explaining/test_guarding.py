"""A guarded map that fails its test stands beside the usual one, and is told before it is drawn."""

import json
import warnings

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.apps.cli import main

PICTURE = scenes.scene(4).image


@pytest.fixture(scope="module")
def network():
    return xh.network("demo")


def counted(network, monkeypatch):
    made = []
    record = type(network).record

    def counting(self, x, *given, **how):
        made.append(len(x))
        return record(self, x, *given, **how)

    monkeypatch.setattr(type(network), "record", counting)
    return made


def test_a_map_that_fails_stands_beside_the_usual_one(network, monkeypatch, tmp_path):
    made = counted(network, monkeypatch)
    one = xh.explain(network, PICTURE, method="hirescam", layer="stem", guard=True)
    assert made == [1]
    assert one.tested.failed
    assert (one.instead.method, one.instead.layer.name) == ("gradcam", "features")
    assert one.instead.tested.passed
    plain = xh.explain(network, PICTURE)
    np.testing.assert_allclose(one.instead.map, plain.map, atol=1e-6)
    assert any("gradcam at features" in note and "beside" in note for note in one.notes)
    told = one.to_dict()["instead"]
    assert (told["method"], told["tested"]["passed"]) == ("gradcam", True)
    alone = xh.explain(network, PICTURE, method="hirescam", layer="stem")
    np.testing.assert_array_equal(one.map, alone.map)
    shown = one.overlay()
    assert shown.shape[1] > 2 * alone.overlay().shape[1]
    (file, *_) = one.save(tmp_path)
    with PIL.Image.open(file) as saved:
        np.testing.assert_array_equal(np.array(saved), shown)


def test_a_map_that_passes_stands_alone(network):
    one = xh.explain(network, PICTURE, method="layercam", guard=True)
    assert one.tested.passed
    assert one.instead is None
    assert "instead" not in one.to_dict()


def test_the_usual_map_has_nothing_beside_it(network):
    usual = xh.explain(network, np.roll(PICTURE, 40, axis=0), target=0, guard=True)
    assert usual.tested is not None
    assert usual.instead is None


def test_in_a_comparison_the_usual_map_is_made_once(network):
    ask = {"methods": ["hirescam", "gradcam"], "layers": ["stem", "features"]}
    with pytest.warns(UserWarning, match="Grad-CAM at 'stem'"):
        found = xh.compare(network, PICTURE, guard=True, **ask)
    beside = {id(one.instead) for one in found if one.instead is not None}
    assert len(beside) == 1
    assert found[0].instead is not None
    assert found[0].instead.map is found[3].map


def test_grad_cam_at_an_early_layer_is_told_before_it_is_drawn(network, monkeypatch):
    made = counted(network, monkeypatch)

    def stop(said, *given, **how):
        assert "no better than chance" in str(said)
        assert made == []
        raise InterruptedError

    monkeypatch.setattr(warnings, "warn", stop)
    with pytest.raises(InterruptedError):
        xh.explain(network, PICTURE, layer="stem", guard=True)


def test_networks_without_gradients_are_tested_and_have_nothing_beside():
    net = xh.network(
        lambda x: np.stack([x.mean(axis=(1, 2, 3)), x[:, 0, :9, :9].mean(axis=(1, 2))], 1),
        image_shape=(3, 32, 32),
    )
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    ask = {"method": "occlusion", "options": {"window": 16, "stride": 16}, "preprocess": "unit"}
    one = xh.explain(net, picture, guard=True, **ask)
    assert one.tested is not None
    assert one.instead is None


def test_the_command_line_says_it_all(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    PIL.Image.fromarray(PICTURE).save("cat.png")
    assert main(["explain", "cat.png", "-m", "demo", "--test", "--passes", "32"]) == 0
    told = capsys.readouterr().out
    assert "tested   This map predicts" in told
    assert "32 passes" in told
    words = ["explain", "cat.png", "-m", "demo", "--method", "hirescam", "--layer", "stem"]
    assert main([*words, "--guard", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    (one,) = row["explanations"]
    assert one["tested"]["word"] == "chance"
    assert one["instead"]["tested"]["word"] == "predicts"
    sheet = ["compare", "cat.png", "-m", "demo", "--methods", "gradcam,layercam", "--test"]
    assert main([*sheet, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    cells = row["rows"][0]["cells"]
    assert [cell["tested"]["passes"] for cell in cells] == [62, 62]
    assert main(["explain", "cat.png", "-m", "demo", "--passes", "63"]) != 0
    assert "32, 64, 128" in capsys.readouterr().err
