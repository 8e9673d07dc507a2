"""From a picture to its explanation, on networks small enough to know the answer."""

import json
import pickle
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import (  # noqa: E402
    BadArray,
    BadOption,
    ModelError,
    NonFiniteScores,
    NotAModel,
    UnknownLayer,
    UnknownMethod,
    UnknownPreprocess,
    UnknownTarget,
)
from xai_heatmap.core.evidence import Evidence, Level  # noqa: E402
from xai_heatmap.core.registry import find_method  # noqa: E402
from xai_heatmap.testing import conformance  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import Plain, TorchKit  # noqa: E402

LABELS = ["red", "green", "blue", "none"]


class Colours(nn.Module):
    """Scores of how much red, green and blue there is, place by place: the truth is known."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 4, stride=4, bias=False)
        self.relu = nn.ReLU()
        with torch.no_grad():
            self.conv.weight.zero_()
            for c in range(3):
                self.conv.weight[c] = -1 / 16
                self.conv.weight[c, c] = 1 / 16

    def forward(self, x):
        scores = self.relu(self.conv(x)).mean((2, 3)) * 100
        return torch.cat([scores, -scores.sum(1, keepdim=True)], 1)


@pytest.fixture
def picture():
    """Black, with a red square above and left, a larger green one below and right."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[8:16, 8:16, 0] = 255
    image[32:56, 32:56, 1] = 255
    return image


@pytest.fixture
def network():
    return xh.network(Colours(), image_shape=(3, 64, 64))


UNIT = xh.Preprocess(mode="unit", input_size=(64, 64), ratio=1.0)


def explained(network, picture, **options):
    return xh.explain(network, picture, preprocess=UNIT, labels=LABELS, **options)


def test_prediction_is_explained_where_it_is(network, picture):
    e = explained(network, picture)
    assert (e.target, e.index, e.layer.name, e.method) == ("green", 1, "relu", "gradcam")
    assert e.verdict.word == "ok"
    heat = e.heat()
    assert heat.shape == (64, 64)
    assert heat.max() == 1
    assert heat[34:54, 34:54].min() > 0.9
    assert heat[:28, :28].max() == 0
    assert [p.label for p in e.predictions] == ["green", "red", "blue", "none"]
    assert sum(p.probability for p in e.predictions) == pytest.approx(1)
    assert e.score == pytest.approx(e.predictions[0].score)


def test_every_class_has_its_own_map(network, picture):
    red = explained(network, picture, target="red")
    assert red.heat()[9:15, 9:15].min() > 0.5
    assert red.heat()[30:, 30:].max() == 0
    second = explained(network, picture, target=xh.top(2))
    np.testing.assert_array_equal(second.map, red.map)
    by_number = explained(network, picture, target=0)
    np.testing.assert_array_equal(by_number.map, red.map)


def test_contrast_is_signed(network, picture):
    e = explained(network, picture, method="hirescam", target=xh.contrast("red", against="green"))
    assert e.signed
    assert e.heat()[12, 12] > 0.9
    assert e.heat()[44, 44] < -0.9
    assert e.target == "red - green"


def test_evidence_against_gives_an_empty_map_that_says_why(network, picture):
    e = explained(network, picture, target="none")
    assert e.verdict.word == "no_positive_evidence"
    assert not e.map.any()
    assert not e.heat().any()
    np.testing.assert_array_equal(e.overlay(), picture)
    assert any("empty" in note for note in e.notes)


def test_absent_evidence_is_never_nan(network):
    black = np.zeros((64, 64, 3), np.uint8)
    for method in ("gradcam", "hirescam", "layercam", "eigencam"):
        e = explained(network, black, method=method)
        assert np.isfinite(e.map).all()
        assert np.isfinite(e.heat()).all()
        assert e.verdict.word == "no_positive_evidence"


def test_dead_gradient_is_told_from_missing_evidence(picture):
    class Detached(Colours):
        def forward(self, x):
            return super().forward(x).detach() + 0 * x.mean()

    e = explained(xh.network(Detached(), image_shape=(3, 64, 64)), picture, layer="conv")
    assert e.verdict.word == "dead_gradient"
    assert "eigencam" in e.verdict.because


