"""From an array that is no picture to its explanation, drawn and saved."""

import json

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption, ImageNotFound, NotAnImage
from xai_heatmap.testing.networks.planted import EXTRA, Ball, Beats, ecg, film, scan

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

LABELS = ["normal", "extra beat"]
METHODS = ["gradcam", "layercam", "hirescam", "ablationcam", "smoothgrad", "integrated_gradients",
           "occlusion"]  # fmt: skip


@pytest.fixture
def beats():
    return Beats().eval()


@pytest.fixture
def ball():
    return Ball().eval()


def share_within(heat, centre, reach):
    """How much of the positive heat lies no further away than that along every axis."""
    near = tuple(slice(max(c - reach, 0), c + reach + 1) for c in centre)
    positive = np.maximum(heat, 0)
    return positive[near].sum() / positive.sum()


@pytest.mark.parametrize("event", [430, 1230, 1730])
@pytest.mark.parametrize("method", METHODS)
def test_the_planted_beat_is_where_the_heat_lies(beats, method, event):
    few = {"occlusion": {"window": 80, "stride": 20}}.get(method, {})
    e = xh.explain(beats, ecg(event=event), method=method, labels=LABELS, options=few)
    assert e.target == "extra beat"
    assert e.verdict.word == "ok"
    heat = e.heat()
    assert heat.shape == (2000,)
    assert heat.max() == 1
    assert abs(int(heat.argmax()) - event) <= 40
    assert share_within(heat, [event], 80) > 0.9


@pytest.mark.parametrize("event", [430, 1230, 1730])
@pytest.mark.parametrize("method", ["scorecam", "groupcam", "xrai", "eigengradcam"])
def test_the_planted_beat_is_hottest_where_a_method_shows_others_too(beats, method, event):
    heat = xh.explain(beats, ecg(event=event), method=method).heat()
    assert abs(int(heat.argmax()) - event) <= 60
    assert share_within(heat, [event], 80) > 0.7


@pytest.mark.parametrize("where", [(27, 40, 20), (12, 34, 30)])
@pytest.mark.parametrize("method", ["gradcam", "hirescam", "integrated_gradients", "scorecam"])
def test_the_planted_ball_is_where_the_heat_lies(ball, method, where):
    e = xh.explain(ball, scan(ball=where), method=method, labels=["healthy", "nodule"])
    assert e.target == "nodule"
    heat = e.heat()
    assert heat.shape == (40, 64, 56)
    far = np.array(np.unravel_index(heat.argmax(), heat.shape)) - where
    assert np.abs(far).max() <= 3
    assert share_within(heat, where, 8) > 0.9


def test_without_the_ball_nothing_speaks_for_it_and_nothing_is_drawn(ball):
    e = xh.explain(ball, scan(ball=None), target=1)
    assert e.verdict.word == "no_positive_evidence"
    assert not e.heat().any()
    np.testing.assert_array_equal(e.overlay(), e.image)


def test_a_map_keeps_its_own_grid_and_is_drawn_out_in_full_length(beats):
    e = xh.explain(beats, ecg())
    assert e.map.shape == (500,)
    assert e.layer.shape == (2, 500)
    raw = e.heat(scale="none")
    places = (np.arange(2000) + 0.5) / 4 - 0.5
    np.testing.assert_allclose(raw, np.interp(places, np.arange(500), e.map), atol=1e-7)


@pytest.mark.parametrize("kind", ["keras", "onnx", "torch", "function"])
@pytest.mark.parametrize("axes", [1, 3])
def test_every_backend_takes_an_array_in_its_own_layout(kind, axes):
    from xai_heatmap.testing.networks.axes import LONG, MADE, in_torch, weights

    own = weights((3,) * axes)
    x = np.random.default_rng(0).normal(size=(2, *LONG[axes])).astype(np.float32)
    if kind == "keras":
        pytest.importorskip("keras", reason="needs Keras")
    if kind == "function":
        network = xh.network(lambda many: many.reshape(len(many), 2, -1).mean(2),
                             image_shape=x.shape)  # fmt: skip
    else:
        network = xh.network(MADE[kind](own))
    array = np.moveaxis(x, 0, -1) if network.channels_last else x
    e = xh.explain(network, array, method="occlusion", options={"window": 4})
    assert e.map.shape == LONG[axes]
    np.testing.assert_array_equal(e.array, x)
    if kind != "function":
        wanted = xh.maps(in_torch(own), x[None], method="occlusion", options={"window": 4})[0]
        np.testing.assert_allclose(e.map, wanted, atol=1e-5)


