"""What a page's questions cost the network: runs of its graphs, and bytes that are sent."""

import json

import numpy as np
import pytest

import xai_heatmap as xh
from web.pages import TOKEN, client, frame, png, served, values
from xai_heatmap.networks.onnx.modules import SCOPES
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import look
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import unpacked
from xai_heatmap.runners.looking.pictures import decoded
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

SAMPLE = "sample-ladybird"
SCENE = xh.scenes.scene(3, size=128).image


@pytest.fixture(scope="module")
def warm():
    """A page whose network was asked once, so that it knows its graphs."""
    page = client(served())
    page.get("/api/model")
    assert page.get(f"/api/maps/{SAMPLE}", params={"layers": "all"}).status_code == 200
    return page


def test_a_frame_is_one_run_and_one_packet(runs):
    own = Model("demo", "demo", xh.network("demo"))
    with client(served({"demo": own})).websocket_connect(
        f"ws://127.0.0.1/ws/live?token={TOKEN}"
    ) as line:
        line.send_text(json.dumps({"layers": "auto"}))
        for number in range(3):
            line.send_bytes(frame(number, SCENE))
            header, payload = unpacked(line.receive_bytes())
            assert (header["t"], len(header["maps"])) == (number, 1)
            assert len(payload) == header["maps"][0]["length"]
    assert runs == ["program"] * 3


@pytest.mark.parametrize("said", [{"target": "bear"}, {"target": "2", "against": "1"}])
def test_all_layers_of_another_target_are_one_way_back(warm, runs, said):
    answer = warm.get(f"/api/maps/{SAMPLE}", params={"layers": "all", **said})
    assert len(unpacked(answer.content)[0]["maps"]) > 1
    assert runs == ["half"]


def with_modules():
    """A file of PyTorch, whose modules answer the same tensors as their last operators."""
    model = OnnxKit().residual().model
    for number, node in enumerate(model.graph.node):
        node.metadata_props.add(key=SCOPES, value=f"['', 'part{number // 2}', 'own']")
    return Model("twins", "twins", xh.network(model), "unit")


def test_layers_whose_output_is_one_array_share_its_bytes():
    model = with_modules()
    made = look(model, decoded(png(), "key", "a.png"), Asked(layers=("all",)))
    header, payload = unpacked(made)
    lengths = {one["offset"]: one["length"] for one in header["maps"]}
    assert len(payload) == sum(lengths.values())
    assert len(lengths) < len(header["maps"])
    assert len({one["layer"] for one in header["maps"]}) == len(header["maps"])
    for entry in header["maps"][-2:]:
        asked = Asked(layers=(entry["layer"],))
        own, data = unpacked(look(model, decoded(png(), "key", "a.png"), asked))
        found = values(entry, payload), values(own["maps"][0], data)
        np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-7)


def test_channels_and_their_pages_take_the_pass_that_was_made(warm):
    asked = {"layer": "features"}
    pages = [warm.get(f"/api/channels/{SAMPLE}", params={**asked, "page": page}) for page in (0, 1)]
    assert [unpacked(one.content)[0]["passes"] for one in pages] == [0, 0]


def test_a_pass_that_was_made_for_a_later_question_is_kept_for_the_next():
    page = client(served())
    page.get(f"/api/maps/{SAMPLE}", params={"layers": "stage1"})
    asked = {"layers": "features", "method": "layercam"}
    first = page.get(f"/api/maps/{SAMPLE}", params=asked)
    second = page.get(f"/api/maps/{SAMPLE}", params={**asked, "target": "3"})
    assert [unpacked(one.content)[0]["passes"] for one in (first, second)] == [1, 0]