def test_saturated_probability_is_said(picture):
    model = nn.Sequential(Colours(), nn.Softmax(dim=1))
    kept = xh.network(model, image_shape=(3, 64, 64), keep_closing=True)
    e = explained(kept, picture)
    assert e.verdict.word == "saturated"
    assert any("as it stands" in note for note in e.notes)
    assert explained(xh.network(model), picture).verdict.word == "ok"


def test_method_layer_and_options_are_honoured(network, picture):
    plain = explained(network, picture, layer="conv")
    signed = explained(network, picture, layer="conv", options={"relu": False})
    assert plain.layer.name == "conv"
    assert plain.map.min() == 0 > signed.map.min()
    assert explained(network, picture, method="eigencam").method == "eigencam"
    assert explained(network, picture, layer="input").map.shape == (64, 64)


def test_compare_makes_every_combination_from_one_forward_pass(picture, monkeypatch):
    model = Colours()
    opened = xh.network(model, image_shape=(3, 64, 64))
    options = {"preprocess": UNIT, "labels": LABELS}
    xh.compare(opened, picture, layers="all", **options)
    backward = []
    real = torch.autograd.grad
    monkeypatch.setattr(
        torch.autograd, "grad", lambda *a, **k: (backward.append(1), real(*a, **k))[1]
    )
    with TorchKit().passes(model) as passes:
        compared = xh.compare(
            opened,
            picture,
            methods=["gradcam", "hirescam", "layercam", "eigencam"],
            layers="all",
            targets=["red", "green", "blue"],
            **options,
        )
    assert passes() == 1
    assert len(backward) == 3
    assert len(compared) == 4 * 2 * 3
    assert [(e.target, e.layer.name, e.method) for e in compared[:5]] == [
        ("red", "conv", "gradcam"),
        ("red", "conv", "hirescam"),
        ("red", "conv", "layercam"),
        ("red", "conv", "eigencam"),
        ("red", "relu", "gradcam"),
    ]
    alone = explained(opened, picture, method="layercam", layer="relu", target="green")
    (same,) = [
        e for e in compared if (e.method, e.layer.name, e.target) == ("layercam", "relu", "green")
    ]
    np.testing.assert_array_equal(same.map, alone.map)


def test_methods_without_gradients_make_no_backward_pass(network, picture, monkeypatch):
    def never(*_, **__):
        raise AssertionError("a backward pass was made")

    monkeypatch.setattr(torch.autograd, "grad", never)
    assert explained(network, picture, method="eigencam").verdict.word == "ok"


def test_nothing_before_the_layer_is_differentiated(picture):
    model = Plain()
    seen = []
    model.conv.register_forward_hook(lambda _, __, out: seen.append(out.requires_grad))
    opened = xh.network(model, image_shape=conformance.SHAPE)
    xh.maps(opened, conformance.images(), layer="relu")
    assert seen[-1] is False
    assert all(weight.grad is None for weight in model.parameters())


def test_maps_take_one_target_for_all_or_one_each(network):
    x = np.random.default_rng(0).uniform(size=(3, 3, 64, 64)).astype(np.float32)
    each = xh.maps(network, x, target=[0, 1, xh.category(2)])
    assert each.shape == (3, 16, 16)
    assert each.dtype == np.float32
    for row, target in enumerate((0, 1, 2)):
        np.testing.assert_array_equal(each[row], xh.maps(network, x, target=target)[row])
    with pytest.raises(UnknownTarget, match="2 for 3"):
        xh.maps(network, x, target=[0, 1])


def test_maps_of_several_layers_come_by_name(network):
    x = np.random.default_rng(0).uniform(size=(2, 3, 64, 64)).astype(np.float32)
    found = xh.maps(network, x, layer="all")
    assert {name: found[name].shape for name in found} == {
        "conv": (2, 16, 16),
        "relu": (2, 16, 16),
    }
    np.testing.assert_array_equal(found["relu"], xh.maps(network, x, layer="relu"))


def test_a_model_is_taken_as_well_as_a_network(picture):
    model = Colours()
    e = xh.explain(model, picture, preprocess=UNIT)
    assert e.network == "Colours"
    assert e.target == "class 1"


def test_preprocessing_is_asked_for_with_its_choices(network, picture):
    with pytest.raises(UnknownPreprocess, match=r"imagenet.*tf.*caffe"):
        xh.explain(network, picture)


