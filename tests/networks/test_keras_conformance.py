"""Keras passes what every backend has to pass."""

import pytest

from xai_heatmap.testing import conformance

pytest.importorskip("keras", reason="needs Keras")

from xai_heatmap.testing.kits.keras_kit import KerasKit

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("check", conformance.CHECKS, ids=lambda check: check.__name__)
def test_conforms(check):
    check(KerasKit())
