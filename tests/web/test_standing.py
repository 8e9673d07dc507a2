"""Maps of dear methods as they stand, before these are done."""

import asyncio
import base64
import json

import numpy as np
import pytest

from web.pages import png, values
from xai_heatmap.apps.web.jobs import Job
from xai_heatmap.core.so_far import came, so_far, telling, waiting
from xai_heatmap.methods.occlusion import occlusion
from xai_heatmap.methods.rise import rise
from xai_heatmap.methods.scorecam import scorecam
from xai_heatmap.runners.looking.asked import Asked
from xai_heatmap.runners.looking.look import look
from xai_heatmap.runners.looking.packet import unpacked

IMAGE = np.random.default_rng(0).random((3, 6, 6)).astype(np.float32)
ACTIVATION = np.random.default_rng(1).random((5, 3, 3)).astype(np.float32)


def head(activations):
    """Scores one by one, each told as the network's head tells its batches."""
    found = []
    for one in activations:
        found.append(np.float32([float((one * np.arange(one.size).reshape(one.shape)).sum())]))
        came(found)
    return np.concatenate(found)


def said_by(method, *given, **how):
    """All maps that a method says it has so far, and the one that it gives."""
    maps = []
    with waiting(lambda map_: maps.append(map_())):
        found = method(*given, **how)
    return maps, getattr(found, "map", found)


@pytest.mark.parametrize(
    ("method", "given", "how", "count"),
    [
        (rise, (IMAGE, head), {"samples": 120, "cells": 3}, 3),
        (occlusion, (IMAGE, head), {"window": 2, "stride": 2}, 10),
        (occlusion, (IMAGE, head), {"window": 2, "stride": 2, "channels": "each"}, 28),
        (scorecam, (IMAGE, ACTIVATION, head), {}, 6),
        (scorecam, (IMAGE, ACTIVATION, head), {"softmax": True}, 6),
    ],
)
def test_the_last_map_that_is_said_is_the_map(method, given, how, count):
    maps, found = said_by(method, *given, **how)
    assert len(maps) == count
    assert {one.shape for one in maps} == {found.shape}
    np.testing.assert_array_equal(maps[-1], found)
    assert (maps[0] != found).any()


def test_what_is_covered_last_is_missing_so_far():
    maps, found = said_by(occlusion, IMAGE, head, window=2, stride=2)
    np.testing.assert_array_equal(maps[3][:2], found[:2])  # the picture, and a row of three windows
    assert not maps[3][2:].any()


def test_nothing_is_computed_where_nobody_waits():
    so_far(lambda: pytest.fail("nobody waits"))
    telling(head, lambda _: pytest.fail("nobody waits"))([IMAGE])
    came([np.zeros(1, np.float32)])


@pytest.mark.parametrize(("name", "says"), [("rise", True), ("smooth:gradcam", False)])
def test_a_page_is_offered_the_map_as_it_stands(held, name, says):
    model = held.models["demo"]
    picture = held.pictures.put(png(), "noise.png")
    told = []
    options = {"samples": 100, "cells": 4} if says else {"samples": 2}
    layers = ["all"] if says else ["features"]
    asked = Asked.of({"method": name, "options": options, "layers": layers})
    header, payload = unpacked(look(model, picture, asked, hear=lambda made: told.append(made())))
    assert bool(told) == says
    if says:
        (own,) = header["maps"]
        last = {**told[-1], "offset": 0}
        data = base64.b64decode(last.pop("data"))
        shown = values({**last, "length": len(data)}, data)
        step = (own["hi"] - own["lo"]) / 255
        np.testing.assert_allclose(shown, values(own, payload), atol=2 * step)
        assert (last["box"], last["signed"]) == (own["box"], own["signed"])


def test_a_job_tells_of_its_map_to_who_listens():
    async def run():
        job = Job("key", asyncio.get_running_loop(), total=9)
        job.hear(lambda: pytest.fail("nobody listens"))
        stream = job.stream()
        first = await anext(stream)
        await asyncio.to_thread(job.hear, lambda: {"shape": [1, 1], "data": "AA=="})
        second = await anext(stream)
        await stream.aclose()
        return first, second

    first, second = asyncio.run(run())
    assert "map" not in json.loads(first.partition("data: ")[2])
    assert json.loads(second.partition("data: ")[2])["map"]["shape"] == [1, 1]