def test_declared_preprocessing_is_taken(picture):
    model = Colours()
    model.default_cfg = {
        "mean": (0.0, 0.0, 0.0),
        "std": (1.0, 1.0, 1.0),
        "input_size": (3, 64, 64),
        "crop_pct": 1.0,
        "interpolation": "bilinear",
    }
    e = xh.explain(model, picture)
    assert e.preprocess["input_size"] == [64, 64]
    np.testing.assert_allclose(e.map, explained(xh.network(Colours()), picture).map, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"method": "gradcamm"}, UnknownMethod),
        ({"layer": "convv"}, UnknownLayer),
        ({"layer": "all"}, BadOption),
        ({"layer": "re*"}, BadOption),
        ({"target": "purple"}, UnknownTarget),
        ({"target": 4}, UnknownTarget),
        ({"options": {"gamma": 1}}, BadOption),
        ({"preprocess": "imagnet"}, UnknownPreprocess),
    ],
)
def test_bad_wishes_are_refused(network, picture, options, error):
    with pytest.raises(error):
        xh.explain(network, picture, **({"preprocess": UNIT} | options))


def test_bad_wishes_cost_no_forward_pass(picture):
    model = Colours()
    opened = xh.network(model, image_shape=(3, 64, 64))
    assert opened.layers
    with TorchKit().passes(model) as passes:
        for options in ({"method": "x"}, {"layer": "x"}, {"options": {"x": 1}}):
            with pytest.raises(xh.XaiHeatmapError):
                explained(opened, picture, **options)
    assert passes() == 0


@pytest.mark.parametrize(
    "x",
    [
        np.zeros((1, 3, 64, 64), np.uint8),
        np.zeros((3, 64), np.float32),
        np.full((1, 3, 64, 64), np.nan, np.float32),
        np.zeros((0, 3, 64, 64), np.float32),
    ],
)
def test_maps_refuse_what_is_no_input(network, x, unchecked):
    with pytest.raises(BadArray):
        xh.maps(network, x)


@pytest.mark.parametrize("kind", ["float64", "float16", "tensor with a gradient"])
def test_maps_take_floats_of_any_width(network, kind, unchecked):
    x = np.random.default_rng(0).random((1, 3, 64, 64)).astype(np.float16)
    wanted = xh.maps(network, x.astype(np.float32))
    own = torch.tensor(x.astype("f4"), requires_grad=True) if "tensor" in kind else x.astype(kind)
    np.testing.assert_array_equal(xh.maps(network, own), wanted)


def test_what_is_no_model_is_refused():
    with pytest.raises(NotAModel, match="received dict"):
        xh.network({"weights": 1})


def test_heat_lies_where_the_network_looked():
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[16:48, 80:112, 1] = 255
    e = explained(xh.network(Colours()), wide)
    assert e.geometry.box == (64, 0, 128, 64)
    assert e.heat()[20:44, 84:108].min() > 0.9
    assert e.heat()[:, :64].max() == 0
    assert e.heat()[:, 128:].max() == 0
    boxed = xh.Preprocess(mode="unit", input_size=(64, 64), fit="letterbox")
    e = xh.explain(xh.network(Colours()), wide, preprocess=boxed, target=1)
    assert np.unravel_index(e.heat().argmax(), (64, 192))[1] in range(80, 112)


def test_heat_scales(network, picture):
    e = explained(network, picture)
    raw = e.heat(scale="none")
    assert raw.max() == pytest.approx(e.map.max(), rel=1e-5)
    np.testing.assert_allclose(e.heat(scale=2 * float(raw.max())).max(), 0.5, rtol=1e-5)
    assert e.heat(scale="p99").max() == 1


def test_overlay_options_are_honoured(network, picture):
    e = explained(network, picture)
    plain = e.overlay()
    assert plain.shape == picture.shape
    assert plain.dtype == np.uint8
    np.testing.assert_array_equal(plain[:28, :28], picture[:28, :28])
    variants = [{"colormap": "viridis"}, {"alpha": 0.2}, {"contour": False}, {"scale": 1000.0}]
    for options in variants:
        assert (e.overlay(**options) != plain).any(), options
    assert e.overlay(legend=True).shape[0] > 64


