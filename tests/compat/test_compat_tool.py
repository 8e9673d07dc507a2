import inspect

import numpy as np
import PIL.Image
import pytest
import torch
from small_networks import Passes, linear_network, picture, torch_network
from torch import nn

from xai_heatmap import Preprocess
from xai_heatmap.compat import XAIActivations, XAIHeatmap, XVisTool
from xai_heatmap.core.errors import BadOption, ImageNotFound, InputError, UnknownLayer


def unit(x):
    return x / 255


def test_the_signatures_of_the_document_still_hold():
    asked = ["model", "input_size", "decoder_func", "preprocess_img_func"]
    assert list(inspect.signature(XVisTool).parameters)[:4] == asked
    tool = XVisTool(torch_network(), (24, 32))
    assert tool.getLayers() == tool.layers
    assert tool.decoder_func is None
    assert tool.preprocess_img_func is None


def test_layers_are_those_with_a_grid_whatever_they_are_called():
    model = nn.Sequential()
    model.add_module("stem", nn.Conv2d(3, 4, 3))
    model.add_module("mixed0", nn.ReLU())
    model.add_module("pool", nn.AdaptiveAvgPool2d(1))
    model.add_module("flat", nn.Flatten())
    model.add_module("conv_like", nn.Linear(4, 2))
    assert XVisTool(model.eval(), 16).layers == ["stem", "mixed0"]


def test_a_run_gives_what_the_single_tools_give():
    model, img = torch_network(), picture()
    tool = XVisTool(model, (24, 32), None, unit)
    number = tool.layers.index("0.2")
    result = tool.vidCapRun(img, number)
    assert set(result) == {"heatmap", "activations", "predictions"}
    small = PIL.Image.fromarray(img[..., ::-1]).resize((32, 24), PIL.Image.Resampling.BILINEAR)
    x = (np.asarray(small, np.float32) / 255).transpose(2, 0, 1)[None]
    heatmap = XAIHeatmap(model, ["0.2"]).runTool(img, x, 0)
    np.testing.assert_array_equal(result["heatmap"], heatmap)
    tiles = XAIActivations(model, ["0.2"]).runTool(x, 0)
    np.testing.assert_array_equal(np.stack(result["activations"]), np.stack(tiles))
    with torch.no_grad():
        p = model(torch.as_tensor(x)).softmax(-1)[0].numpy()
    assert [one.index for one in result["predictions"]] == np.argsort(-p).tolist()
    assert result["predictions"][0].probability == pytest.approx(p.max(), rel=1e-4)
    assert tool.last.layer.name == "0.2"


def test_one_forward_pass_makes_heatmap_filters_and_predictions():
    model = torch_network()
    tool = XVisTool(model, (24, 32), lambda scores: scores.argmax(), unit, rank=True)
    tool.vidCapRun(picture(), 0)
    passes = Passes(model)
    for number in range(len(tool.layers)):
        tool.vidCapRun(picture(seed=number), number)
    assert passes.count == len(tool.layers)


def test_a_still_image_is_a_path_or_an_array(tmp_path):
    img = picture()
    path = tmp_path / "still.png"
    PIL.Image.fromarray(img[..., ::-1]).save(path)
    tool = XVisTool(torch_network(), (24, 32), None, unit)
    results = []
    for still in (path, str(path), img):
        tool.setStillImg(still)
        results.append(tool.stillImgRun(-1)["heatmap"])
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[2])
    np.testing.assert_array_equal(results[2], tool.vidCapRun(img, -1)["heatmap"])


def test_what_cannot_be_run_says_so():
    tool = XVisTool(torch_network(), (24, 32), None, unit)
    with pytest.raises(BadOption, match="setStillImg"):
        tool.stillImgRun(0)
    with pytest.raises(ImageNotFound):
        tool.setStillImg("absent.png")
    with pytest.raises(InputError, match="camera"):
        tool.vidCapRun(None, 0)
    with pytest.raises(UnknownLayer):
        tool.vidCapRun(picture(), 99)


@pytest.mark.parametrize("size", [(24, 32, 3), (0, 3), 0, (1.5, 2)])
def test_an_input_size_is_rows_and_columns(size, unchecked):
    with pytest.raises(BadOption, match="rows and columns"):
        XVisTool(torch_network(), size)


