"""A map without evidence says so, and why."""

import re

import numpy as np
import pytest

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.verdict import kept, verdict

SOME = np.array([[0.0, 2.0]], np.float32)
NONE = np.zeros((1, 2), np.float32)
SLOPE = np.ones((3, 1, 2), np.float32)


@pytest.mark.parametrize(
    ("map_", "gradient", "score", "probability", "word", "figure"),
    [
        (SOME, SLOPE, 5.0, False, "ok", 2.0),
        (SOME, None, 5.0, False, "ok", 2.0),
        (NONE, SLOPE, 5.0, False, "no_positive_evidence", 0.0),
        (-SOME - 1, SLOPE, 5.0, False, "no_positive_evidence", -1.0),
        (NONE, 0 * SLOPE, 5.0, False, "dead_gradient", 0.0),
        (NONE, None, 5.0, False, "no_positive_evidence", 0.0),
        (SOME, SLOPE, 0.99999, True, "saturated", 0.99999),
        (SOME, SLOPE, 0.00001, True, "saturated", 0.00001),
        (SOME, SLOPE, 0.99999, False, "ok", 2.0),
        (SOME, SLOPE, 0.5, True, "ok", 2.0),
        (SOME, None, 0.99999, True, "ok", 2.0),
    ],
)
def test_judged(map_, gradient, score, probability, word, figure):
    found = verdict(map_, gradient=gradient, score=score, probability=probability)
    assert found.word == word
    assert found.figure == pytest.approx(figure)
    assert str(found).startswith(f"{word}: ")


@pytest.mark.parametrize(("size", "word"), [(1e-7, "cancelled"), (1e-3, "ok")])
def test_a_map_of_nothing_but_rounding_is_no_evidence(size, word):
    """Contributions of 1 and -1 at every place, as behind a layer normalisation."""
    gradient = np.array([[[1.0, 1.0]], [[-1.0, -1.0]]], np.float32)
    activation = np.ones((2, 1, 2), np.float32)
    map_ = np.array([[size, -size]], np.float32)
    facts = {"gradient": gradient, "score": 1.0, "probability": False}
    found = verdict(map_, activation=activation, **facts)
    assert found.word == word
    assert verdict(map_, **facts).word == "ok", "only where it is known what the map was made from"
    if word == "cancelled":
        assert found.figure == pytest.approx(size / 2)
        assert "layer normalisation" in found.because


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e25])
@pytest.mark.parametrize(("share", "word"), [(0.9e-5, "cancelled"), (1.1e-5, "ok")])
def test_what_remains_is_held_against_its_own_parts(scale, share, word):
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=(40, 9, 7)).astype(np.float32) * np.float32(scale)
    activation = rng.normal(size=(40, 9, 7)).astype(np.float32)
    parts = np.abs(gradient * activation).sum(axis=0)
    facts = {"gradient": gradient, "activation": activation, "score": 1.0, "probability": False}
    assert verdict(share * parts, **facts).word == word
    against = verdict(-share * parts, **facts)
    assert (against.word == "cancelled") == (word == "cancelled")


@pytest.mark.parametrize(
    ("map_", "said"),
    [(-SOME - 1, "no place.* above 0.*neither for nor against"), (NONE, "the same at every")],
)
def test_a_map_of_no_class_speaks_neither_for_nor_against_one(map_, said):
    found = verdict(map_, gradient=None, score=5.0, probability=False, directed=False)
    assert found.word == "no_positive_evidence"
    assert re.search(said, found.because)
    assert "speaks" not in found.because


def test_methods_that_see_no_score_are_known_as_such():
    names = ("eigencam", "kpcacam", "fem", "smooth:eigencam")
    assert not any(find_method(name).directed for name in names)
    assert all(find_method(name).directed for name in ("gradcam", "rise", "cam", "vary:gradcam"))


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize(
    ("map_", "gradient", "score", "probability"),
    [
        (SOME, SLOPE, 5.0, False),
        (NONE, SLOPE, 5.0, False),
        (-SOME - 1, SLOPE, 5.0, False),
        (NONE, 0 * SLOPE, 5.0, False),
        (SOME, SLOPE, 0.99999, True),
    ],
)
def test_a_verdict_of_which_word_and_figure_were_kept_has_its_reason(
    map_, gradient, score, probability, directed
):
    given = {"gradient": gradient, "score": score, "probability": probability, "directed": directed}
    made = verdict(map_, activation=None, **given)
    assert kept(made.word, made.figure, map_, directed=directed) == made
