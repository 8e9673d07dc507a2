"""A metric is declared as a method is: its signature says what it needs and what may be set."""

from typing import Annotated

import numpy as np
import pytest

import xai_heatmap.metrics  # noqa: F401 - registers them
from xai_heatmap.core.errors import BadOption, UnknownMetric
from xai_heatmap.core.metric import METRICS, MetricEvidence, find_metric, metric
from xai_heatmap.core.options import Within


@pytest.fixture
def registered():
    """Leave the registry as it was."""
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


def test_a_metric_gets_only_what_it_names(registered):
    @metric(better="lower", cite="x", use_when="never")
    def area(heat, *, above: Annotated[float, Within(0, 1)] = 0.5):
        """Share of the places above a part of the maximum."""
        return (heat > above * heat.max()).mean()

    found = METRICS["area"]
    assert (found.needs, dict(found.options), found.better) == ({"heat"}, {"above": 0.5}, "lower")
    assert found.summary == "Share of the places above a part of the maximum."
    assert (found.cost, found.family, found.questions) == ("none", "other", False)
    known = MetricEvidence(heat=np.array([[1, 2], [3, 4]], np.float32))
    assert found(known) == 0.5
    assert found(known, found.checked({"above": "0.3"})) == 0.75
    assert isinstance(found(known), float)


def test_what_evidence_does_not_have_fails_when_it_is_declared(registered):
    with pytest.raises(TypeError, match=r"asks for \['heats'\]; a metric may ask for \["):

        @metric(better="lower", cite="x", use_when="never")
        def typo(heats):
            return 0.0


def test_a_metric_that_runs_the_network_says_how_often(registered):
    with pytest.raises(TypeError, match=r"runs \['model'\]: say passes="):

        @metric(better="lower", cite="x", use_when="never")
        def silent(model):
            return 0.0

    @metric(better="lower", cite="x", use_when="never", passes="3")
    def said(confidence):
        return 0.0

    assert (METRICS["said"].cost, METRICS["said"].questions) == ("3", True)


@pytest.mark.parametrize("better", ["more", "", None])
def test_which_figure_is_better_is_one_of_two_words(better):
    with pytest.raises(TypeError, match="'higher'"):
        metric(better=better, cite="x", use_when="never")


def test_the_folder_is_the_family():
    assert {METRICS[name].family for name in ("energy", "overlap")} == {"localisation"}


def test_an_unknown_metric_suggests_the_nearest():
    with pytest.raises(UnknownMetric, match=r"Did you mean 'energy'\? Known: .*pointing"):
        find_metric("enrgy")
    with pytest.raises(UnknownMetric, match="given by its name; received 3"):
        find_metric(3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shares": 1}, r"overlap has no option 'shares'\. Did you mean 'share'\?"),
        ({"share": 2}, "at most 1"),
    ],
)
def test_options_are_checked_as_those_of_methods(given, said):
    with pytest.raises(BadOption, match=said):
        find_metric("overlap").checked(given)
