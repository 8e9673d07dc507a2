"""Models of PyTorch that run a part once for each picture, by `torch.vmap`."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoGrid  # noqa: E402

pytestmark = pytest.mark.slow  # the first `torch.vmap` of a process imports for two seconds

X = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)


class Mapped(torch.nn.Module):
    """Convolution and classes; with `whole`, the convolution too sees one picture at a time."""

    def __init__(self, *, whole):
        super().__init__()
        torch.manual_seed(0)
        self.whole = whole
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.ReLU())
        self.head = torch.nn.Linear(4, 3)

    def one(self, features):
        return self.head(features.mean((1, 2)))

    def forward(self, x):
        if self.whole:
            return torch.vmap(lambda picture: self.one(self.body(picture)))(x)
        return torch.vmap(self.one)(self.body(x))


def test_layers_before_a_mapped_part_are_explained():
    model = Mapped(whole=False).eval()
    network = xh.network(model, image_shape=(3, 8, 8))
    assert "head" not in network.layers
    features = model.body(torch.from_numpy(X)).detach().requires_grad_()
    torch.vmap(model.one)(features)[:, 1].sum().backward()
    right = (features.grad.mean((2, 3), keepdim=True) * features).sum(1).relu().detach()
    assert right.any()
    found = xh.maps(network, X, layer="body.1", target=1)
    np.testing.assert_allclose(found, right, atol=1e-7)


def test_a_model_that_is_mapped_whole_is_explained_at_its_input():
    network = xh.network(Mapped(whole=True).eval(), image_shape=(3, 8, 8))
    with pytest.raises(NoGrid, match="Layer 'input' explains the pixels"):
        xh.maps(network, X, target=1)
    apart = xh.network(Mapped(whole=False).eval(), image_shape=(3, 8, 8))
    same = [xh.maps(one, X, layer="input", method="gradient", target=1) for one in (network, apart)]
    np.testing.assert_allclose(*same, atol=1e-7)
    assert same[0].any()
