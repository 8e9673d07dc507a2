"""The example of every metric's docstring, and what is declared of each."""

import doctest
import importlib
import pkgutil

import pytest

from xai_heatmap import metrics
from xai_heatmap.core.metric import METRICS

MODULES = [found.name for found in pkgutil.walk_packages(metrics.__path__, "xai_heatmap.metrics.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    declared = {one.formula.__module__ for one in METRICS.values()}
    assert result.attempted or name not in declared, "a metric shows an example"


def test_a_metric_lies_in_a_file_of_its_own():
    homes = [one.formula.__module__ for one in METRICS.values() if one.family != "other"]
    assert len(homes) == len(set(homes)) > 10


@pytest.mark.parametrize("name", METRICS)
def test_formula_and_remarks_are_there(name):
    one = METRICS[name]
    assert one.summary.endswith(".")
    assert len(one.summary) <= 90
    assert one.remarks
    assert "`" not in one.use_when
