"""A function of the user's own as a network."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption, NonFiniteScores, NoRule, NoScores

SHAPE = (3, 12, 16)
SQUARE = (slice(None), slice(None), slice(2, 5), slice(9, 13))


class Counting:
    """Class 1 is how bright one square of the picture is; class 0 is a constant."""

    def __init__(self):
        self.batches = []

    def __call__(self, x):
        self.batches.append(len(x))
        return np.stack([np.full(len(x), 0.25), x[SQUARE].mean(axis=(1, 2, 3))], axis=1)


def pictures(count):
    return np.random.default_rng(0).uniform(0.5, 1, (count, *SHAPE)).astype(np.float32)


def test_occlusion_finds_what_a_function_looks_at():
    network = xh.network(Counting(), image_shape=SHAPE)
    options = {"window": 3, "stride": 1}
    (map_,) = xh.maps(network, pictures(1), method="occlusion", target=1, options=options)
    assert map_.shape == SHAPE[1:]
    row, column = np.unravel_index(map_.argmax(), map_.shape)
    assert 2 <= row < 5
    assert 9 <= column < 13


def test_a_picture_is_explained_and_the_only_layer_is_the_picture():
    def brightness(x):
        return x[SQUARE].mean(axis=(1, 2, 3))

    network = xh.network(brightness, image_shape=SHAPE)
    assert list(network.layers) == ["input"]
    picture = np.full((12, 16, 3), 128, np.uint8)
    one = xh.explain(network, picture, method="occlusion", preprocess="unit")
    assert (one.network, one.layer.name, one.target) == ("brightness", "input", "for")
    assert one.score == pytest.approx(128 / 255, abs=1e-3)


def test_methods_with_gradients_are_refused_before_the_function_runs():
    function = Counting()
    with pytest.raises(NoRule, match=r"Counting has none.*occlusion"):
        xh.maps(function, pictures(1))
    with pytest.raises(NoRule):
        xh.explain(function, np.zeros((12, 16, 3), np.uint8), preprocess="unit")
    with pytest.raises(NoRule, match="has no derivative"):
        xh.network(function).record(pictures(1)).pullback(np.ones((1, 2), np.float32))
    assert function.batches == [1]  # the last one recorded it


def test_many_pictures_go_in_portions():
    function = Counting()
    recording = xh.network(function).record(pictures(70))
    assert function.batches == [32, 32, 6]
    assert recording.scores.shape == (70, 2)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (lambda x: np.zeros((len(x) + 1, 2)), NoScores, r"shape \(3, 2\) for 2 pictures"),
        (lambda x: np.zeros((len(x), 2, 2)), NoScores, r"\(images, classes\)"),
        (lambda x: "cat", NoScores, "str"),
        (lambda x: x.mean((2, 3)) > 0.5, NoScores, "bool of shape"),
        (lambda x: x.mean((2, 3)) + 1j, NoScores, "complex"),
        (lambda x: x.mean((2, 3)).argmax(1), NoScores, "predict_proba"),
        (lambda x: np.array(["cat", "7"]), NoScores, "str of shape"),
        (lambda x: x.mean((2, 3))[:, :0], NoScores, "no scores"),
        (lambda x: np.full((len(x), 2), np.nan), NonFiniteScores, "NaN"),
    ],
)
def test_answers_that_are_no_scores(answer, error, said):
    with pytest.raises(error, match=said):
        xh.maps(xh.network(answer), pictures(2), method="occlusion")


def test_votes_are_scores():
    def votes(x):
        return (x.reshape(len(x), 3, -1) > 0.75).sum(2)

    scores = xh.network(votes).record(pictures(2)).scores
    assert scores.dtype == np.float32
    assert (scores == votes(pictures(2))).all()


def test_probabilities_are_read_as_such():
    recording = xh.network(lambda x: np.full((len(x), 4), 0.25)).record(pictures(1))
    assert recording.meaning == "probabilities"
    assert xh.network(Counting()).record(pictures(1)).meaning == "logits"


def test_pictures_of_another_kind(unchecked):
    network = xh.network(Counting())
    with pytest.raises(BadArray, match="float32"):
        network.record(pictures(1).astype(np.float64))
    with pytest.raises(BadOption, match="function"):
        xh.network(Counting(), output="logits")
