"""What an explanation in PyTorch costs beside its passes, in counts."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch import weights  # noqa: E402
from xai_heatmap.testing.kits.torch_kit import Plain  # noqa: E402

X = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)


def test_the_tree_of_modules_is_walked_three_times_a_call(monkeypatch):
    network = xh.network(Plain().eval(), image_shape=(3, 8, 8))
    xh.maps(network, X)
    walked, own = list[Any](), weights.modules_of
    monkeypatch.setattr(weights, "modules_of", lambda root: (walked.append(root), own(root))[1])
    xh.maps(network, X)
    assert len(walked) == 3  # for the survey, the recording and all of its pass


def test_a_module_that_is_added_between_two_calls_is_seen():
    model = Plain().eval()
    network = xh.network(model, image_shape=(3, 8, 8))
    xh.maps(network, X)
    model.add_module("relu", torch.nn.Sequential(torch.nn.ReLU()))
    assert "relu.0" in network.layers


@pytest.mark.parametrize("method", ["gradcam", "libragrad", "liftcam", "fullgrad"])
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_one_number_is_differentiated_in_any_mode(monkeypatch, method, mode):
    """A cotangent that is handed in has PyTorch import sympy: as long as many passes."""
    torch.manual_seed(0)
    network = xh.network(Plain().eval(), image_shape=(3, 8, 8))
    own, seeds = torch.autograd.grad, list[Any]()

    def grad(*given: Any, **options: Any) -> Any:
        seeds.extend([*given[2:], *filter(None, [options.get("grad_outputs")])])
        return own(*given, **options)

    monkeypatch.setattr(torch.autograd, "grad", grad)
    with mode():
        found = xh.maps(network, X, method=method)
    assert isinstance(found, np.ndarray)
    assert seeds == []
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0