@pytest.mark.parametrize(
    "array",
    [
        ecg()[0],
        ecg().astype(np.float64),
        np.rint(1000 * ecg()).astype(np.int16),
    ],
    ids=["without channels", "doubles", "whole numbers"],
)
def test_numbers_of_any_kind_are_taken_as_they_are(beats, array):
    e = xh.explain(beats, array)
    np.testing.assert_array_equal(e.array, array.reshape(1, -1).astype(np.float32))
    assert abs(int(e.heat().argmax()) - 1230) <= 40


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.repeat(ecg()[None], 2, axis=0), "maps() takes several at a time"),
        (np.zeros((2000, 12), np.float32), "(1 channel, length); received (2000, 12)"),
        (np.zeros((2000, 1), np.float32), "np.moveaxis(array, -1, 0)"),
        (np.zeros((1, 20), complex), "real numbers; received complex128"),
        (np.array([["a"]]), "real numbers"),
        (np.full((1, 20), np.nan, np.float32), "NaN or infinite"),
        (np.zeros((1, 0), np.float32), "(1, 1, 0)"),
        ("beat.wav", "'beat.wav'"),
        (PIL.Image.new("L", (20, 20)), "received Image"),
    ],
)
def test_what_is_no_signal_of_that_network_is_refused_before_the_first_pass(beats, array, said):
    def never(*_):
        raise AssertionError("ran")

    beats.forward = never
    with pytest.raises(BadArray) as refused:
        xh.explain(beats, array)
    assert said in str(refused.value)


def test_preprocessing_has_nothing_to_do(beats):
    with pytest.raises(BadOption, match="taken as it is"):
        xh.explain(beats, ecg(), preprocess="imagenet")


def test_an_array_may_lie_in_a_file(beats, tmp_path):
    np.save(tmp_path / "patient 7.npy", ecg())
    e = xh.explain(beats, tmp_path / "patient 7.npy")
    assert e.name == "patient 7.npy"
    assert e.stem.startswith("patient 7.gradcam.relu.")
    np.testing.assert_array_equal(e.map, xh.explain(beats, ecg()).map)
    with pytest.raises(ImageNotFound, match="no array"):
        xh.explain(beats, tmp_path / "patient 8.npy")
    (tmp_path / "text.npy").write_text("no numbers")
    with pytest.raises(NotAnImage, match=r"numpy\.save"):
        xh.explain(beats, tmp_path / "text.npy")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(NotAnImage):
        xh.explain(beats, tmp_path / "objects.npy")


def test_a_picture_may_lie_in_such_a_file_too(tmp_path):
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    np.save(tmp_path / "dog.npy", pixels)
    e = xh.explain(model.eval(), tmp_path / "dog.npy", preprocess="unit")
    assert e.axes == 2
    assert e.name == "dog.npy"
    np.testing.assert_array_equal(e.image, pixels)


@pytest.mark.parametrize(("axes", "x"), [(1, ecg(leads=1)), (3, scan())])
def test_saved_are_picture_raw_map_and_the_map_in_full(axes, x, tmp_path, beats, ball):
    e = xh.explain(beats if axes == 1 else ball, x)
    picture, arrays, manifest = e.save(tmp_path)
    with PIL.Image.open(picture) as found:
        np.testing.assert_array_equal(np.asarray(found), e.captioned(e.overlay()))
    with np.load(arrays) as found:
        np.testing.assert_array_equal(found["map"], e.map)
        np.testing.assert_array_equal(found["upsampled"], e.heat(scale="none"))
        assert found["upsampled"].shape == x.shape[1:]
    (entry,) = json.loads(manifest.read_text())["explanations"]
    facts = entry["explanation"]
    assert facts["input_shape"] == list(x.shape)
    assert facts["geometry"] is None
    assert facts["layer_shape"] == list(e.layer.shape)
    assert facts["verdict"]["word"] == "ok"


