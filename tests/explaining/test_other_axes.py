"""Layers on other axes than the input's: what can be drawn of them, and what is refused."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import NoGrid  # noqa: E402


class Flattened(nn.Module):
    """A volume whose depth is averaged away."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.deep, self.flat = nn.Conv3d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.flat(self.deep(x).relu().mean(2)).relu().mean((2, 3)))


class Spectrum(nn.Module):
    """A signal that becomes rows and columns."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.bands, self.flat = nn.Conv1d(2, 16, 5, padding=2), nn.Conv2d(1, 4, 3, padding=1)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        return self.last(self.flat(self.bands(x)[:, None]).relu().mean((2, 3)))


NETWORKS = {Flattened: (2, 4, 12, 12), Spectrum: (2, 40)}


@pytest.mark.parametrize("method", ["scorecam", "sscam", "iscam", "groupcam"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_masks_of_other_axes_are_refused_in_words(kind, method):
    x = np.random.default_rng(0).normal(size=(1, *NETWORKS[kind])).astype(np.float32)
    network = xh.network(kind().eval(), image_shape=NETWORKS[kind])
    with pytest.raises(NoGrid, match=r"on other axes than the input's.*gradcam"):
        xh.maps(network, x, method=method, layer="flat", target=0)


@pytest.mark.parametrize("kind", NETWORKS)
def test_methods_without_masks_draw_them(kind):
    x = np.random.default_rng(0).normal(size=(1, *NETWORKS[kind])).astype(np.float32)
    network = xh.network(kind().eval(), image_shape=NETWORKS[kind])
    grid = network.survey(NETWORKS[kind]).layers["flat"].grid
    for method in ("gradcam", "layercam", "ablationcam"):
        assert xh.maps(network, x, method=method, layer="flat", target=0).shape[1:] == grid
