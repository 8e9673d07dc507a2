"""What the network sees of a picture, and that it is said where that is not all."""

import numpy as np
import pytest
import torch
from torch import nn

import xai_heatmap as xh
from xai_heatmap.core.errors import UnknownPreprocess
from xai_heatmap.core.network import Declared
from xai_heatmap.explaining.preparing import settled
from xai_heatmap.networks.loading.loaded import Declaring


def photograph(rows, columns, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (rows // 4 + 1, columns // 4 + 1, 3))
    return coarse.astype(np.uint8).repeat(4, 0).repeat(4, 1)[:rows, :columns]


def network(**said):
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 4, 4, 4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 5),
    )  # fmt: skip
    return xh.network(body.eval(), image_shape=(3, 32, 48), **said), body


def likely(body, x):
    with torch.no_grad():
        return torch.softmax(body(torch.as_tensor(x[None])), -1).numpy()[0]


@pytest.mark.parametrize("preset", ["imagenet", "torch", "tf", "caffe", "unit", "raw"])
def test_explain_maps_tool_and_the_model_give_one_probability(preset):
    opened, body = network()
    image = photograph(32, 48)
    x, _ = xh.Preprocess(preset, input_size=(32, 48), fit="stretch")(image)
    right = likely(body, x)
    e = xh.explain(opened, image, preprocess=preset, layer="2")
    tool = xh.XVisTool(opened, (32, 48), None, preset)
    shown = tool.vidCapRun(image[..., ::-1], 1)["predictions"]
    for found in (e.predictions, shown):
        assert [p.probability for p in found] == pytest.approx(np.sort(right)[::-1], abs=1e-6)
    np.testing.assert_allclose(xh.maps(opened, x[None], layer="2")[0], e.map, atol=1e-6)
    assert not any("saw" in note for note in e.notes)
    assert e.geometry.share == 1


def test_tool_and_explain_see_the_same_of_any_picture():
    opened, _ = network()
    image = photograph(60, 60)
    for preset in ("imagenet", "unit", xh.Preprocess("unit", ratio=0.5)):
        e = xh.explain(opened, image, preprocess=preset, layer="2")
        tool = xh.XVisTool(opened, (32, 48), None, preset)
        tool.vidCapRun(image[..., ::-1], tool.layers.index("2"))
        assert tool.last.geometry == e.geometry
        np.testing.assert_allclose(tool.last.map, e.map, atol=1e-6)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ("unit", 1),
        ({"mode": "unit"}, 1),
        (xh.Preprocess("unit"), 1),
        ({"mode": "unit", "fit": "crop"}, 0.51),
        (xh.Preprocess("unit", fit="crop", ratio=1.0), 0.66),
        ("imagenet", 0.51),
        (xh.Preprocess("imagenet", fit="letterbox"), 1),
    ],
)
def test_a_note_and_a_line_tell_of_what_was_not_seen(wanted, seen):
    opened, _ = network()
    e = xh.explain(opened, photograph(64, 64), preprocess=wanted)
    assert e.geometry.share == pytest.approx(seen, abs=0.02)
    told = [note for note in e.notes if note.startswith("The network saw")]
    assert len(told) == (seen < 1)
    plain = e.overlay(dim=False)
    assert (e.overlay() != plain).any() == (seen < 1)
    if told:
        assert f"{round(100 * e.geometry.share)} %" in told[0]
        left, top, right, bottom = e.geometry.seen
        inside = np.s_[top:bottom, left:right]
        np.testing.assert_array_equal(e.overlay()[inside], plain[inside])


def declaring(**said):
    opened, _ = network()
    return Declaring(opened, Declared(preprocess=said))


def test_a_source_that_crops_does_not_crop_what_has_its_size():
    source = declaring(mode="unit", ratio=0.5)
    whole = xh.explain(source, photograph(32, 48))
    assert whole.geometry.share == 1
    assert whole.preprocess["fit"] == "stretch"
    assert xh.explain(source, photograph(64, 96)).geometry.share == pytest.approx(0.25, abs=0.02)
    said = xh.explain(source, photograph(32, 48), preprocess={"ratio": 0.5})
    assert said.geometry.share == pytest.approx(0.25, abs=0.02)


def test_what_is_not_said_is_the_networks():
    source = declaring(mode="tf", ratio=0.5, resampling="bicubic", fit="crop")
    assert settled({"fit": "stretch"}, source).to_dict() == {
        "mode": "tf", "mean": None, "std": None, "input_size": [32, 48], "channels": 3,
        "fit": "stretch", "ratio": 1.0, "resampling": "bicubic", "half": "even",
    }  # fmt: skip
    assert settled({"fit": "crop"}, source).ratio == 0.5
    assert settled({"ratio": 0.75}, source).ratio == 0.75
    assert settled({"mode": "unit"}, source).resampling == "bilinear"
    assert settled("unit", source).fit == "stretch"
    assert settled(None, source).ratio == 0.5
    assert settled(xh.Preprocess("raw"), source).input_size == (32, 48)
    assert settled(xh.Preprocess("raw", input_size=(16, 16)), source).input_size == (16, 16)


def test_a_fit_alone_tells_nothing_of_the_pixels():
    opened, _ = network()
    with pytest.raises(UnknownPreprocess, match="preprocess="):
        xh.explain(opened, photograph(32, 48), preprocess={"fit": "stretch"})


def test_channels_are_the_networks():
    body = nn.Sequential(nn.Conv2d(1, 4, 4, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    opened = xh.network(body.eval(), image_shape=(1, 16, 16))
    e = xh.explain(opened, photograph(16, 16), preprocess=xh.Preprocess("unit"), target=0)
    assert e.preprocess["channels"] == 1
    assert e.preprocess["input_size"] == [16, 16]


class Boxes(nn.Module):
    """Answers a box of 8 x 8 at every eighth place, sure of it where the picture is red there."""

    def __init__(self):
        super().__init__()
        self.stem, self.score = nn.Conv2d(3, 2, 8, 8, bias=False), nn.Conv2d(2, 80, 1)
        with torch.no_grad():
            self.stem.weight.zero_()
            self.stem.weight[0, 0] = 1 / 64
            self.score.weight.zero_()
            self.score.bias.fill_(-6)
            self.score.weight[0, 0] = 12

    def forward(self, x):
        level = self.stem(x).relu()
        rows, columns = level.shape[2:]
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        sides = [(x + 0.5) * 8, (y + 0.5) * 8, x * 0 + 8.0, y * 0 + 8.0]
        boxes = torch.stack(sides).flatten(1).expand(len(level), -1, -1)
        return torch.cat(
            [boxes + 0 * level.flatten(2)[:, :1], self.score(level).sigmoid().flatten(2)], 1
        )


@pytest.mark.parametrize("said", ["boxes", None])
@pytest.mark.parametrize("corner", [(0, 0), (88, 120)])
def test_a_detector_sees_all_of_a_picture_in_its_own_aspect(said, corner):
    image = np.zeros((96, 128, 3), np.uint8)
    top, left = corner
    image[top : top + 8, left : left + 8, 0] = 255
    answers = said or xh.Boxes(order="cxcywh", unit="pixels")
    opened = xh.network(Boxes().eval(), image_shape=(3, 128, 128), answers=answers)
    asked = xh.box((left, top, left + 8, top + 8), 0)
    e = xh.explain(opened, image, preprocess="unit", target=asked, method="layercam", layer="stem")
    assert e.preprocess["fit"] == "letterbox"
    assert e.geometry.share == 1
    assert e.detection.probability > 0.9
    assert e.detection.box == pytest.approx((left, top, left + 8, top + 8), abs=1)
