"""Dear questions as jobs, comparisons, channels: what comes, from how many passes, and the end."""

import asyncio
import json
import threading

import numpy as np
import pytest

import xai_heatmap as xh
from web.pages import client, served, values
from xai_heatmap.apps.web.jobs import Job
from xai_heatmap.core.errors import NoRule
from xai_heatmap.explaining.grid import Refusal
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.runners.looking.model import Model
from xai_heatmap.runners.looking.packet import Payload, unpacked
from xai_heatmap.runners.looking.telling import cell_facts

SAMPLE = "sample-tiger"


def events(page, job):
    """Every event of a job until it is over."""
    found, kind = [], ""
    with page.stream("GET", f"/api/jobs/{job}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((kind, json.loads(line.removeprefix("data: "))))
    return found


@pytest.fixture
def asking(held):
    """A page in whose loop jobs go on between its requests."""
    with client(held) as page:
        yield page


@pytest.mark.slow
def test_a_dear_method_tells_of_its_progress_and_ends_in_its_map(asking, held):
    asked = {
        "image": SAMPLE,
        "method": "scorecam",
        "layers": ["stage1.block2", "features"],
        "target": "6",
    }
    said = asking.post("/api/jobs", json=asked)
    told = events(asking, said.json()["job"])
    assert [kind for kind, _ in told[:-1]] == ["progress"] * (len(told) - 1)
    kind, facts = told[-1]
    assert kind == "result"
    header, payload = unpacked(asking.get(facts["url"]).content)
    assert [one["layer"] for one in header["maps"]] == ["stage1.block2", "features"]
    true = xh.explain(
        "demo", held.pictures.get(SAMPLE).image, method="scorecam", layer="features", target=6
    )
    entry = header["maps"][-1]
    assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500


def slow():
    """A network that waits for a gate at every pass but the first few."""
    gate, entered = threading.Event(), threading.Event()
    gate.entered = entered
    runs = []

    def scores(x):
        runs.append(len(x))
        if sum(runs) > 40:
            entered.set()
            gate.wait(5)
        return np.stack([x[:, 0].mean((1, 2)), x[:, 1].mean((1, 2))], 1).astype(np.float32)

    network = xh.network(scores, image_shape=(3, 32, 32))
    models = {"slow": Model("slow", "slow", network, "unit", method="rise")}
    return served(models), gate, runs


def test_a_job_that_is_cancelled_ends_at_its_next_pass():
    held, gate, runs = slow()
    with client(held) as page:
        asked = {"image": SAMPLE, "options": {"samples": 5000}}
        job = page.post("/api/jobs", json=asked).json()["job"]
        assert gate.entered.wait(5)
        assert page.delete(f"/api/jobs/{job}").status_code == 204
        ((kind, facts),) = events(page, job)
        assert (kind, facts["code"]) == ("failed", "cancelled")
        gate.set()
        sent = page.get(f"/api/maps/{SAMPLE}", params={"method": "occlusion"})
        assert sent.status_code == 200
        before = sum(runs)
        assert before < 5000


def test_others_have_their_turn_between_the_passes_of_a_dear_job():
    held, gate, _ = slow()
    with client(held) as page:
        asked = {"image": SAMPLE, "options": {"samples": 20_000}}
        job = page.post("/api/jobs", json=asked).json()["job"]
        assert gate.entered.wait(5)
        gate.set()
        answer = page.get(f"/api/maps/{SAMPLE}", params={"method": "occlusion"})
        assert answer.status_code == 200
        assert not held.jobs.get(job).over
        page.delete(f"/api/jobs/{job}")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"image": SAMPLE, "method": "rize"}, "XH104"),
        ({"image": SAMPLE, "method": "rise", "options": {"samples": 0}}, "XH108"),
        ({"image": SAMPLE, "target": "cow"}, "XH105"),
        ({"image": "gone"}, "XH201"),
        ({"image": 3}, "XH108"),
        ([1], "XH108"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_at_once(page, asked, code):
    assert page.post("/api/jobs", json=asked).json()["code"] == code


def test_a_job_that_fails_says_so(asking, caplog):
    asked = {"image": SAMPLE, "method": "rollout", "layers": ["stage1.block1", "features"]}
    job = asking.post("/api/jobs", json=asked).json()["job"]
    kind, facts = events(asking, job)[-1]
    assert (kind, facts["code"]) == ("failed", "XH141")
    assert "XH141" in caplog.text
    assert asking.get("/api/jobs/none/events").json()["code"] == "XH108"


def test_layers_that_can_not_be_asked_about_together_are_asked_one_by_one(page):
    asked = {"method": "fullgrad", "layers": ["stage1.block1", "features"]}
    header, _ = unpacked(page.get(f"/api/maps/{SAMPLE}", params=asked).content)
    assert [one["layer"] for one in header["maps"]] == ["stage1.block1", "features"]
    assert all(one["length"] for one in header["maps"])


def test_a_layer_that_refuses_stands_in_the_answer_with_its_reason(held):
    refused = Refusal("gradcam", "features", NoRule("<b>no</b> derivative"))
    facts = cell_facts(refused, held.pictures.get(SAMPLE), Payload())
    assert facts == {
        "layer": "features",
        "method": "gradcam",
        "error": {"code": "XH140", "message": "<b>no</b> derivative"},
    }


def test_a_comparison_is_one_packet_from_one_forward_pass(asking, held):
    asked = {
        "image": SAMPLE,
        "methods": ["gradcam", "layercam"],
        "layers": ["stage1.block1", "features"],
        "targets": ["tiger", "rabbit"],
        "options": {"gradcam": {"relu": False}},
    }
    job = asking.post("/api/compare", json=asked).json()["job"]
    kind, facts = events(asking, job)[-1]
    assert kind == "result"
    header, payload = unpacked(asking.get(facts["url"]).content)
    assert (header["passes"], len(header["maps"])) == (1, 8)
    picture = held.pictures.get(SAMPLE).image
    for entry in header["maps"]:
        true = xh.explain(
            "demo", picture, method=entry["method"], layer=entry["layer"],
            target=entry["target"]["words"],
            options={"relu": False} if entry["method"] == "gradcam" else None,
        )  # fmt: skip
        assert np.abs(values(entry, payload) - true.map).max() <= (entry["hi"] - entry["lo"]) / 500
    assert {one["target"]["words"] for one in header["maps"]} == {"tiger", "rabbit"}
    assert asking.get("/api/compare/gone").status_code == 404


def test_more_maps_than_a_page_holds_are_refused(asking):
    asked = {"image": SAMPLE, "layers": "all", "targets": [str(n) for n in range(12)] * 2}
    job = asking.post("/api/compare", json=asked).json()["job"]
    kind, facts = events(asking, job)[-1]
    assert (kind, facts["code"]) == ("failed", "XH108")
    assert "at most 400 maps" in facts["message"]


async def both_lines():
    """What a stream says when its job fails while the line before is still on its way."""
    job = Job("key", asyncio.get_running_loop())
    lines = job.stream()
    first = await anext(lines)
    job.tell("failed", {"code": "XH108"})
    return [first, *[line async for line in lines]]


def test_an_end_that_comes_while_a_line_is_sent_is_told():
    first, last = asyncio.run(both_lines())
    assert first.startswith("event: progress")
    assert last.startswith("event: failed")


def test_channels_come_by_what_they_add_page_by_page(page, held):
    asked = {"layer": "features", "target": "tiger", "size": 40}
    pages = [
        unpacked(page.get(f"/api/channels/{SAMPLE}", params=asked | {"page": n}).content)
        for n in range(4)
    ]
    total = pages[0][0]["total"]
    found = [one for header, _ in pages for one in header["channels"]]
    assert sorted(one["index"] for one in found) == list(range(total))
    sizes = [abs(one["contribution"]) for one in found]
    assert sizes == sorted(sizes, reverse=True)
    network = xh.network("demo")
    picture = held.pictures.get(SAMPLE).image
    x = prepare(picture, None, network).x
    recording = network.record(x[None], ["features"])
    seeds = np.zeros_like(recording.scores)
    seeds[0, network.declared.labels.index("tiger")] = 1
    gradient, own = recording.pullback(seeds)["features"][0], recording.activations["features"][0]
    for header, payload in pages[:2]:
        for one in header["channels"][:5]:
            index = one["index"]
            expected = float((gradient[index].astype(float) * own[index]).sum())
            assert one["contribution"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
            entry = one | {"shape": header["shape"]}
            step = (one["hi"] - one["lo"]) / 500
            assert np.abs(values(entry, payload) - own[index]).max() <= step + 1e-6


@pytest.mark.parametrize("asked", [{"page": "-1"}, {"size": "1000"}, {"size": "x"}])
def test_a_page_of_channels_that_is_none_is_refused(page, asked):
    answer = page.get(f"/api/channels/{SAMPLE}", params={"layer": "features"} | asked)
    assert answer.json()["code"] == "XH108"
