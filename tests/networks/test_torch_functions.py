"""Functions of tensors and methods of modules are differentiated, functions of arrays are not."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoRule  # noqa: E402

nn = torch.nn
X = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)


class Towers(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.Tanh(), nn.Conv2d(6, 5, 2, 2))
        self.scale = nn.Parameter(torch.tensor(3.0))

    def encode(self, x):
        return self.scale * torch.tanh(self.body(x)).mean((2, 3))

    def forward(self, x):
        return self.encode(x) ** 2


MODEL = Towers().eval()
ANCHORS = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))


def likeness(x):
    return MODEL.encode(x) @ ANCHORS.T


class Holder:
    def __init__(self, model):
        self.model = model

    def __call__(self, x):
        return self.model.encode(x) @ ANCHORS.T

    def scores(self, x):
        return self(x)


def shared(model, x):
    return model.encode(x) @ ANCHORS.T


FUNCTIONS = [
    likeness,
    lambda x: likeness(x),
    Holder(MODEL),
    Holder(MODEL).scores,
    partial(shared, MODEL),
]


def slopes(function, target):
    x = torch.tensor(X, requires_grad=True)
    return torch.autograd.grad(function(x)[:, target].sum(), x)[0].sum(1).numpy()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_tensors_has_gradients(function):
    network = xh.network(function, image_shape=X.shape[1:])
    assert network.differentiable
    found = xh.maps(network, X, method="gradient", target=2)
    np.testing.assert_allclose(found, slopes(likeness, 2), atol=1e-5 * np.abs(found).max())


@pytest.mark.parametrize("function", [likeness, Holder(MODEL), partial(shared, MODEL)])
def test_the_modules_that_a_function_uses_are_its_layers(function):
    found = xh.maps(function, X, target=2)  # Grad-CAM, at the layer that is suggested
    network = xh.network(function)
    assert any(name.endswith("body.2") for name in network.survey(X.shape[1:]).layers)
    wanted = xh.maps(MODEL.encode, X, target=xh.function(lambda y: y @ ANCHORS.numpy()[2]))
    assert found.shape == (2, 4, 4)
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())


def test_a_method_of_a_module_keeps_the_names_of_its_layers():
    network = xh.network(MODEL.encode)
    assert {"body", "body.0", "body.2"} <= set(network.survey(X.shape[1:]).layers)
    found = xh.maps(network, X, method="gradient", target=1)
    np.testing.assert_allclose(found, slopes(MODEL.encode, 1), atol=1e-5 * np.abs(found).max())
    assert xh.maps(MODEL.forward, X, target=1).shape == (2, 4, 4)
    assert vars(MODEL).get("forward") is None


def of_arrays(x):
    with torch.no_grad():
        return MODEL(torch.from_numpy(x)).numpy()


def copying(x):
    return MODEL(torch.from_numpy(np.array(x))).detach().numpy()


def detached(x):
    return MODEL(torch.as_tensor(x).detach())


@pytest.mark.parametrize("function", [of_arrays, copying, lambda x: x.mean((2, 3))])
def test_a_function_of_arrays_stays_a_function(function):
    network = xh.network(function, image_shape=X.shape[1:])
    assert not network.differentiable
    found = xh.maps(network, X, method="occlusion", options={"window": 16, "stride": 16}, target=0)
    assert found.shape == (2, 32, 32)
    with pytest.raises(NoRule, match="needs gradients"):
        xh.maps(network, X, method="gradient")


def test_a_function_that_cuts_the_gradient_has_none():
    assert not xh.network(detached, image_shape=X.shape[1:]).differentiable


def test_a_function_and_its_module_stay_as_they_were():
    before = {name: own.clone() for name, own in MODEL.state_dict().items()}
    draws = torch.get_rng_state()
    xh.maps(likeness, X, target=0)
    assert torch.equal(draws, torch.get_rng_state())
    assert all(torch.equal(own, before[name]) for name, own in MODEL.state_dict().items())
    assert all(own.grad is None for own in MODEL.parameters())
