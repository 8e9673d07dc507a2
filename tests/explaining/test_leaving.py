"""All layers of a network, some of which can't be had: the others are."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoHead, NonFiniteScores  # noqa: E402

SHAPE = (3, 32, 32)
X = np.random.default_rng(0).random((1, *SHAPE), np.float32)


class Net(nn.Module):
    """Two layers; beside them one without numbers, or between them noise."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 3, padding=1)
        self.odd, self.last, self.kind = nn.Identity(), nn.Linear(4, 3), kind

    def forward(self, x):
        z = self.first(x)
        if self.kind == "endless":
            self.odd(z.detach() / 0)
        if self.kind == "noise":
            z = z + torch.rand_like(z) / 2
        return self.last(self.second(z).relu().mean((2, 3)))


def opened(kind):
    return xh.network(Net(kind).eval(), image_shape=SHAPE)


@pytest.mark.parametrize("method", ["gradcam", "eigencam", "kpcacam", "scorecam"])
@pytest.mark.parametrize("wanted", ["all", "*"])
def test_a_layer_without_numbers_is_left_out_of_all(method, wanted):
    network = opened("endless")
    with pytest.warns(UserWarning, match=f"left out: {method}.*'odd'"):
        found = xh.maps(network, X, target=0, layer=wanted, method=method)
    assert list(found) == ["first", "second"]
    for name, own in found.items():
        alone = xh.maps(network, X, target=0, layer=name, method=method)
        assert np.allclose(own, alone, atol=1e-6)
    with pytest.raises(NonFiniteScores):
        xh.maps(network, X, target=0, layer="odd", method=method)


def test_a_layer_is_left_out_of_the_methods_that_refuse_it_alone():
    network, picture = opened("noise"), np.full((32, 32, 3), 90, np.uint8)
    ask = {"preprocess": "unit", "methods": ["gradcam", "ablationcam"], "targets": [0]}
    with pytest.warns(UserWarning, match="left out: Net: what lies behind layer 'first'"):
        found = xh.compare(network, picture, layers="all", **ask)
    assert [(one.method, one.layer.name) for one in found] == [
        ("gradcam", "first"),
        ("gradcam", "second"),
        ("ablationcam", "second"),
    ]
    with pytest.raises(NoHead):
        xh.compare(network, picture, layers=["first", "second"], **ask)


def test_where_no_layer_is_left_the_reason_is_raised():
    network = opened("noise")
    with pytest.raises(NoHead):
        xh.maps(network, X, target=0, layer="fir*", method="ablationcam")
