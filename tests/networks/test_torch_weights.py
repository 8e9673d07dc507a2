"""Weights that a PyTorch model sets in its own forward pass: used, and put back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402

X = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)


class Bounded(nn.Module):
    """A convolution whose weights are bounded, or moved, before they are used."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.last, self.how = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 2), how
        self.seen = np.zeros(2)

    def forward(self, x):
        own = self.conv
        self.seen += 1
        assert isinstance(own.weight, nn.Parameter)
        if self.how == "data":
            own.weight.data = torch.renorm(own.weight.data, 2, 0, 0.3)
        if self.how == "another":
            own.weight = nn.Parameter(torch.renorm(own.weight.detach(), 2, 0, 0.3))
        if self.how == "added":
            with torch.no_grad():
                own.bias += 1
        return self.last(own(x).relu().mean((2, 3)))

    def settled(self) -> "Bounded":
        """The model that uses the same weights and sets none."""
        with torch.no_grad():
            if self.how == "added":
                self.conv.bias += 1
            else:
                self.conv.weight.copy_(torch.renorm(self.conv.weight, 2, 0, 0.3))
        self.how = "not"
        return self


@pytest.mark.parametrize("method", ["hirescam", "ablationcam"])
@pytest.mark.parametrize("how", ["data", "another", "added"])
def test_weights_that_the_model_sets_are_used_and_put_back(how, method):
    model, right = Bounded(how).eval(), Bounded(how).eval().settled()
    held = dict(model.named_parameters())
    before = {name: own.detach().clone() for name, own in held.items()}
    network = xh.network(model, image_shape=X.shape[1:])
    for _ in range(2):
        got = xh.maps(network, X, target=1, method=method, layer="conv")
        assert np.allclose(got, xh.maps(right, X, target=1, method=method, layer="conv"), atol=1e-6)
    assert dict(model.named_parameters()) == held
    assert all(torch.equal(own, before[name]) for name, own in held.items())
    assert not model.seen.any()
