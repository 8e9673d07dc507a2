"""Conformance: the checks that every backend has to pass, on the same small networks."""

import importlib.util

from xai_heatmap.networks.loading.loaded import missing

if importlib.util.find_spec("pytest") is None:
    raise missing("pytest", "pip install pytest", purpose="The conformance kit")

from xai_heatmap.testing.conformance import answers, heads, opening, programs, sizes, state
from xai_heatmap.testing.conformance.kit import (
    CLASSES,
    SHAPE,
    Case,
    Function,
    Kit,
    assert_slopes,
    images,
    network,
    opens_rightly,
    slopes,
)

CHECKS = [
    *opening.CHECKS,
    *answers.CHECKS,
    *heads.CHECKS,
    *state.CHECKS,
    *sizes.CHECKS,
    *programs.CHECKS,
]
"""Each is a function of a `Kit`; it returns nothing, or fails."""

__all__ = [
    "CHECKS",
    "CLASSES",
    "SHAPE",
    "Case",
    "Function",
    "Kit",
    "assert_slopes",
    "images",
    "network",
    "opens_rightly",
    "slopes",
]
