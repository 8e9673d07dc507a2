"""A job as its events, and a run that goes on where another was stopped."""

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.jobs.events import event_of
from xai_heatmap.jobs.job import Compare, Explain
from xai_heatmap.runners.events import events

SIDE = 8
SEEN = []


@pytest.fixture
def network():
    def bright(x):
        SEEN.append(len(x))
        light = x.mean(axis=(1, 2, 3))
        return np.stack([4 * light, 1 - light], axis=1).astype(np.float32)

    return xh.network(bright, image_shape=(3, SIDE, SIDE))


@pytest.fixture
def ask(tmp_path):
    names = ["one.png", "broken.png", "two.png"]
    for number, name in enumerate(names):
        pixels = np.full((SIDE, SIDE, 3), 60 * number, np.uint8)
        pixels[2:4, 2:4] = 255
        PIL.Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "broken.png").write_text("no picture")
    return {
        "images": tuple(str(tmp_path / name) for name in names),
        "model": "bright",
        "preprocess": "unit",
        "method": ("occlusion",),
        "option": ("window=4", "stride=4"),
        "out": tmp_path / "out",
    }


@pytest.mark.parametrize(("job", "kind"), [(Explain, "maps"), (Compare, "sheet")])
def test_each_picture_is_begun_and_then_explained_or_refused(network, ask, job, kind):
    told = list(events(job(**ask), network))
    assert [one.kind for one in told] == [
        "progress", kind, "progress", "refusal", "progress", kind,
    ]  # fmt: skip
    assert [(one.number, one.total) for one in told[::2]] == [(1, 3), (2, 3), (3, 3)]
    assert [one.key for one in told[::2]] == [one.key for one in told[1::2]] == list(ask["images"])
    assert told[3].code == "XH202"
    assert all(event_of(one.model_dump_json()) == one for one in told)
    assert told[1].document()["error"] is None
    assert ask["out"].is_dir()


@pytest.mark.parametrize("job", [Explain, Compare])
def test_a_run_goes_on_behind_what_is_done(network, ask, job):
    own = job(**ask)
    first = list(events(own, network))
    done = {one.key for one in first[:4]}
    SEEN.clear()
    rest = list(events(own, network, done=done))
    assert [one.key for one in rest] == [ask["images"][2]] * 2
    assert (rest[0].number, rest[0].total) == (1, 1)
    assert rest[1].image == first[5].image
    passes = sum(SEEN)
    SEEN.clear()
    assert list(events(own, network, done={one.key for one in first})) == []
    assert passes > 0
    assert sum(SEEN) == 0


def test_facts_that_json_has_no_word_for_are_null(network, ask):
    (_, made, *_) = events(Explain(**ask | {"images": ask["images"][:1]}), network)
    assert '"score":' in made.model_dump_json()
    assert made.explanations[0]["method"] == "occlusion"
    assert made.explanations[0]["picture"].endswith(".png")
