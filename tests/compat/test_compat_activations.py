import inspect

import numpy as np
import pytest
import torch
from small_networks import Passes, batch, linear_network, torch_network
from torch import nn

import xai_heatmap as xh
from xai_heatmap.compat import XAIActivations
from xai_heatmap.core.errors import BadOption, UnknownLayer


def wide_network(filters=130):
    torch.manual_seed(0)
    conv = nn.Conv2d(3, filters, 3)
    with torch.no_grad():
        conv.weight[7] = 0  # says its bias everywhere
        conv.bias[7] = 0.3
        conv.weight[11] = 0
        conv.bias[11] = -1.0  # nothing is left of it after the ReLU
    head = [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(filters, 4)]
    return nn.Sequential(conv, *head).eval()


def test_the_signatures_of_the_document_still_hold():
    names = list(inspect.signature(XAIActivations).parameters)
    assert names[:2] == ["model", "layers"]
    assert list(inspect.signature(XAIActivations.runTool).parameters)[:3] == [
        "self",
        "img_tensor",
        "layer_num",
    ]


def test_every_filter_has_its_tile_not_only_the_first_hundred():
    tiles = XAIActivations(wide_network(), ["0", "1"]).runTool(batch(), -1)
    assert isinstance(tiles, list)
    assert len(tiles) == 130
    assert all(tile.shape == (22, 30, 3) and tile.dtype == np.uint8 for tile in tiles)
    assert tiles.channels == tuple(range(130))


def test_dead_filters_are_black_marked_and_no_nan():
    tiles = XAIActivations(wide_network(), ["0", "1"]).runTool(batch(), 1)
    assert {7, 11} <= tiles.dead
    for channel, tile in enumerate(tiles):
        assert (not tile.any()) == (channel in tiles.dead)


def test_a_tile_goes_from_its_filters_lowest_to_its_highest_value():
    x = np.zeros((1, 3, 4, 6), np.float32)
    x[0, 0, 1, 2], x[0, 0, 3, 5] = 5, -3
    tile = XAIActivations(linear_network([[1, 0, 0]]), ["0"]).runTool(x, 0)[0]
    brightness = tile.astype(int).sum(axis=-1)
    assert brightness.argmax() == 1 * 6 + 2
    assert brightness.argmin() == 3 * 6 + 5
    np.testing.assert_array_equal(tile[1, 2], [37, 231, 253])  # viridis's yellow, blue first
    np.testing.assert_array_equal(tile[3, 5], [84, 1, 68])


def test_the_tensor_is_only_read_and_two_calls_agree():
    x = batch()
    tool = XAIActivations(wide_network(), ["1"])
    first, second = tool.runTool(x, 0), tool.runTool(x, 0)
    np.testing.assert_array_equal(x, batch())
    np.testing.assert_array_equal(np.stack(first), np.stack(second))


def test_ranked_filters_come_by_what_they_did_for_the_target():
    x, model = batch(), wide_network()
    tiles = XAIActivations(model, ["1"], target=2).runTool(x, 0, rank=True)
    recording = xh.network(model).record(x, ["1"])
    cotangent = np.eye(4, dtype=np.float32)[[2]]
    gradient = recording.pullback(cotangent)["1"][0]
    activation = recording.activations["1"][0]
    worth = {
        k: -np.inf if k in tiles.dead else abs(gradient[k].mean()) * activation[k].mean()
        for k in range(130)
    }
    assert sorted(tiles.channels) == list(range(130))
    ranked = [worth[k] for k in tiles.channels]
    assert ranked == sorted(ranked, reverse=True)
    unranked = XAIActivations(model, ["1"]).runTool(x, 0)
    for channel, tile in zip(tiles.channels, tiles, strict=True):
        np.testing.assert_array_equal(tile, unranked[channel])


def test_pages_together_are_all_tiles():
    tool, x = XAIActivations(wide_network(), ["1"]), batch()
    whole = tool.runTool(x, 0, rank=True)
    pages = [tool.runTool(x, 0, rank=True, page=page) for page in range(2)]
    assert [len(page) for page in pages] == [100, 30]
    assert [page.pages for page in pages] == [2, 2]
    assert whole.pages == 1
    assert pages[0].channels + pages[1].channels == whole.channels
    assert pages[0].dead == pages[1].dead == whole.dead
    np.testing.assert_array_equal(np.stack(pages[0] + pages[1]), np.stack(whole))
    assert len(tool.runTool(x, 0, page=4, per_page=30)) == 10


@pytest.mark.parametrize("options", [{"page": 2}, {"page": -1}, {"page": 0, "per_page": 0}])
def test_a_page_that_is_not_there_is_refused(options):
    with pytest.raises(BadOption):
        XAIActivations(wide_network(), ["1"]).runTool(batch(), 0, **options)


def test_layers_may_be_modules_and_numbers_negative():
    model = torch_network()
    by_name = XAIActivations(model, ["0.0", "0.2"]).runTool(batch(), -1)
    by_module = XAIActivations(model, [model[0][2]]).runTool(batch(), 0)
    np.testing.assert_array_equal(np.stack(by_name), np.stack(by_module))
    with pytest.raises(UnknownLayer):
        XAIActivations(model, ["0.0"]).runTool(batch(), 1)


def test_a_call_is_one_forward_pass():
    model = wide_network()
    tool = XAIActivations(model, ["1"])
    tool.runTool(batch(), 0)
    passes = Passes(model)
    tool.runTool(batch(), 0)
    tool.runTool(batch(), 0, rank=True)
    assert passes.count == 2
