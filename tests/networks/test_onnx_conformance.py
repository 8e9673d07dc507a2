"""ONNX passes what every backend has to pass, and what only it can get wrong."""

import pytest

from xai_heatmap.testing import conformance
from xai_heatmap.testing.kits.onnx_kit import OnnxKit

SKIPPED = {
    "exception_in_the_middle_leaves_nothing_behind",
    "weights_changed_by_their_owner_are_seen",
    "infinite_scores_are_an_error",
}
"""Checks that a graph can't be put to; see OnnxKit.failing and OnnxKit.nudge."""


@pytest.mark.slow
@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
def test_conforms(check):
    if check.__name__ not in SKIPPED:
        check(OnnxKit())
        return
    with pytest.raises(pytest.skip.Exception):
        check(OnnxKit())
