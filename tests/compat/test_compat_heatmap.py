import inspect
import subprocess
import sys

import cv2
import numpy as np
import PIL.Image
import pytest
import torch
from small_networks import Passes, batch, linear_network, picture, torch_network
from torch import nn

import xai_heatmap as xh
from xai_heatmap.compat import XAIHeatmap
from xai_heatmap.core.errors import BadArray, BadOption, NoGrid, NotAModel, UnknownLayer
from xai_heatmap.core.geometry import Geometry


def positional(function):
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def test_the_signatures_of_the_document_still_hold():
    assert positional(XAIHeatmap) == ["model", "layers"]
    assert positional(XAIHeatmap.runTool) == ["self", "cv2img", "img_tensor", "layer_num"]
    asked = ["self", "cv2img", "img_tensor", "model", "layer_name"]
    assert positional(XAIHeatmap.camXAITool) == asked


@pytest.mark.slow
def test_importing_it_loads_no_framework_and_no_opencv():
    code = (
        "import sys, xai_heatmap.compat; print([m for m in ('torch', 'keras', 'tensorflow', 'jax', "
        "'cv2', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_picture_comes_back_with_the_heatmap_over_it_as_opencv_has_pictures():
    img = picture()
    tool = XAIHeatmap(torch_network(), ["0.0", "0.2"])
    drawn = tool.runTool(img, batch(), 1)
    assert drawn.dtype == np.uint8
    assert drawn.shape == img.shape
    explained = xh.maps(torch_network(), batch(), layer="0.2")[0]
    np.testing.assert_allclose(tool.last.map, explained, rtol=1e-5)
    plain = {"contour": False, "mute": False, "smooth": False}
    shown = tool.last.overlay(colormap="jet", alpha=0.8, **plain)
    np.testing.assert_array_equal(drawn, shown[..., ::-1])


def test_relevance_is_red_in_a_picture_with_blue_first():
    x = np.zeros((1, 3, 8, 8), np.float32)
    x[0, 0, :4, :4] = 1
    tool = XAIHeatmap(linear_network([[1, 0, 0], [0, 0, 0]]), ["0"])
    drawn = tool.runTool(np.zeros((80, 80, 3), np.uint8), x, 0)
    blue, green, red = drawn[10, 10]
    assert red > 100
    assert blue == green == 0


def test_last_tells_the_facts_of_the_last_call():
    model = torch_network()
    tool = XAIHeatmap(model, ["0.2"])
    assert tool.last is None
    x = batch()
    tool.runTool(picture(), x, 0)
    with torch.no_grad():
        scores = model(torch.as_tensor(x))[0].numpy()
    assert tool.last.index == scores.argmax()
    assert tool.last.score == pytest.approx(scores.max(), rel=1e-5)
    assert tool.last.layer.name == "0.2"
    assert tool.last.map.shape == (10, 14)
    assert tool.last.verdict.word in {"ok", "no_positive_evidence"}
    assert sum(p.probability for p in tool.last.predictions) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("number", [1, -1])
def test_layers_are_counted_from_either_end(number):
    tool = XAIHeatmap(torch_network(), ["0.0", "0.2"])
    tool.runTool(picture(), batch(), number)
    assert tool.last.layer.name == "0.2"


def test_layers_may_be_the_modules_themselves():
    model = torch_network()
    tool = XAIHeatmap(model, [model[0][0], model[0][2]])
    tool.runTool(picture(), batch(), -1)
    assert tool.last.layer.name == "0.2"


def test_one_name_is_not_taken_for_a_list_of_letters():
    tool = XAIHeatmap(torch_network(), "auto")
    tool.runTool(picture(), batch(), 0)
    assert tool.last.layer.name == "1"


@pytest.mark.parametrize(
    ("layers", "number", "error"),
    [
        (["0.2"], 1, UnknownLayer),
        (["0.2"], -2, UnknownLayer),
        (["0.7"], 0, UnknownLayer),
        (["0.*"], 0, UnknownLayer),
        ([nn.ReLU()], 0, UnknownLayer),
        (["4"], 0, NoGrid),
    ],
)
def test_a_layer_that_is_not_there_is_refused_before_the_pass(layers, number, error):
    model = torch_network()
    tool = XAIHeatmap(model, layers)
    with pytest.raises(error):
        tool.runTool(picture(), batch(), number)
    assert tool.last is None


def test_camXAITool_takes_its_own_model_and_layer():
    tool = XAIHeatmap(torch_network(seed=0), ["0.0"])
    other = torch_network(seed=5)
    drawn = tool.camXAITool(picture(), batch(), other, "0.2")
    expected = XAIHeatmap(other, ["0.2"]).runTool(picture(), batch(), 0)
    np.testing.assert_array_equal(drawn, expected)
    assert tool.last.layer.name == "0.2"
    again = tool.camXAITool(picture(), batch(), other, other[0][2])
    np.testing.assert_array_equal(again, expected)


def test_camXAITool_is_runTool_by_name():
    model = torch_network()
    tool = XAIHeatmap(model, ["0.0", "0.2"])
    np.testing.assert_array_equal(
        tool.runTool(picture(), batch(), 0), tool.camXAITool(picture(), batch(), model, "0.0")
    )


def test_the_tensor_may_be_of_the_framework_learn_and_is_only_read():
    x = batch()
    tensor = torch.as_tensor(x.copy()).requires_grad_()
    tool = XAIHeatmap(torch_network(), ["0.2"])
    np.testing.assert_array_equal(tool.runTool(picture(), tensor, 0), tool.runTool(picture(), x, 0))
    np.testing.assert_array_equal(tensor.detach().numpy(), batch())
    assert tensor.grad is None


@pytest.mark.parametrize(
    "wrong",
    [
        batch()[0],
        np.moveaxis(batch(), 1, -1),
        np.zeros((0, 3, 8, 8), np.float32),
        ["a picture"],
        np.full((1, 3, 24, 32), np.nan, np.float32),
    ],
)
def test_a_tensor_that_is_no_batch_of_images_is_refused(wrong):
    with pytest.raises(BadArray):
        XAIHeatmap(torch_network(), ["0.2"]).runTool(picture(), wrong, 0)


def seen_in(img):
    tool = XAIHeatmap(torch_network(), ["0.2"])
    return tool.runTool(img, batch(), 0), tool.last.image


@pytest.mark.slow
def test_pictures_of_every_kind_are_accepted():
    img = picture()
    plain, image = seen_in(img)
    np.testing.assert_array_equal(image, img[..., ::-1])
    opaque = np.dstack([img, np.full(img.shape[:2], 255, np.uint8)])
    for same in (
        opaque,
        img / 255,
        (img / 255).astype(np.float32),
        img.astype(np.float64),
        img.astype(np.int64),
        img.astype(np.uint16) * 257,
        np.asfortranarray(img),
        img[::-1][::-1],
    ):
        np.testing.assert_array_equal(seen_in(same)[0], plain)


@pytest.mark.parametrize("shape", [(60, 80), (60, 80, 1)])
def test_a_grey_picture_is_accepted(shape):
    grey = picture()[..., 0].reshape(shape)
    drawn, image = seen_in(grey)
    assert drawn.shape == (60, 80, 3)
    np.testing.assert_array_equal(image, np.repeat(grey.reshape(60, 80, 1), 3, axis=-1))


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (24, 32), (500, 3)])
def test_a_picture_of_any_size_is_accepted(size):
    assert seen_in(picture(*size))[0].shape == (*size, 3)


