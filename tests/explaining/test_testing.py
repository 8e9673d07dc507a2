"""Tests of maps: one set of passes for all of them, and words where there is nothing to test."""

import json
import pickle

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial

SIDE = 32
RANDOM = np.random.default_rng(1)
PICTURE = RANDOM.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
PICTURE[4:14, 18:28] = 255
PICTURE[24:, :8] = 230
SHORT = {"occlusion": {"window": 8, "stride": 8}}
MADE = {"preprocess": "unit", "method": "occlusion", "options": SHORT["occlusion"]}
MANY = {"preprocess": "unit", "methods": ["occlusion"], "options": SHORT}


class Bright:
    """A network in numpy that counts: light at the mark, darkness there, light in a corner."""

    def __init__(self):
        self.pictures = 0

    def __call__(self, x):
        self.pictures += len(x)
        light = x[:, :, 4:14, 18:28].mean(axis=(1, 2, 3))
        corner = x[:, :, 24:, :8].mean(axis=(1, 2, 3))
        return np.stack([6 * light, 1 - 3 * light, 6 * corner], axis=1).astype(np.float32)


def opened(model=None, **how):
    return xh.network(Bright() if model is None else model, image_shape=(3, SIDE, SIDE), **how)


def truth():
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[4:14, 18:28] = 1
    return mask


def trial(network, target=0, picture=PICTURE, **how):
    given = prepare(picture, "unit", network)
    return Trial(questions(network, given, [choice(target)]), **how)


def test_the_truth_passes_and_maps_that_know_nothing_do_not():
    ask = trial(opened())
    found = ask(truth())
    assert (found.word, found.passed, found.failed) == ("predicts", True, False)
    assert found.agreement > 0.95
    assert found.predicted == found.agreement**2
    assert found.p <= 0.01
    assert (found.copies, found.place, found.classes) == (512, 1, 3)
    assert "moves the explained number" in str(found)
    for nothing in (np.ones((SIDE, SIDE), np.float32), -truth(), truth()[::-1, ::-1].copy()):
        assert ask(nothing).word == "chance"
    flat = ask(np.zeros((4, 4), np.float32))
    assert (flat.agreement, flat.p, flat.place) == (0, 1, None)
    shares = [ask(RANDOM.random((8, 8), np.float32)).passed for _ in range(40)]
    assert np.mean(shares) <= 0.1


def test_a_map_no_better_than_the_edges_is_told_so():
    def edged(x):
        slopes = np.abs(np.diff(x.mean(axis=1), axis=2)).mean(axis=(1, 2))
        return np.stack([50 * slopes, 0 * slopes, -slopes], axis=1).astype(np.float32)

    picture = np.full((SIDE, SIDE, 3), 90, np.uint8)
    picture[2:8, 2:14:2] = 250
    picture[24:30, 18:30:2] = 170
    rough = np.zeros((8, 8), np.float32)
    rough[:2, :4] = 1
    found = trial(opened(edged), picture=picture)(rough)
    assert found.word == "naive"
    assert found.edges > found.agreement > 0
    assert "edges of the input" in str(found)
    assert found.short == "no better than edges or centre"


def test_passes_are_counted_and_shared_by_all_maps_and_targets():
    model = Bright()
    network = opened(model)
    xh.compare(network, PICTURE, targets=[0, 2], **MANY)
    model.pictures = 0
    plain = xh.compare(network, PICTURE, targets=[0, 2], **MANY)
    alone, model.pictures = model.pictures, 0
    tested = xh.compare(
        network, PICTURE, targets=[0, 2, xh.contrast(0, against=2)], test=True, **MANY
    )
    window = alone / len(plain) if False else (alone - 1) / 2
    assert model.pictures == 1 + 3 * window + 62
    assert [one.tested.passes for one in tested] == [62] * 3
    assert all(one.tested.passed for one in tested)
    assert tested[2].tested.place is None


