"""Every kind of network is shown what its own call would be: PyTorch, Keras, ONNX and functions."""

import pytest
from test_company import OfFunctions, OfKeras, OfOnnx, OfTorch

from xai_heatmap.testing.conformance import seen as conformance_seen


@pytest.mark.parametrize("kit", [OfFunctions, OfTorch, OfKeras, OfOnnx])
@pytest.mark.parametrize("check", conformance_seen.CHECKS, ids=lambda check: check.__name__)
def test_what_is_shown_is_what_the_own_call_would_show(check, kit):
    check(kit())