@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 5, 6)), np.full((4, 4), np.nan), np.zeros(0)])
def test_what_is_no_picture_is_refused_before_the_pass(wrong):
    model = torch_network()
    tool, passes = XAIHeatmap(model, ["0.2"]), Passes(model)
    with pytest.raises(BadArray):
        tool.runTool(wrong, batch(), 0)
    assert not passes.count


def dead_at_layer_zero():
    """Everything that the layer says speaks against the one class that wins."""
    return linear_network([[-1, -1, -1], [-2, -2, -2]]), np.ones((1, 3, 8, 8), np.float32)


def test_a_map_without_evidence_leaves_the_picture_as_it_is_and_says_why():
    model, x = dead_at_layer_zero()
    tool, img = XAIHeatmap(model, ["0"]), picture()
    np.testing.assert_array_equal(tool.runTool(img, x, 0), img)
    assert not tool.last.map.any()
    assert tool.last.verdict.word == "no_positive_evidence"


@pytest.mark.slow
def test_the_logit_is_explained_not_the_saturated_softmax():
    plain, closed = torch_network(), torch_network(closing=nn.Softmax(-1))
    for model in (plain, closed):
        with torch.no_grad():
            model[4].weight *= 1e5
    mended = XAIHeatmap(closed, ["0.2"])
    mended.runTool(picture(), batch(), 0)
    as_logits = XAIHeatmap(plain, ["0.2"])
    as_logits.runTool(picture(), batch(), 0)
    np.testing.assert_allclose(mended.last.map, as_logits.last.map, rtol=1e-5)
    assert mended.last.score > 10
    legacy = XAIHeatmap(closed, ["0.2"], legacy=True)
    legacy.runTool(picture(), batch(), 0)
    assert legacy.last.verdict.word in {"saturated", "dead_gradient"}