def test_a_comparison_of_signals_stands_below_each_other(beats, tmp_path):
    both = xh.compare(beats, ecg(), methods=["gradcam", "input_x_gradient"], targets=[EXTRA])
    page = both.sheet()
    assert page.shape[0] > 3 * 0.2 * page.shape[1]
    written = both.save(tmp_path)
    assert [path.name for path in written[:-1]] == [
        "signal.input_x_gradient.input.class_1.png", "signal.gradcam.relu.class_1.png",
    ]  # fmt: skip
    assert written[-1].name == "signal.sheet.png"


def test_a_comparison_of_volumes_shows_the_same_slices(ball):
    both = xh.compare(ball, scan(), methods=["gradcam", "hirescam"], targets=[1])
    shapes = {e.overlay().shape for e in both} | {both[0].image.shape}
    assert len(shapes) == 1
    assert both.sheet().ndim == 3


def test_slices_of_any_axis_and_any_number_are_drawn(ball):
    e = xh.explain(ball, scan())
    assert e.overlay(axis=1).shape != e.overlay().shape
    few, many = e.overlay(slices=3), e.overlay(slices=9)
    assert few.shape[0] < many.shape[0]
    one, other = e.overlay(slices=[28]), e.overlay(slices=[5])
    assert one.shape == other.shape
    assert (one != other).any()
    np.testing.assert_array_equal(e.overlay(slices=[28], axis=0), one)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"axis": 3}, "axis 0, 1 or 2"),
        ({"axis": -1}, "axis 0, 1 or 2"),
        ({"slices": 0}, "at least one"),
        ({"slices": [0]}, "numbers from 1 to 40"),
        ({"slices": [41]}, "numbers from 1 to 40"),
        ({"slices": [57], "axis": 2}, "numbers from 1 to 56 along axis 2"),
        ({"slices": []}, "received none"),
    ],
)
def test_slices_that_are_not_there_are_refused(ball, how, said):
    e = xh.explain(ball, scan())
    with pytest.raises(BadOption, match=said):
        e.overlay(**how)


def test_a_signal_has_no_slices(beats):
    with pytest.raises(BadOption, match="of a volume"):
        xh.explain(beats, ecg()).overlay(slices=3)


def test_a_film_shows_its_frames_in_colour_and_the_heat_in_those_that_have_the_ball():
    e = xh.explain(Ball(3).eval(), film(), target=1)
    heat = e.heat()
    frames = heat.sum(axis=(1, 2))
    assert frames[3:10].sum() > 0.95 * frames.sum()
    assert share_within(heat, (6, 24, 40), 8) > 0.9
    assert len(np.unique((e.image[..., 0].astype(int) - e.image[..., 2]).ravel())) > 20


def test_probabilities_verdicts_and_notes_are_those_of_pictures(beats):
    e = xh.explain(beats, ecg(), labels=LABELS)
    assert sum(p.probability for p in e.predictions) == pytest.approx(1)
    assert e.caption == "relu · gradcam · extra beat"
    assert "signal" in e.stem
    assert b"PNG" in e._repr_png_()[:8]
    assert "verdict: ok" in e._repr_html_()


def test_a_score_for_every_place_of_a_signal_is_explained_at_places():
    """A network that segments a signal."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 5, padding=2), nn.ReLU(), nn.Conv1d(4, 3, 1)).eval()
    e = xh.explain(model, ecg(200), target=1)
    assert e.form.grid == (200,)
    assert e.heat().shape == (200,)
