"""xh.token: a target at one word of an answer."""

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import UnknownTarget
from xai_heatmap.core.targets.answer import Answer, Form

NAMES = ("yes", "no", "a", "fish", "yes")
ROWS = np.array([[0.1, 0.9, 0, 0.2, 0], [3, 1, 0, 0, 0.5], [0, 0, 1, 4, 0.5]], np.float32)
"""Scores of three tokens by what may stand there: the answer is no, yes, fish."""

SAID = Answer(ROWS.T.ravel(), NAMES, Form((3,), steps=True, classes_last=True))


@pytest.mark.parametrize(
    ("chosen", "value", "label"),
    [
        (xh.token(3), 4, "'fish', token 3"),
        (xh.token("fish"), 4, "'fish', token 3"),
        (xh.token("yes"), 3, "'yes', token 2"),
        (xh.token("yes", against="no"), 2, "'yes' - 'no', token 2"),
        (xh.token("a", against="fish"), -3, "'a' - 'fish', token 3"),
        (xh.token(1, against="fish"), 0.7, "'no' - 'fish', token 1"),
        (xh.token(3, against="yes"), 3.5, "'fish' - 'yes', token 3"),
    ],
)
def test_value_and_slope(chosen, value, label):
    target = chosen(SAID)
    rows = SAID.scores[None]
    assert target.label == label
    assert target.value(rows)[0] == pytest.approx(value)
    assert (target.cotangent(rows) * rows).sum() == pytest.approx(value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: xh.token(0), "counted from 1; received 0"),
        (lambda: xh.token(""), "by itself or by its number"),
        (lambda: xh.token(True), "by itself or by its number"),
        (lambda: xh.token("yes", against="yes"), "held against another one"),
        (lambda: xh.token(4)(SAID), "has 3 tokens .'no', 'yes', 'fish'.; token.4. is none"),
        (lambda: xh.token("bird")(SAID), "'bird' is no token of the answer"),
        (lambda: xh.token("yes", against="bird")(SAID), "'bird' is no token that the network"),
        (lambda: xh.token("fish", against="no")(Answer(ROWS[0], NAMES)), "answers a sequence"),
        (lambda: xh.token(3, against="fish")(SAID), "is the token itself"),
    ],
)
def test_bad_input(asked, said):
    with pytest.raises(UnknownTarget, match=said):
        asked()