@pytest.mark.slow
def test_one_white_pixel_does_not_change_the_colours_of_the_rest():
    img = np.full((60, 80, 3), 120, np.uint8)
    lit = img.copy()
    lit[0, 0] = 255
    mended = XAIHeatmap(torch_network(), ["0.2"])
    before, after = mended.runTool(img, batch(), 0), mended.runTool(lit, batch(), 0)
    np.testing.assert_array_equal(before[1:], after[1:])
    np.testing.assert_array_equal(before[0, 1:], after[0, 1:])
    legacy = XAIHeatmap(torch_network(), ["0.2"], legacy=True)
    before, after = legacy.runTool(img, batch(), 0), legacy.runTool(lit, batch(), 0)
    assert np.abs(before[1:] - after[1:]).max() > 5


def test_irrelevant_places_have_no_blue_veil():
    x = np.zeros((1, 3, 8, 8), np.float32)
    x[0, 0, :2, :2] = 1
    img = picture(80, 80)
    drawn = XAIHeatmap(linear_network([[1, 0, 0], [0, 0, 0]]), ["0"]).runTool(img, x, 0)
    np.testing.assert_array_equal(drawn[40:], img[40:])
    assert (drawn[:10, :10] != img[:10, :10]).any()


def test_the_strongest_relevance_is_covered_by_four_fifths():
    x = np.zeros((1, 3, 1, 2), np.float32)
    x[0, 0] = 1
    img = np.full((10, 20, 3), 100, np.uint8)
    drawn = XAIHeatmap(linear_network([[1, 0, 0], [0, 0, 0]]), ["0"]).runTool(img, x, 0)
    red = cv2.applyColorMap(np.uint8([[255]]), cv2.COLORMAP_JET)[0, 0]
    np.testing.assert_allclose(drawn[0, 0], 0.8 * red + 0.2 * 100, atol=1)


def test_of_a_batch_the_first_image_is_explained_alone():
    x = batch(3)
    tool = XAIHeatmap(torch_network(), ["0.2"])
    alone = tool.runTool(picture(), x[:1], 0)
    np.testing.assert_array_equal(tool.runTool(picture(), x, 0), alone)


def test_any_class_can_be_explained():
    tool = XAIHeatmap(torch_network(), ["0.2"], target=3)
    tool.runTool(picture(), batch(), 0)
    assert tool.last.index == 3
    expected = xh.maps(torch_network(), batch(), layer="0.2", target=3)[0]
    np.testing.assert_allclose(tool.last.map, expected, rtol=1e-5)