def test_saved_files_hold_all_facts(network, picture, tmp_path):
    e = explained(network, picture, layer="conv", options={"relu": False})
    png, npz, manifest = e.save(tmp_path)
    with PIL.Image.open(png) as picture_, np.load(npz) as arrays:
        np.testing.assert_array_equal(np.asarray(picture_), e.captioned(e.overlay()))
        np.testing.assert_array_equal(arrays["map"], e.map)
    (saved,) = json.loads(manifest.read_text("utf-8"))["explanations"]
    entry = saved["explanation"]
    assert entry["layer"] == "conv"
    assert entry["options"] == {"relu": False}
    assert entry["target"] == "green"
    assert entry["verdict"]["word"] == "ok"
    assert entry["predictions"][0]["label"] == "green"
    again = xh.Preprocess.from_dict(entry["preprocess"])
    assert again == UNIT.filled()


def test_comparison_saves_a_sheet_too(network, picture, tmp_path):
    compared = xh.compare(network, picture, layers="all", preprocess=UNIT)
    written = compared.save(tmp_path)
    sheet = tmp_path / "image.sheet.png"
    assert written[-1] == sheet
    assert len(written) == 3
    with PIL.Image.open(sheet) as picture_:
        assert picture_.size[0] > 320
    assert len(list(tmp_path.glob("*.npz"))) == 2
    assert isinstance(compared[:1], xh.Comparison)


def test_classes_of_one_name_do_not_overwrite_each_other(network, picture, tmp_path):
    names = ["crane", "crane", "other", "none"]
    options = {"preprocess": UNIT, "labels": names}
    written = xh.compare(network, picture, targets=[0, 1], **options).save(tmp_path)
    assert len({path.name for path in written}) == 3
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_wrong_number_of_labels_is_refused(network, picture):
    with pytest.raises(BadOption, match=r"4 classes.*5 names"):
        xh.explain(network, picture, preprocess=UNIT, labels=[*LABELS, "more"])


def test_declared_labels_that_do_not_fit_are_not_believed(picture):
    model = Colours()
    model.config = type("Config", (), {"id2label": {0: "LABEL_0", 1: "LABEL_1"}})()
    e = xh.explain(model, picture, preprocess=UNIT)
    assert e.target == "class 1"


def test_notebook_shows_a_picture_without_javascript(network, picture):
    e = explained(network, picture)
    page = e._repr_html_()
    assert "data:image/png;base64," in page
    assert "green" in page
    assert "<script" not in page
    assert e._repr_png_().startswith(b"\x89PNG")
    nasty = xh.explain(network, picture, preprocess=UNIT, labels=["<b>", "<script>x", "c", "d"])
    assert "<script" not in nasty._repr_html_()


def test_explanations_can_be_pickled(network, picture):
    e = explained(network, picture)
    again = pickle.loads(pickle.dumps(e))  # noqa: S301 - our own
    np.testing.assert_array_equal(again.map, e.map)
    assert again.to_dict() == e.to_dict()


def test_public_names_are_complete_and_lazy():
    assert sorted(xh.__all__) == xh.__all__ == dir(xh)
    for name in xh.__all__:
        assert getattr(xh, name) is not None
    with pytest.raises(AttributeError, match="explian"):
        xh.explian  # noqa: B018


def test_a_model_that_takes_one_size_alone_is_never_tried_at_another():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3600, 3))
    unit = xh.Preprocess(mode="unit", input_size=(32, 32))
    e = xh.explain(model, np.full((32, 32, 3), 128, np.uint8), preprocess=unit)
    assert e.map.shape == (30, 30)


@pytest.mark.slow
def test_a_guessed_size_that_does_not_fit_is_said():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 3))
    with pytest.raises(ModelError, match=r"3x224x224.*image_shape"):
        xh.network(model).layers  # noqa: B018 - listing runs the model
    assert "0" in xh.network(model, image_shape=(3, 32, 32)).layers


def test_a_size_that_does_not_fit_is_refused_before_the_picture_goes_through():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(3600, 3))
    with pytest.raises(BadArray, match=r"3x224x224. It works with 32x32.*--size 32x32"):
        xh.explain(model, np.full((32, 32, 3), 128, np.uint8), preprocess="unit")


@pytest.mark.slow
def test_a_network_that_always_fails_is_not_said_to_be_the_pictures_fault(picture):
    class Broken(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) / self.absent

    with pytest.raises(ModelError, match=r"AttributeError.*absent") as failed:
        xh.explain(Broken(), picture, preprocess="unit")
    assert isinstance(failed.value.__cause__, AttributeError)


