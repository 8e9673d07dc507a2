"""Every backend holds the checks of single subjects: places, boxes, signals, attention, rules."""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

from xai_heatmap.testing.conformance import attention, boxes, rules, segmentation, signals
from xai_heatmap.testing.kits.subjects import KerasSubjects, OnnxSubjects, TorchSubjects

# keras's torch variables, fixed for the numpy of tomorrow by keras itself
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KITS = {"torch": TorchSubjects, "onnx": OnnxSubjects, "keras": KerasSubjects}
CHECKS = [*boxes.CHECKS, *segmentation.CHECKS, *signals.CHECKS, *attention.CHECKS, *rules.CHECKS]


OTHERS = [pytest.param(kind, marks=pytest.mark.slow) for kind in KITS if kind != "torch"]


@pytest.mark.parametrize("kind", ["torch", *OTHERS])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_conforms(check, kind):
    pytest.importorskip(kind)
    check(KITS[kind]())
