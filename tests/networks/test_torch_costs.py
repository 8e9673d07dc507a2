"""What an explanation in PyTorch costs beside its passes, in counts."""

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.networks.torch import weights  # noqa: E402
from xai_heatmap.networks.torch.passes import zero  # noqa: E402
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


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (1, 4, 7), (2, 3, 4, 5), (1, 2, 3, 3, 3)])
def test_a_gradient_is_zero_only_where_every_number_is(shape):
    gradient = torch.zeros(shape)
    assert zero(gradient)
    for place in range(gradient.numel()):
        own = torch.zeros(gradient.numel())
        own[place] = -1e-30
        assert not zero(own.reshape(shape))
    assert zero(torch.zeros(2, 0)) == zero(torch.zeros(1, 2, 0, 3)) is True


def test_a_gradient_that_one_row_tells_from_zero_is_not_read_through(monkeypatch):
    own, read = torch.Tensor.any, list[int]()

    def any_of(tensor: Any) -> Any:
        read.append(tensor.numel())
        return own(tensor)

    monkeypatch.setattr(torch.Tensor, "any", any_of)
    assert not zero(torch.ones(1, 4, 9, 5))
    assert read == [20]


@pytest.mark.parametrize("layers", ["auto", "all"])
def test_several_targets_share_one_way_there(layers):
    """Each has a way back of its own, from the scores to the first layer that was asked for."""
    model, runs = Plain().eval(), list[Any]()
    network = xh.network(model, image_shape=(3, 8, 8))
    xh.maps(network, X)
    model.register_forward_hook(lambda *_: runs.append(None))
    picture = np.moveaxis(X[0], 0, -1)
    targets = [xh.category(at) for at in range(4)]
    found = xh.compare(network, picture, layers=layers, targets=targets, preprocess="unit")
    assert len(runs) == 1
    apart = [
        xh.compare(network, picture, layers=layers, targets=[one], preprocess="unit")
        for one in targets
    ]
    maps = [one.map for own in apart for one in own]
    assert len(found) == len(maps)
    for one, other in zip(found, maps, strict=True):
        assert np.abs(one.map - other).max() <= 1e-5 * max(np.abs(other).max(), 1e-3)


def test_the_explained_number_is_asked_for_once_a_pass_and_not_once_a_layer():
    asked = list[Any]()
    network = xh.network(Plain().eval(), image_shape=(3, 8, 8))

    def counted(scores: Any) -> Any:
        asked.append(None)
        return scores[:, 1]

    def passes_of(layer: str) -> int:
        asked.clear()
        xh.maps(network, X, layer=layer, target=xh.function(counted))
        return len(asked)

    assert passes_of("all") == passes_of("auto") > 0
