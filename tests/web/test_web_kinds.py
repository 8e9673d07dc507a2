"""Signals, volumes and detectors on a page: curves, slices, boxes, and their maps."""

import io

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from web.pages import client, png, served, values
from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining.upright import upright
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import unpacked

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

from xai_heatmap.testing.networks.anchors import SHAPE, SIDE, scene  # noqa: E402
from xai_heatmap.testing.networks.detecting import Bright  # noqa: E402


def page_of(model, name, **how):
    network = xh.network(model, **how)
    return client(served({name: Model(name, name, network)})), network


def npy(array):
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def sent(page, data):
    answer = page.post("/api/image", content=data, headers={"x-name": "it"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.slow
def test_a_signal_has_a_curve_and_a_map_along_it():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(2, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()  # fmt: skip
    page, network = page_of(model, "wave", image_shape=(2, 64))
    said = page.get("/api/model").json()
    assert (said["model"]["task"], said["input"]["kind"], said["classes"]) == ("signal",) * 2 + (3,)
    assert said["samples"] == []
    array = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    facts = sent(page, npy(array))
    assert (facts["kind"], facts["shape"]) == ("array", [2, 64])
    curve = page.get(f"/api/image/{facts['id']}/curve").json()
    assert curve["at"] == list(range(64))
    np.testing.assert_allclose(curve["channels"], array, rtol=1e-6)
    header, payload = unpacked(page.get(f"/api/maps/{facts['id']}?layers=all").content)
    assert (header["passes"], header["maps"][0]["box"]) == (1, None)
    true = xh.explain(network, array, layer="0")
    entry = next(one for one in header["maps"] if one["layer"] == "0")
    assert entry["shape"] == list(true.map.shape) == [30]
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
    assert page.get(f"/api/image/{facts['id']}?slice=1").json()["code"] == "XH108"
    picture = sent(page, png())
    refused = page.get(f"/api/maps/{picture['id']}").json()
    assert refused["code"] == "XH204"


def test_a_long_signal_keeps_its_extremes():
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()
    page, _ = page_of(model, "long", image_shape=(1, 64))
    array = np.zeros((1, 50_000), np.float32)
    array[0, 12_345], array[0, 40_000] = 3, -2
    curve = page.get(f"/api/image/{sent(page, npy(array))['id']}/curve").json()
    assert len(curve["at"]) <= 4100
    drawn = dict(zip(curve["at"], curve["channels"][0], strict=True))
    assert (drawn[12_345], drawn[40_000]) == (3, -2)
    assert (curve["length"], curve["at"][0], curve["at"][-1]) == (50_000, 0, 49_999)


def test_a_volume_has_slices_along_each_axis_and_a_map_of_three():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv3d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, 2)
    ).eval()
    page, network = page_of(model, "scan", image_shape=(1, 6, 8, 10))
    array = np.random.default_rng(0).random((1, 6, 8, 10), dtype=np.float32)
    key = sent(page, npy(array))["id"]
    assert page.get("/api/model").json()["model"]["task"] == "volume"
    for axis, number in ((0, 2), (1, 7), (2, 9)):
        answer = page.get(f"/api/image/{key}?slice={number}&axis={axis}")
        drawn = np.asarray(PIL.Image.open(io.BytesIO(answer.content)))[..., 0]
        plane = np.take(array[0], number, axis)
        expected = np.rint((plane - array.min()) / (array.max() - array.min()) * 255)
        assert np.abs(drawn - expected).max() <= 1
    header, payload = unpacked(page.get(f"/api/maps/{key}").content)
    (entry,) = header["maps"]
    true = xh.explain(network, array)
    assert entry["shape"] == list(true.map.shape)
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
    assert page.get(f"/api/image/{key}?slice=6").json()["code"] == "XH108"
    assert page.get(f"/api/image/{key}?slice=0&axis=3").json()["code"] == "XH108"
    assert page.get(f"/api/image/{key}/curve").json()["code"] == "XH108"


def test_what_numpy_would_have_to_unpickle_is_refused(page):
    answer = page.post("/api/image", content=npy(np.array([{}], dtype=object)))
    assert answer.json()["code"] == "XH202"
    lying = npy(np.zeros(3))[:100]
    assert page.post("/api/image", content=lying).json()["code"] == "XH202"


def test_a_detector_shows_its_boxes_and_explains_one_of_them():
    network = xh.network(Bright("yolo").eval(), image_shape=SHAPE, answers="boxes")
    drawn = xh.Preprocess(mode="unit", input_size=(SIDE, SIDE), fit="stretch")
    page = client(served({"bright": Model("bright", "bright", network, drawn)}))
    picture = (scene().transpose(1, 2, 0) * 255).astype(np.uint8)
    key = sent(page, png(picture))["id"]
    said = page.get("/api/model").json()
    assert said["model"]["task"] == "boxes"
    header, payload = unpacked(page.get(f"/api/maps/{key}", params={"target": "box:2"}).content)
    found = xh.compare(network, picture, targets=xh.boxes(), preprocess=drawn)
    assert [one["number"] for one in header["boxes"]] == [one.detection.number for one in found]
    np.testing.assert_allclose(
        [one["box"] for one in header["boxes"]], [one.detection.box for one in found], atol=1e-3
    )
    assert (header["target"]["box"], header["method"]) == (2, found[1].method)
    (entry,) = header["maps"]
    assert entry["layer"] == found[1].layer.name
    drawn_map, _ = upright(found[1])
    away = np.abs(values(entry, payload) - drawn_map).max()
    assert away <= (entry["hi"] - entry["lo"]) / 500


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()  # fmt: skip


def test_a_page_names_the_framework_of_a_model_that_was_passed():
    named = {
        "PyTorch": xh.network(small()),
        "ONNX": xh.network("demo"),
        "function": xh.network(lambda x: x.mean((2, 3)), image_shape=(3, 8, 8)),
    }
    assert {name: Model("m", "m", own, "unit").backend for name, own in named.items()} == {
        name: name for name in named
    }


@pytest.mark.parametrize("said", [{"preprocess": {"input_size": (64, 1)}}, {"white": 4095.0}])
def test_what_is_said_of_pictures_is_refused_for_a_signal_before_the_page_opens(said):
    model = nn.Sequential(nn.Conv1d(2, 4, 5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    own = Model("wave", "wave", xh.network(model.eval(), image_shape=(2, 64)), **said)
    with pytest.raises(BadOption, match="signal is taken as it is"):
        own.check()


TURNS = {
    "flipped": (lambda x: x[:, :, ::-1], (-1.0, 0.0, 48.0, 0.0, 1.0, 0.0)),
    "upside down": (lambda x: x[:, ::-1], (1.0, 0.0, 0.0, 0.0, -1.0, 48.0)),
    "turned": (lambda x: np.rot90(x, 1, (1, 2)), (0.0, -1.0, 48.0, 1.0, 0.0, 0.0)),
}


@pytest.mark.parametrize("how", TURNS)
def test_maps_of_pictures_that_go_in_turned_lie_upright_on_the_page(how):
    """A bright spot in one corner of the picture is hot there, whichever way it went in."""
    turn, matrix = TURNS[how]

    def prepared(image):
        x = np.moveaxis(np.asarray(image, np.float32) / 255, -1, 0)
        geometry = xh.Geometry((48, 48), (0.0, 0.0, 48.0, 48.0), (48, 48), matrix=matrix)
        return np.ascontiguousarray(turn(x)), geometry

    network = xh.network(lambda x: x[:, :1].mean((2, 3)) * [[1.0, -1.0]], image_shape=(3, 48, 48))
    own = Model("spot", "spot", network, prepared, method="occlusion")
    picture = np.zeros((48, 48, 3), np.uint8)
    picture[2:10, 30:46] = 255
    page = client(served({"spot": own}))
    facts = sent(page, png(picture))
    asked = {"method": "occlusion", "layers": "input", "options": '{"window": 8, "stride": 8}'}
    header, payload = unpacked(page.get(f"/api/maps/{facts['id']}", params=asked).content)
    (entry,) = header["maps"]
    found = values(entry, payload)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert entry["box"] == [0.0, 0.0, 48.0, 48.0]
    assert row < found.shape[0] / 4
    assert found.shape[1] * 5 / 8 <= column < found.shape[1]
