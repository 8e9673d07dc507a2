"""The test of maps: one result for the same weights, whatever runs them and in what batches."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap import scenes
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.question import questions
from xai_heatmap.explaining.request import choice
from xai_heatmap.explaining.testing import Trial
from xai_heatmap.networks.loading import demo

TWINS = {"torch": demo.torch_twin, "keras": demo.keras_twin}
SEED = 90_001
NEAR = 1e-3


def results_of(network, scene, maps):
    """Of each map the result of its test, the network opened anew."""
    given = prepare(scene.image, "tf", network)
    trial = Trial(questions(network, given, [choice(scene.category)]))
    return {name: trial(own) for name, own in maps.items()}


def maps_of(network, scene):
    """A map that holds up, its negative, and one that knows nothing."""
    made = xh.compare(
        network, scene.image, methods=["gradcam"], layers="features",
        targets=[scene.category], preprocess="tf",
    )  # fmt: skip
    maps = {one.layer.name: one.map for one in made}
    random = np.random.default_rng(SEED).random((16, 16)).astype(np.float32)
    return maps | {"random": random, "negative": -maps["features"]}


@pytest.fixture(scope="module")
def scene():
    return scenes.scene(SEED)


@pytest.fixture(scope="module")
def expected(scene):
    network = xh.network("demo")
    maps = maps_of(network, scene)
    return maps, results_of(network, scene, maps)


def same(found, expected):
    assert list(found) == list(expected)
    for name, own in found.items():
        other = expected[name]
        assert (own.word, own.passes, own.copies) == (other.word, other.passes, other.copies), name
        assert own.agreement == pytest.approx(other.agreement, abs=NEAR), name
        assert own.p == pytest.approx(other.p, abs=2 / 512), name
        assert own.place == other.place, name


@pytest.mark.slow
@pytest.mark.parametrize("backend", TWINS)
def test_the_same_weights_get_the_same_result(backend, scene, expected):
    network = xh.network(TWINS[backend](), image_shape=(3, 128, 128))
    results = expected[1]
    same(results_of(network, scene, maps_of(network, scene)), results)
    words = {name: one.word for name, one in results.items()}
    assert words["features"] == "predicts"
    assert words["random"] == words["negative"] == "chance"


def test_the_size_of_batches_counts_for_nothing(scene, expected, monkeypatch):
    maps, results = expected
    monkeypatch.setattr("xai_heatmap.core.evidence.PLACES_AT_ONCE", 5 * 128 * 128)
    same(results_of(xh.network("demo"), scene, maps), results)