def test_memory_that_ran_out_is_not_said_to_be_the_pictures_fault(picture):
    class Large(nn.Module):
        def forward(self, x):
            if x.shape[-1] > 32:
                raise MemoryError
            return x.mean((2, 3))

    with pytest.raises(MemoryError):
        xh.explain(Large(), picture, preprocess="unit")


def test_a_map_that_overflowed_is_an_error_and_no_verdict(network, picture, monkeypatch):
    from xai_heatmap.core.registry import METHODS

    nan = np.full((2, 2), np.nan, np.float32)
    broken = replace(METHODS["gradcam"], formula=lambda activation, gradient: nan)
    monkeypatch.setitem(METHODS, "gradcam", broken)
    with pytest.raises(NonFiniteScores, match="float32"):
        explained(network, picture)


def test_options_of_a_method_that_is_not_asked_for_are_refused(network, picture):
    with pytest.raises(BadOption, match="gradcm"):
        xh.compare(network, picture, preprocess=UNIT, options={"gradcm": {"relu": False}})


def test_a_map_with_its_negative_side_is_drawn_as_signed(network, picture):
    e = explained(network, picture, layer="conv", options={"relu": False})
    assert e.signed
    assert e.heat().min() < 0


def test_the_size_that_a_network_was_opened_for_is_the_size_it_gets(picture):
    e = xh.explain(xh.network(Colours(), image_shape=(3, 32, 32)), picture, preprocess="unit")
    assert e.map.shape == (8, 8)


def test_methods_of_pixels_explain_the_picture_beside_others_at_their_layer(network, picture):
    compared = xh.compare(
        network, picture, preprocess=UNIT, methods=["gradcam", "saliency", "ablationcam"]
    )
    assert [(e.method, e.layer.name) for e in compared] == [
        ("saliency", "input"),
        ("gradcam", "relu"),
        ("ablationcam", "relu"),
    ]
    assert "every path" in compared[1].layer_reason
    assert compared[0].layer_reason == "the method explains the picture itself"
    assert compared[0].map.shape == (64, 64)
    np.testing.assert_array_equal(
        compared[0].map, explained(network, picture, method="saliency").map
    )
    at_conv = explained(network, picture, method="saliency", layer="conv")
    assert (at_conv.layer.name, at_conv.layer_reason) == ("conv", "")


def test_methods_of_pixels_are_at_all_layers_too(network, picture):
    compared = xh.compare(
        network, picture, preprocess=UNIT, methods=["gradcam", "saliency"], layers="all"
    )
    assert [(e.method, e.layer.name) for e in compared] == [
        (method, layer) for layer in ("conv", "relu") for method in ("gradcam", "saliency")
    ]


def test_layers_that_share_an_array_get_only_what_they_were_asked_for(picture):
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.same = nn.Identity()
            self.colours = Colours()

        def forward(self, x):
            return self.colours(self.same(x))

    compared = xh.compare(
        Wrapped(), picture, preprocess=UNIT, methods=["gradcam", "input_x_gradient"], layers="auto"
    )
    assert [(e.method, e.layer.name) for e in compared] == [
        ("input_x_gradient", "input"),
        ("gradcam", "colours.relu"),
    ]


@pytest.mark.parametrize("method", ["ablationcam", "reciprocam", "occlusion", "integrated"])
def test_what_runs_the_head_finds_the_square(network, picture, method):
    e = explained(network, picture, method=method)
    heat = e.heat()
    assert heat[34:54, 34:54].min() > 0.5
    assert np.abs(heat[:28, :28]).max() <= 0.5


def test_figures_of_a_method_are_in_the_verdict_and_the_notes(network, picture, tmp_path):
    e = explained(network, picture, method="integrated")
    assert e.verdict.figures["completeness residual"] < 1e-5
    assert e.to_dict()["verdict"]["figures"] == e.verdict.figures
    assert any(note.startswith("completeness residual ") for note in e.notes)
    e.save(tmp_path)
    assert pickle.loads(pickle.dumps(e)).verdict == e.verdict  # noqa: S301 - our own
    assert explained(network, picture).verdict.figures == {}


@pytest.mark.slow
def test_gradients_and_replays_go_together(network, picture):
    both = xh.compare(network, picture, preprocess=UNIT, methods=["gradcam", "reciprocam"])
    for e in both:
        np.testing.assert_allclose(e.map, explained(network, picture, method=e.method).map)


