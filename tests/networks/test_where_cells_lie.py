"""Maps lie where the layer looks: a bright patch against the heat that it leaves."""

from itertools import product

import numpy as np
import pytest
import torch

import xai_heatmap as xh
from xai_heatmap.core.geometry import cropped
from xai_heatmap.explaining.upright import upright
from xai_heatmap.render.heat import drawn_out, heat

nn = torch.nn
SIZE = (96, 112)
PATCH = 16


def mean(size: int, stride: int = 1, front: int = 0, dilation: int = 1) -> nn.Module:
    """A convolution that averages every channel by itself."""
    own = nn.Conv2d(3, 3, size, stride, front, dilation, groups=3, bias=False)
    nn.init.constant_(own.weight, 1 / size**2)
    return own


def back(size: int, stride: int, cut: int) -> nn.Module:
    """A transposed convolution that does."""
    own = nn.ConvTranspose2d(3, 3, size, stride, cut, groups=3, bias=False)
    nn.init.constant_(own.weight, 1 / size**2)
    return own


class Crop(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 2:-1, 3:]


GEOMETRIES = {
    "a row and a column of zeros": [mean(4, 4), mean(2, 2), nn.ZeroPad2d((0, 1, 0, 1))],
    "padding that is no square": [mean(4, 4), nn.ZeroPad2d((3, 0, 1, 2))],
    "more padding than the kernel needs": [mean(4, 4), mean(3, 1, 3)],
    "valid convolutions": [mean(4, 4), mean(5), mean(3)],
    "dilated": [mean(4, 4), mean(3, 1, 0, 2)],
    "transposed": [mean(4, 4), back(4, 2, 0)],
    "transposed and cut": [mean(4, 4), back(2, 2, 1)],
    "cropped": [mean(4, 4), Crop()],
    "enlarged": [mean(4, 4), mean(3), nn.Upsample(scale_factor=2)],
    "overlapping pools": [nn.AvgPool2d(4, 2, 1), nn.AvgPool2d(4, 2, 1), nn.ZeroPad2d((2, 0, 0, 2))],
    "beyond the end": [mean(4, 4), mean(4), nn.AvgPool2d(2, 2, ceil_mode=True)],
}


def network(parts: list[nn.Module]) -> xh.Network:
    head = nn.Linear(3, 2)
    nn.init.constant_(head.weight, 1.0)
    nn.init.zeros_(head.bias)
    model = nn.Sequential(nn.Sequential(*parts), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    return xh.network(model.eval(), image_shape=(3, *SIZE))


def patched(row: int, column: int) -> np.ndarray:
    x = np.zeros((3, *SIZE), np.float32)
    x[:, row : row + PATCH, column : column + PATCH] = 1
    return x


def explained(own: xh.Network, x: np.ndarray) -> xh.Explanation:
    return xh.explain(own, x, target=0, method="hirescam", layer="0", preprocess="ready")


def centroid(drawn: np.ndarray) -> np.ndarray:
    share = drawn.astype(np.float64) / drawn.sum()
    return np.array([share.sum(1 - n) @ (np.arange(drawn.shape[n]) + 0.5) for n in (0, 1)])


@pytest.mark.parametrize("name", GEOMETRIES)
def test_heat_lies_on_the_patch(name: str) -> None:
    own = network(GEOMETRIES[name])
    assert own.survey((3, *SIZE)).layers["0"].placed
    for row, column in product((32, 48), (36, 60)):
        off = centroid(explained(own, patched(row, column)).heat())
        off -= row + PATCH / 2, column + PATCH / 2
        assert np.abs(off).max() < 0.6, (row, column, off)


def test_drawn_from_end_to_end_it_would_lie_elsewhere() -> None:
    """What the rule is for: the same map, its padding drawn over the picture too."""
    e = explained(network(GEOMETRIES["a row and a column of zeros"]), patched(56, 72))
    assert e.layer.extent == ((0.0, 104.0), (0.0, 120.0))
    off = centroid(drawn_out(e.map, SIZE)) - (64, 80)
    assert (off < -4).all()


def test_on_a_photograph_of_which_a_part_was_seen() -> None:
    """Heat of a padded layer stays inside of what the network saw, and lies on the patch there."""
    e = explained(network(GEOMETRIES["padding that is no square"]), patched(24, 72))
    geometry = cropped((300, 500), SIZE)
    drawn = heat(e.map, geometry, extent=e.extent)
    left, top, right, bottom = geometry.seen
    outside = drawn.copy()
    outside[top:bottom, left:right] = 0
    assert not outside.any()
    x, y = geometry.to_image(72 + PATCH / 2, 24 + PATCH / 2)
    assert np.abs(centroid(drawn) - (y, x)).max() < 2


@pytest.mark.parametrize("smooth", [False, True])
def test_nothing_answers_beyond_the_outermost_cells(smooth: bool) -> None:
    """A cell of 0 lies beside the first, whose middle is at 14."""
    e = explained(network(GEOMETRIES["valid convolutions"]), patched(0, 0))
    assert e.extent == ((12.0, 84.0), (12.0, 100.0))
    drawn = drawn_out(e.map, SIZE, smooth=smooth, extent=e.extent)
    assert drawn.shape == SIZE
    assert not drawn[:10].any()
    assert not drawn[:, :10].any()
    assert 0 < drawn[11, 14] < drawn[13, 14]


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("padding that is no square", np.s_[:, :]),
        ("valid convolutions", np.s_[3:-3, 3:-3]),
    ],
)
def test_a_page_is_told_which_cells_lie_on_the_picture(
    name: str, inside: tuple[slice, slice]
) -> None:
    e = explained(network(GEOMETRIES[name]), patched(24, 72))
    cells, box = upright(e)
    assert cells.shape == (24, 28), "of four places each"
    assert box == [0.0, 0.0, 112.0, 96.0]
    own = e.map[1:25, 3:31] if name == "padding that is no square" else e.map
    np.testing.assert_array_equal(cells[inside], own)


def test_what_can_not_be_followed_is_said() -> None:
    """Columns that are picked one by one: their cells are drawn from end to end, with a note."""

    class Picked(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, :, torch.arange(27)]

    e = explained(network([mean(4, 4), Picked()]), patched(24, 72))
    assert e.layer.extent is None
    assert any("could not be followed" in note for note in e.notes)
    e = explained(network([mean(4, 4), Crop()]), patched(24, 72))
    assert not any("could not be followed" in note for note in e.notes)


def test_a_test_looks_where_the_map_is_drawn() -> None:
    """T of a padded layer's map is that of the map without its padding."""
    x = patched(24, 72) + np.random.default_rng(0).normal(0, 0.05, (3, *SIZE)).astype(np.float32)
    found = [
        xh.explain(
            own, x, target=0, method="hirescam", layer="0", preprocess="ready", test=True
        ).tested
        for own in map(network, (GEOMETRIES["padding that is no square"], [mean(4, 4)]))
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].agreement == pytest.approx(found[1].agreement, abs=0.02)
