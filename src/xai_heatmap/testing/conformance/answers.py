"""Checks of answers: tuples, dictionaries, final activations, half precision."""

import numpy as np
import pytest

from xai_heatmap.core.errors import (
    NonFiniteScores,
)
from xai_heatmap.testing.conformance.kit import (
    CLASSES,
    Kit,
    assert_slopes,
    checks_of,
    images,
    maps,
    network,
    opens_rightly,
    slopes,
)


def model_that_answers_a_tuple_opens(kit: Kit) -> None:
    """The scores of a model that answers a tuple are its first array of two axes."""
    opens_rightly(kit.tuple_output())


def model_that_answers_a_dict_opens(kit: Kit) -> None:
    """The scores of a model that answers a dictionary are those called logits."""
    opens_rightly(kit.dict_output())


def closing_softmax_is_left_out(kit: Kit) -> None:
    """A final softmax is undone for the scores; `keep_closing` keeps it."""
    case = kit.softmax()
    opens_rightly(case)
    opened = network(case.model)
    assert opened.closing == "softmax"
    assert opened.record(images()).meaning == "logits"
    kept = network(case.model, keep_closing=True).record(images())
    assert kept.meaning == "probabilities"
    np.testing.assert_allclose(kept.scores.sum(axis=1), 1, atol=1e-5)


def softmax_in_a_call_is_left_out_or_said(kit: Kit) -> None:
    """A softmax inside of the model's own code is undone, or its answer is read as log-
    probabilities.
    """
    case = kit.functional_softmax()
    x = images()
    recording = network(case.model).record(x, [case.layer])
    logits = case.head(case.trunk(x))
    assert recording.meaning in ("logits", "log-probabilities")
    if recording.meaning == "logits":
        np.testing.assert_allclose(recording.scores, logits, atol=1e-4)
    else:
        log = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(recording.scores, log, atol=1e-4)
        cotangent = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], np.float32)  # where the two agree
        wanted = slopes(case.head, case.trunk(x), cotangent)
        assert_slopes(recording.pullback(cotangent)[case.layer], wanted, rtol=1e-2)


def single_sigmoid_unit_is_for_and_against(kit: Kit) -> None:
    """One sigmoid unit has two targets, whose maps differ in sign."""
    case = kit.sigmoid_unit()
    opens_rightly(case)
    opened, x = network(case.model), images(3)
    assert opened.closing == "sigmoid"
    native = x if not opened.channels_last else np.moveaxis(x, 1, -1)
    assert opened.record(x).scores.shape == (3, 1)
    signed = {"method": "gradcam", "options": {"relu": False}}
    for_, against = (maps(opened, native, layer=case.layer, target=t, **signed) for t in (1, 0))
    assert np.abs(for_).max() > 0
    np.testing.assert_allclose(for_, -against, atol=1e-6)


def sigmoid_labels_are_left_open(kit: Kit) -> None:
    """Several sigmoid units are labels: each is explained by its logit."""
    case = kit.sigmoid_labels()
    opens_rightly(case)
    assert network(case.model).closing == "sigmoid"


def half_precision_crosses_as_float32(kit: Kit) -> None:
    """All arrays of a model of half precision are float32, and right to its precision."""
    case = kit.half()
    recording = network(case.model).record(images(), [case.layer])
    cotangent = np.eye(CLASSES, dtype=np.float32)[[0, 1]]
    arrays = [
        recording.scores,
        recording.activations[case.layer],
        recording.pullback(cotangent)[case.layer],
    ]
    assert all(array.dtype == np.float32 for array in arrays)
    expected = case.trunk(images())
    np.testing.assert_allclose(arrays[1], expected, atol=3e-2 * np.abs(expected).max())
    wanted = slopes(case.head, expected, cotangent)
    assert_slopes(arrays[2], wanted, rtol=5e-2)


def infinite_scores_are_an_error(kit: Kit) -> None:
    """Scores that are not finite are an error that says so."""
    case = kit.plain()
    opened = network(case.model)
    kit.nudge(case.model, to=float("nan"))
    with pytest.raises(NonFiniteScores, match="NaN"):
        opened.record(images(), [case.layer])


CHECKS = checks_of(globals())