def test_a_few_strong_pixels_do_not_hide_the_others(network, picture):
    e = explained(network, picture, method="saliency")
    spot = np.full((64, 64), 1.0, np.float32)
    spot[5, 5] = 1000
    spot[:, :4] = 0
    speckled = replace(e, map=spot)
    shown = speckled.overlay()
    assert (shown[40, 40] != speckled.overlay(scale="max")[40, 40]).any()
    np.testing.assert_array_equal(shown, speckled.overlay(scale="p99"))
    coarse = explained(network, picture)
    np.testing.assert_array_equal(coarse.overlay(), coarse.overlay(scale="max"))


def test_cam_says_where_it_can_be_used(network, picture):
    with pytest.raises(BadOption, match="gradcam"):
        explained(network, picture, method="cam", layer="conv")
    e = explained(network, picture, method="cam")
    assert e.map.mean() == pytest.approx(e.score, rel=1e-4)


class Stages(nn.Module):
    """Three grids, each the next one's double."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(4, 6, 4, stride=2, padding=1), nn.ReLU())
        self.third = nn.Sequential(nn.Conv2d(6, 8, 4, stride=2, padding=1), nn.ReLU())
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(self.third(self.second(self.first(x))).mean((2, 3)))


@pytest.fixture
def stages():
    return xh.network(Stages().eval(), image_shape=(3, 16, 16))


@pytest.mark.parametrize("name", ["layercam_fused", "refinecam"])
@pytest.mark.parametrize(
    ("layer", "joined"),
    [
        ("auto", ["first", "second", "third"]),
        ("first.0", ["first.0", "second", "third"]),
        ("second", ["second", "third"]),
        (-1, ["third"]),
    ],
)
def test_layers_are_joined_from_the_one_asked_for_on(stages, picture, name, layer, joined):
    e = explained(stages, picture, method=name, layer=layer)
    assert e.verdict.figures == {"layers": len(joined)}
    assert e.map.shape == (16 * 2 ** len(joined) // 2,) * 2
    assert ("finest" in e.layer_reason) == (layer == "auto")
    maps = [explained(stages, picture, method="layercam", layer=own).map for own in joined]
    levels = [Level(own[None], np.ones_like(own[None])) for own in maps]
    wanted = find_method(name)(Evidence(pyramid=levels))
    np.testing.assert_allclose(e.map, wanted, atol=1e-6)


@pytest.mark.slow
def test_layers_are_joined_beside_other_methods_in_the_same_two_passes(stages, picture):
    compared = xh.compare(
        stages, picture, preprocess=UNIT, methods=["gradcam", "refinecam", "smooth:gradcam"]
    )
    assert [(e.method, e.layer.name) for e in compared] == [
        ("refinecam", "first"),
        ("gradcam", "third"),
        ("smooth:gradcam", "third"),
    ]
    alone = explained(stages, picture, method="refinecam")
    np.testing.assert_allclose(compared[0].map, alone.map, atol=1e-7)
    pictures = np.stack([picture.transpose(2, 0, 1)] * 2).astype(np.float32) / 255
    several = xh.maps(stages, pictures, method="refinecam")
    np.testing.assert_allclose(several[1], alone.map, atol=1e-6)


def test_noise_may_go_around_what_joins_layers(stages, picture):
    options = {"samples": 3, "noise": 0.0, "floor": 0.2}
    e = explained(stages, picture, method="smooth:refinecam", options=options)
    plain = explained(stages, picture, method="refinecam", options={"floor": 0.2})
    assert e.layer.name == "first"
    np.testing.assert_allclose(e.map, plain.map, atol=1e-6)
    assert e.verdict.figures["standard error"] == pytest.approx(0, abs=1e-6)
    assert e.stem == f"image.smooth-refinecam.first.{e.target}"


@pytest.mark.slow
def test_noise_is_on_the_preprocessed_picture(network, picture):
    """A linear network: the mean map of noisy pictures is that of the picture, but for chance."""
    options = {"samples": 200, "noise": 0.1}
    e = explained(network, picture, method="smooth:input_x_gradient", options=options)
    plain = explained(network, picture, method="input_x_gradient")
    error = np.sqrt(((e.map - plain.map) ** 2).mean())
    assert 0.5 < error / e.verdict.figures["standard error"] < 2
    assert e.signed


def test_options_of_a_modified_method_are_those_of_both(network, picture):
    with pytest.raises(BadOption, match=r"smooth:gradcam has no option 'rely'.*relu, noise"):
        explained(network, picture, method="smooth:gradcam", options={"rely": False})
    e = explained(network, picture, method="smooth:gradcam", options={"relu": False, "samples": 2})
    assert e.signed


@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        ({"methods": "gradcam"}, BadOption, r"methods=\[...\]"),
        ({"methods": []}, BadOption, "methods is an empty list"),
        ({"methods": [3]}, UnknownMethod, "received 3"),
        ({"targets": "red"}, BadOption, r"targets=\[...\]"),
        ({"targets": 2}, BadOption, r"targets=\[...\]"),
        ({"targets": []}, BadOption, "targets is an empty list"),
        ({"targets": [None, 9]}, UnknownTarget, "no class 9"),
        ({"options": {"gradcam": [("relu", True)]}}, BadOption, "mapping"),
        ({"methods": ["rise"], "options": {"rise": {"seed": -1}}}, BadOption, "at least 0"),
        (
            {"methods": ["smooth:gradcam"], "options": {"smooth:gradcam": {"noise": np.inf}}},
            BadOption,
            "finite",
        ),
        ({"layers": ""}, UnknownLayer, "no layer ''"),
        ({"layers": None}, UnknownLayer, "NoneType"),
        ({"layers": "con*x"}, UnknownLayer, "Did you mean 'conv'"),
        ({"layers": "autos"}, UnknownLayer, "Did you mean 'auto'"),
        ({"preprocess": 3}, BadOption, "preprocess is"),
        ({"preprocess": lambda image: image}, BadOption, "Pillow image.*ToTensor"),
        ({"preprocess": {"input_size": 8}}, BadOption, "rows and columns.*received 8"),
        ({"preprocess": {"input_size": (8.5, 8)}}, BadOption, "rows and columns"),
        ({"preprocess": {"input_size": (8,)}}, BadOption, "rows and columns"),
        ({"preprocess": {"input_size": (10**5, 10**5)}}, BadOption, "at most"),
        ({"preprocess": {"std": 0}}, BadOption, "one number, or one for each"),
        ({"labels": "rgbn"}, BadOption, "labels is a list"),
        ({"labels": dict.fromkeys(LABELS)}, BadOption, "labels is a list"),
    ],
)
def test_what_is_no_list_name_or_size_is_refused(network, picture, wish, error, said, unchecked):
    with pytest.raises(error, match=said):
        xh.compare(network, picture, **{"preprocess": "unit"} | wish)


@pytest.mark.parametrize(
    "made",
    [
        lambda: xh.top(0),
        lambda: xh.top(1.5),
        lambda: xh.top("1"),
        lambda: xh.top(True),
        lambda: xh.contrast(1, against=2.5),
        lambda: xh.contrast(1, against=xh.top(2)),
        lambda: xh.contrast(1, against=2, weight=np.nan),
    ],
)
def test_targets_that_make_no_sense_are_refused_where_they_are_made(made, unchecked):
    with pytest.raises(UnknownTarget):
        made()


@pytest.mark.parametrize("shape", [8, (3,), (3, 8.5, 8), (3, 0, 8), "3x8"])
def test_shapes_of_pictures_are_whole_numbers(shape, unchecked):
    with pytest.raises(BadOption, match="image_shape is"):
        xh.network(Colours(), image_shape=shape)


def test_labels_that_share_one_probability_are_a_contradiction(picture):
    closing = nn.Sequential(Colours(), nn.Softmax(1))
    network = xh.network(closing, image_shape=(3, 64, 64), answers="labels")
    with pytest.raises(BadOption, match=r"softmax.*answers='classes'"):
        xh.explain(network, picture, preprocess="unit")


def test_every_target_is_known_before_any_method_runs(picture, monkeypatch):
    runs = []
    network = xh.network(Colours(), image_shape=(3, 64, 64))
    monkeypatch.setattr("xai_heatmap.explaining.question.compute_maps", lambda *_: runs.append(1))
    with pytest.raises(UnknownTarget):
        xh.compare(network, picture, targets=[0, "violet"], labels=LABELS, preprocess="unit")
    assert not runs