@pytest.mark.parametrize(("passes", "made"), [(32, 32), (64, 62), (128, 122)])
def test_passes_are_as_many_as_are_asked_for(passes, made):
    model = Bright()
    ask = trial(opened(model), passes=passes)
    model.pictures = 0
    assert ask(truth()).passes == made
    assert model.pictures == made
    ask(truth() * 2)
    assert model.pictures == made


def test_more_passes_where_pass_and_fail_are_near():
    model = Bright()
    network = opened(model)
    rough = np.random.default_rng(9).random((8, 8)).astype(np.float32)
    near = truth() + 2 * np.kron(rough, np.ones((4, 4), np.float32))
    first = trial(network, passes=32)(near)
    assert first.doubtful
    assert "within the spread" in str(first)
    longer = trial(network, passes=32, more=True)
    assert longer(near).passes > 32
    assert longer(truth()).passes == 32
    assert longer(truth()) == trial(network, passes=32)(truth())


@pytest.mark.parametrize("passes", [0, 63, True])
def test_other_numbers_of_passes_are_refused_before_the_network_runs(passes):
    model = Bright()
    network = opened(model)
    model.pictures = 0
    with pytest.raises(BadOption, match="32, 64, 128"):
        xh.explain(network, PICTURE, test=True, passes=passes, **MADE)
    assert model.pictures == 0


def test_a_test_afterwards_is_the_same():
    network = opened()
    made = xh.explain(network, PICTURE, **MADE)
    assert made.tested is None
    assert "tested" not in made.to_dict()
    at_once = xh.explain(network, PICTURE, test=True, **MADE)
    assert made.test(network).tested == at_once.tested
    assert made.test(network, passes=32).tested.passes == 32
    copied = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    with pytest.raises(BadOption, match=r"explain\(network, picture, test=True\)"):
        copied.test(network)
    with pytest.raises(BadOption, match="is of another network"):
        made.test(opened(lambda x: 2 * Bright()(x)))


def test_results_are_in_caption_notes_manifest_and_sheet(tmp_path):
    one = xh.explain(opened(), PICTURE, test=True, **MADE)
    assert str(one.tested) in one.notes
    told = one.to_dict()["tested"]
    assert told["word"] == "predicts"
    assert told["passed"] is True
    assert json.dumps(told)
    plain = xh.explain(opened(), PICTURE, **MADE)
    assert one.identity == plain.identity
    assert (one.overlay(caption=True).shape[0] > one.overlay().shape[0]) is True
    shown, bare = one.overlay(caption=True), plain.overlay(caption=True)
    assert shown.shape != bare.shape or (shown != bare).any()
    one.save(tmp_path)
    saved = json.loads((tmp_path / "manifest.json").read_text())
    assert "predicts" in json.dumps(saved)


def test_nothing_that_moves_the_number_is_said_so():
    still = trial(opened(lambda x: np.tile(np.float32([3, 1, 2]), (len(x), 1))))(truth())
    assert (still.word, still.agreement, still.p) == ("unmoved", None, None)
    assert "Nothing in this input moves" in str(still)
    assert not still.failed
    flat = trial(opened(), picture=np.full((SIDE, SIDE, 3), 128, np.uint8))(truth())
    assert flat.word == "unmoved"


def test_words_and_no_figure_where_nothing_can_be_tested():
    def breaks(x):
        spread = x.std(axis=(1, 2, 3))
        return np.where(spread > 0.31, Bright()(x).T, np.nan).T.astype(np.float32)

    clean = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((8, 8)))[..., None].repeat(3, -1)
    broken = trial(opened(breaks), picture=(255 * clean).astype(np.uint8))(truth())
    assert (broken.word, broken.agreement) == ("untested", None)
    assert "NaN or infinity" in str(broken)

    dice = np.random.default_rng(0)
    loose = trial(opened(lambda x: Bright()(x) + dice.normal(size=(len(x), 3)).astype(np.float32)))
    assert loose(truth()).word == "untested"
    assert "answers the same input with" in str(loose(truth()))

    small = xh.network(lambda x: x.mean(axis=(2, 3)), image_shape=(3, 6, 6))
    tiny = Trial(questions(small, prepare(PICTURE[:6, :6], "unit", small), [choice(0)]))
    found = tiny(np.ones((6, 6), np.float32))
    assert (found.word, found.passes) == ("untested", 0)
    assert "6x6 places" in str(found)
    assert trial(opened())(np.ones(5, np.float32)).word == "untested"


