"""A map without evidence says so, and why."""

import numpy as np
import pytest

from xai_heatmap.core.verdict import verdict

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