@pytest.mark.parametrize(
    ("said", "size"), [((24, 32), (24, 32)), (20, (20, 20)), ([16, 40], (16, 40))]
)
def test_the_preprocessing_gets_a_batch_of_the_input_size_red_first(said, size):
    seen = []

    def prepare(x):
        seen.append(x.copy())
        return x / 255

    img = np.zeros((50, 70, 3), np.uint8)
    img[..., 2] = 200  # red
    XVisTool(torch_network(), said, None, prepare).vidCapRun(img, 0)
    assert seen[0].shape == (1, *size, 3)
    assert seen[0].dtype == np.float32
    np.testing.assert_array_equal(seen[0][0, 0, 0], [200, 0, 0])


def test_the_preprocessing_may_answer_in_either_layout_and_as_a_tensor():
    model, img = torch_network(), picture()

    def run(prepare):
        return XVisTool(model, (24, 32), None, prepare).vidCapRun(img, -1)["heatmap"]

    last = run(unit)
    np.testing.assert_array_equal(run(lambda x: np.moveaxis(x, -1, 1) / 255), last)
    np.testing.assert_array_equal(run(lambda x: torch.as_tensor(x) / 255), last)


def test_a_preset_scales_all_of_the_picture():
    model, img = torch_network(), picture()
    named = XVisTool(model, (24, 32), None, "unit").vidCapRun(img, -1)["heatmap"]
    own = XVisTool(model, (24, 32), None, unit).vidCapRun(img, -1)["heatmap"]
    np.testing.assert_allclose(named.astype(int), own, atol=1)


def test_without_preprocessing_the_model_gets_the_pixels_as_they_are():
    model, img = torch_network(), picture()
    plain = XVisTool(model, (24, 32)).vidCapRun(img, -1)["heatmap"]
    same = XVisTool(model, (24, 32), None, lambda x: x).vidCapRun(img, -1)["heatmap"]
    np.testing.assert_array_equal(plain, same)


def test_heat_stays_inside_of_what_a_crop_showed_the_network():
    crop = Preprocess(mode="unit", input_size=(8, 8), ratio=1.0)
    tool = XVisTool(linear_network([[1, 1, 1], [0, 0, 0]]), 8, None, crop)
    img = np.full((40, 80, 3), 90, np.uint8)
    drawn = tool.vidCapRun(img, 0)["heatmap"]
    np.testing.assert_array_equal(drawn[:, :20], img[:, :20])
    np.testing.assert_array_equal(drawn[:, 60:], img[:, 60:])
    assert (drawn[:, 20:60] != 90).any()


def own_answer(model, img, size):
    small = PIL.Image.fromarray(img[..., ::-1]).resize(size[::-1], PIL.Image.Resampling.BILINEAR)
    x = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 255
    with torch.no_grad():
        return model(torch.as_tensor(x)).numpy()


@pytest.mark.parametrize("closing", [None, nn.Softmax(-1), nn.Sigmoid()])
def test_the_decoder_gets_what_the_model_itself_answers(closing):
    model, seen = torch_network(closing=closing), []

    def decode(scores):
        seen.append(scores)
        return "a decoded word"

    tool = XVisTool(model, (24, 32), decode, unit)
    assert tool.decoder_func is decode
    assert tool.vidCapRun(picture(), 0)["predictions"] == "a decoded word"
    assert seen[0].shape == (1, 5)
    np.testing.assert_allclose(seen[0], own_answer(model, picture(), (24, 32)), rtol=1e-4)


def test_labels_name_the_predictions():
    labels = ["ant", "bee", "cat", "dog", "elk"]
    tool = XVisTool(torch_network(), (24, 32), None, unit, labels=labels)
    told = tool.vidCapRun(picture(), 0)["predictions"]
    assert [one.label for one in told] == [labels[one.index] for one in told]


def test_a_target_is_honoured_and_may_change_between_frames():
    tool = XVisTool(torch_network(), (24, 32), None, unit, target=1)
    tool.vidCapRun(picture(), -1)
    assert tool.last.index == 1
    tool.target = 2
    tool.vidCapRun(picture(), -1)
    assert tool.last.index == 2


def test_a_single_unit_tells_two_classes():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1), nn.Sigmoid()
    ).eval()
    tool = XVisTool(model, (24, 32), None, unit)
    told = tool.vidCapRun(picture(), 0)["predictions"]
    p = own_answer(model, picture(), (24, 32)).item()
    assert {one.index: one.probability for one in told} == pytest.approx({0: 1 - p, 1: p}, rel=1e-4)