def test_frames_of_a_film_can_share_one_scale():
    x, img = batch(), picture()
    model = linear_network([[1, 1, 1], [0, 0, 0]])
    own = XAIHeatmap(model, ["0"])
    own.runTool(img, np.abs(x), 0)
    fixed = XAIHeatmap(model, ["0"], scale=float(own.last.map.max()))
    strong, weak = fixed.runTool(img, np.abs(x), 0), fixed.runTool(img, np.abs(x) / 20, 0)
    distances = [np.abs(drawn.astype(int) - img).mean() for drawn in (strong, weak)]
    assert distances[0] > 3 * distances[1]


def test_relevance_lies_where_the_tensor_was_cut_out():
    x = np.ones((1, 3, 8, 8), np.float32)
    img = picture(40, 80)
    tool = XAIHeatmap(linear_network([[1, 1, 1], [0, 0, 0]]), ["0"])
    drawn = tool.runTool(img, x, 0, geometry=Geometry((40, 80), (20.0, 0.0, 60.0, 40.0), (8, 8)))
    np.testing.assert_array_equal(drawn[:, :20], img[:, :20])
    np.testing.assert_array_equal(drawn[:, 60:], img[:, 60:])
    assert (drawn[:, 20:60] != img[:, 20:60]).any(axis=-1).all()


@pytest.mark.slow
def test_floats_as_the_document_gave_them_on_request():
    x, img = batch(), picture()
    whole = XAIHeatmap(torch_network(), ["0.2"]).runTool(img, x, 0)
    floats = XAIHeatmap(torch_network(), ["0.2"], legacy_float=True).runTool(img, x, 0)
    assert floats.dtype == np.float64
    np.testing.assert_array_equal(floats, whole)
    legacy = XAIHeatmap(torch_network(), ["0.2"], legacy=True).runTool(img, x, 0)
    assert legacy.dtype == np.float64
    assert legacy.max() == 255
    tool = XAIHeatmap(torch_network(), ["0.2"], legacy=True, legacy_float=False)
    rounded = tool.runTool(img, x, 0)
    assert rounded.dtype == np.uint8
    np.testing.assert_array_equal(rounded, np.rint(legacy))


@pytest.mark.parametrize("options", [{"target": 1}, {"scale": "p99"}, {"scale": 2.0}])
def test_the_documents_arithmetic_leaves_no_choice(options):
    with pytest.raises(BadOption):
        XAIHeatmap(torch_network(), ["0.2"], legacy=True, **options)
    tool = XAIHeatmap(torch_network(), ["0.2"], legacy=True)
    with pytest.raises(BadOption):
        tool.runTool(
            picture(), batch(), 0, geometry=Geometry((60, 80), (0.0, 0.0, 9.0, 9.0), (8, 8))
        )


def test_legacy_draws_over_pictures_of_every_kind_with_blue_first():
    img = picture()
    img[..., 0] //= 2  # blue is not red
    legacy = XAIHeatmap(torch_network(), ["0.2"], legacy=True)
    wanted = legacy.runTool(img, batch(), 0)
    opaque = np.dstack([img, np.full(img.shape[:2], 255, np.uint8)])
    for same in (opaque, PIL.Image.fromarray(img[..., ::-1])):
        np.testing.assert_array_equal(legacy.runTool(same, batch(), 0), wanted)


def test_a_network_that_was_opened_for_its_logits_has_no_legacy():
    opened = xh.network(torch_network())
    XAIHeatmap(opened, ["0.2"]).runTool(picture(), batch(), 0)
    with pytest.raises(NotAModel):
        XAIHeatmap(opened, ["0.2"], legacy=True)


@pytest.mark.slow
def test_each_call_is_one_forward_pass_and_nothing_is_left_on_the_model():
    model = torch_network()
    tool, x = XAIHeatmap(model, ["0.0", "0.2"]), batch()
    tool.runTool(picture(), x, 0)
    passes = Passes(model)
    before = [dict(vars(module)) for module in model.modules()]
    for turn in range(6):
        tool.runTool(picture(), x, turn % 2)
        tool.camXAITool(picture(), x, model, "0.2")
    assert passes.count == 12
    assert [dict(vars(module)) for module in model.modules()] == before
    assert all(weight.grad is None for weight in model.parameters())