def test_maps_of_each_channel_are_tested_as_their_sum():
    ask = trial(opened())
    assert ask(np.stack([truth(), 0 * truth(), 2 * truth()])) == ask(3 * truth())


@pytest.mark.parametrize("batch", [1, 7])
def test_verdicts_hang_on_no_batch_size(batch, monkeypatch):
    whole = trial(opened())(truth())
    monkeypatch.setattr("xai_heatmap.core.evidence.PLACES_AT_ONCE", batch * SIDE * SIDE)
    parted = trial(opened())(truth())
    assert (parted.word, parted.p) == (whole.word, whole.p)
    assert parted.agreement == pytest.approx(whole.agreement, abs=1e-5)


@pytest.mark.parametrize(
    "target",
    [xh.probability(0), xh.negative(0), xh.margin(), xh.function(lambda y: y[..., 0] * 2)],
    ids=["probability", "negative", "margin", "function"],
)
def test_any_number_is_tested(target):
    found = xh.explain(opened(), PICTURE, target=target, test=True, **MADE).tested
    assert found.word == "predicts"


def test_signals_and_volumes_are_tested():
    signal = RANDOM.normal(size=(1, 64)).astype(np.float32)
    signal[:, 20:28] += 3
    line = xh.network(
        lambda x: 5 * x[:, :, 20:28].mean(axis=2), image_shape=(1, 64), answers="values"
    )
    ask = {"method": "occlusion", "options": {"window": 2, "stride": 2}, "test": True}
    one = xh.explain(line, signal, **ask)
    assert one.tested.passed
    assert one.tested.copies == 64
    volume = RANDOM.normal(size=(1, 4, 8, 8)).astype(np.float32)
    volume[:, :2, 2:6, 4:] += 3
    box = xh.network(
        lambda x: 5 * x[:, :, :2, 2:6, 4:].mean(axis=(2, 3, 4)),
        image_shape=(1, 4, 8, 8), answers="values",
    )  # fmt: skip
    own = xh.explain(box, volume, **ask)
    assert own.tested.passed
    assert own.tested.copies == 4096


def test_rows_of_a_table_are_not_tested():
    weights = np.linspace(-1, 1, 40)
    net = xh.network(lambda x: (x * weights).sum(axis=1), axes="f", answers="values")
    row = RANDOM.normal(size=40).astype(np.float32)
    found = xh.explain(net, row, method="occlusion", test=True).tested
    assert (found.word, found.agreement) == ("untested", None)
    assert "have no neighbours" in str(found)


def test_regions_and_places_of_maps_of_scores_are_tested():
    def scored(x):
        light = x[:, :, :, :].mean(axis=1)
        places = light.reshape(len(x), 4, 8, 4, 8).mean(axis=(2, 4))
        return np.stack([6 * places, 1 - places], axis=1).astype(np.float32)

    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture[8:16, 16:24] = 250
    network = xh.network(scored, image_shape=(3, SIDE, SIDE))
    targets = [xh.region(0, (16, 8, 24, 16)), xh.place(0, 1, 2)]
    ask = {"methods": ["occlusion"], "options": SHORT, "preprocess": "unit", "test": True}
    for one in xh.compare(network, picture, targets=targets, **ask):
        assert one.tested.passed
        assert one.tested.place is None
